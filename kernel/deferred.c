/* SPDX-License-Identifier: MIT */
/* Deferreds (kernel/deferred.h): a list of links, and one loop that walks it while there is a
 * result to give them. */
#include "kernel/deferred.h"

#include <errno.h>

#include "kernel/kernel.h"

static int run(struct deferred *d);

void deferred_init(struct deferred *d, void (*cancel)(struct deferred *d))
{
	*d = (struct deferred){ .cancel = cancel };
}

static int resume(void *arg, void **value)
{
	struct deferred *d = arg;

	d->inner = NULL;
	d->value = *value;
	*value = NULL;
	return run(d);
}

static int resume_error(void *arg, int error, void **value)
{
	struct deferred *d = arg;

	d->inner = NULL;
	d->error = error;
	return run(d);
}

static int call(struct deferred *d, const struct deferred_link *l)
{
	if (d->error < 0)
		return l->error_fn ? l->error_fn(l->arg, d->error, &d->value) : d->error;
	return l->fn ? l->fn(l->arg, &d->value) : 0;
}

/* Nothing will change what it holds. */
static bool settled(const struct deferred *d)
{
	return d->fired && !d->first && !d->inner && !d->running;
}

/* Adds a link, and walks as run(). */
static int add(struct deferred *d, struct deferred_link *l, deferred_fn *fn,
	       deferred_error_fn *error_fn, void *arg)
{
	*l = (struct deferred_link){ .fn = fn, .error_fn = error_fn, .arg = arg };
	if (d->first)
		d->last->next = l;
	else
		d->first = l;
	d->last = l;
	return d->fired && !d->inner ? run(d) : 0;
}

/* Walks the chain as far as there is a result: 0, or DEFERRED_GONE. */
static int run(struct deferred *d)
{
	if (d->running)
		return 0;               /* a link added one to its own chain */
	d->running = true;
	while (d->first) {
		struct deferred_link *l = d->first;
		struct deferred *inner;
		int err;

		d->first = l->next;
		err = call(d, l);
		if (err == DEFERRED_GONE)
			return err;
		d->error = err < 0 ? err : 0;
		if (err < 0)
			d->value = NULL;
		if (err != DEFERRED_WAIT)
			continue;
		inner = d->value;
		ASSERT(inner && inner != d);
		if (!settled(inner)) {
			d->value = NULL;
			d->inner = inner;
			d->running = false;     /* for it may be resumed at once */
			return add(inner, &d->resume, resume, resume_error, d);
		}
		d->value = inner->value;
		d->error = inner->error;
		inner->value = NULL;
		inner->error = 0;
	}
	d->running = false;
	return 0;
}

void deferred_add(struct deferred *d, struct deferred_link *l, deferred_fn *fn,
		  deferred_error_fn *error_fn, void *arg)
{
	add(d, l, fn, error_fn, arg);
}

static void fire(struct deferred *d, void *value, int error)
{
	ASSERT(!d->fired);
	d->fired = true;
	d->value = value;
	d->error = error;
	run(d);
}

void deferred_fire(struct deferred *d, void *value)
{
	fire(d, value, 0);
}

void deferred_fail(struct deferred *d, int error)
{
	ASSERT(error < 0);
	fire(d, NULL, error);
}

void deferred_cancel(struct deferred *d)
{
	if (d->fired) {
		if (d->inner)
			deferred_cancel(d->inner);
		return;
	}
	if (d->cancel)
		d->cancel(d);
	fire(d, NULL, -ECANCELED);
}

bool deferred_fired(const struct deferred *d)
{
	return d->fired;
}
