/* SPDX-License-Identifier: MIT */
/* Gates, semaphores and queues (kernel/sync.h): each waiter is a record on its task's stack, with
 * an event of its own. Whoever serves it takes it off the list and says so there, so that it knows
 * it was served even if its wait ended for another reason before it ran. */
#include "kernel/sync.h"

#include <errno.h>

#include "kernel/kernel.h"
#include "kernel/task.h"

struct waiter {
	struct event e;
	struct waiter *next, *prev;
	void *item;                    /* that it brings to a queue, or is given by one */
	bool served;
};

static void unlink_waiter(struct waiters *l, struct waiter *w)
{
	if (w->prev)
		w->prev->next = w->next;
	else
		l->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		l->last = w->prev;
}

/* Waits at the end of the list until served: 0, or why not. *item: what a queue is brought, and
 * what it gives. */
static int await(struct waiters *l, void **item, ktime deadline)
{
	struct waiter w = { .prev = l->last, .item = *item };
	int err;

	if (l->last)
		l->last->next = &w;
	else
		l->first = &w;
	l->last = &w;
	err = event_wait(&w.e, deadline);
	if (!w.served) {
		unlink_waiter(l, &w);
		return err;
	}
	*item = w.item;
	return 0;
}

/* Takes the oldest off the list, which then finds that it was served. NULL: nobody waits. */
static struct waiter *serve(struct waiters *l)
{
	struct waiter *w = l->first;

	if (w) {
		unlink_waiter(l, w);
		w->served = true;
		event_signal(&w->e);
	}
	return w;
}

/* ---- Gate ------------------------------------------------------------------- */

void gate_pulse(struct gate *g)
{
	while (serve(&g->waiters))
		;
}

void gate_open(struct gate *g)
{
	g->is_open = true;
	gate_pulse(g);
}

void gate_close(struct gate *g)
{
	g->is_open = false;
}

int gate_wait(struct gate *g, ktime deadline)
{
	void *nothing = NULL;

	if (task_cancelled())
		return -ECANCELED;
	return g->is_open ? 0 : await(&g->waiters, &nothing, deadline);
}

/* ---- Semaphore -------------------------------------------------------------- */

int semaphore_take(struct semaphore *s, ktime deadline)
{
	void *nothing = NULL;

	if (task_cancelled())
		return -ECANCELED;
	if (s->units == 0)
		return await(&s->waiters, &nothing, deadline);
	s->units--;
	return 0;
}

void semaphore_give(struct semaphore *s)
{
	if (!serve(&s->waiters))
		s->units++;
}

/* ---- Queue ------------------------------------------------------------------ */

static void append(struct queue *q, void *item)
{
	q->slots[(q->first + q->len++) % q->cap] = item;
}

int queue_put(struct queue *q, void *item, ktime deadline)
{
	struct waiter *w;

	if (task_cancelled())
		return -ECANCELED;
	w = serve(&q->getters);
	if (w)
		w->item = item;
	else if (q->len == q->cap)
		return await(&q->putters, &item, deadline);
	else
		append(q, item);
	return 0;
}

int queue_get(struct queue *q, void **item, ktime deadline)
{
	struct waiter *w;

	if (task_cancelled())
		return -ECANCELED;
	*item = NULL;
	if (q->len == 0)
		return await(&q->getters, item, deadline);
	*item = q->slots[q->first];
	q->first = (q->first + 1) % q->cap;
	q->len--;
	w = serve(&q->putters);
	if (w)
		append(q, w->item);
	return 0;
}
