/* SPDX-License-Identifier: MIT */
/* Timers of net/reactor.h: a pairing heap (Fredman, Sedgewick, Sleator, Tarjan, 1986), whose links
 * lie in the timers themselves, so that setting one never fails; and the deferreds that they fire.
 * A root's or first child's `prev` is its parent, another's the sibling before it. */
#include "net/reactor.h"

#include <errno.h>

#include "kernel/kernel.h"
#include "kernel/task.h"
#include "net/net.h"

#define BATCH 64u                      /* callbacks between two looks at the NIC */

static struct timer *first;            /* the earliest, the heap's root */

/* ---- Heap ------------------------------------------------------------------------ */

/* Two roots become one; either may be NULL. */
static struct timer *merge(struct timer *a, struct timer *b)
{
	if (!a || !b)
		return a ? a : b;
	if (b->at < a->at) {
		struct timer *t = a;

		a = b;
		b = t;
	}
	b->prev = a;
	b->next = a->child;
	if (a->child)
		a->child->prev = b;
	a->child = b;
	return a;
}

/* A list of siblings becomes one root: in pairs from the first on, then all from the last back. */
static struct timer *merge_all(struct timer *t)
{
	struct timer *pairs = NULL, *root = NULL;

	while (t) {
		struct timer *a = t, *b = t->next;

		t = b ? b->next : NULL;
		a->next = NULL;
		if (b)
			b->next = NULL;
		a = merge(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *a = pairs;

		pairs = a->next;
		a->next = NULL;
		root = merge(root, a);
	}
	if (root)
		root->prev = NULL;
	return root;
}

static void take_out(struct timer *t)
{
	struct timer *rest = merge_all(t->child);

	if (t == first) {
		first = rest;
	} else {
		if (t->prev->child == t)
			t->prev->child = t->next;
		else
			t->prev->next = t->next;
		if (t->next)
			t->next->prev = t->prev;
		first = merge(first, rest);
		first->prev = NULL;
	}
	t->child = t->next = t->prev = NULL;
	t->set = false;
}

/* ---- Timers ---------------------------------------------------------------------- */

static int refuse_to_wait(void)
{
	return -EDEADLK;
}

/* Of the loop: calls some that are due. */
static ktime run(ktime now)
{
	for (unsigned n = 0; first && first->at <= now && n < BATCH; n++) {
		struct timer *t = first;

		take_out(t);
		task_before_wait(refuse_to_wait);
		t->fn(t);
		task_before_wait(NULL);
	}
	return first ? first->at : FOREVER;
}

void reactor_init(void)
{
	net_timer_add(run);
}

void timer_clear(struct timer *t)
{
	if (t->set)
		take_out(t);
}

void timer_set(struct timer *t, ktime at, void (*fn)(struct timer *t))
{
	timer_clear(t);
	*t = (struct timer){ .at = at, .fn = fn, .set = true };
	first = merge(first, t);
	first->prev = NULL;
	if (first == t)
		net_timer_due(at);
}

/* ---- Deferreds ------------------------------------------------------------------- */

static void delay_over(struct timer *t)
{
	deferred_fire(&container_of(t, struct delay, timer)->d, NULL);
}

static void delay_cancel(struct deferred *d)
{
	timer_clear(&container_of(d, struct delay, d)->timer);
}

void delay_start(struct delay *y, ktime at)
{
	deferred_init(&y->d, delay_cancel);
	y->timer = (struct timer){ 0 };
	timer_set(&y->timer, at, delay_over);
}

static int in_time(void *arg, void **value)
{
	struct timeout *o = arg;

	timer_clear(&o->timer);
	return 0;
}

static int not_in_time(void *arg, int error, void **value)
{
	struct timeout *o = arg;
	bool late = !o->timer.set;

	timer_clear(&o->timer);
	return late && error == -ECANCELED ? -ETIMEDOUT : error;
}

static void time_out(struct timer *t)
{
	deferred_cancel(container_of(t, struct timeout, timer)->d);
}

void timeout_start(struct timeout *o, struct deferred *d, ktime at)
{
	*o = (struct timeout){ .d = d };
	timer_set(&o->timer, at, time_out);
	deferred_add(d, &o->link, in_time, not_in_time, o);
}
