/* SPDX-License-Identifier: MIT */
/* CONTRACT kernel -> everyone: coroutines, which run only when somebody switches to them, and pass
 * a value, or an error, with every switch.
 *
 * A coroutine is a part of the task that switched to it, with a stack of its own from the pool of
 * task stacks: it has the task's limit, cancellation and errno, and when it waits, the task waits.
 * What the task ran before it first switched is a coroutine, too, the task's main one.
 *
 * When a coroutine ends, its parent goes on, or the next in the line of parents that has not ended:
 * at last the main one. A coroutine that has been left may be switched to from another task, and
 * belongs to that one from then on, its parent being whoever switched. Nothing else is left behind
 * by a task that ends: what it leaves unended, coroutine_free() takes back. */
#pragma once

#include <stdbool.h>

#include "kernel/arch.h"

struct task;

/* Runs with the value of the first switch. Returns 0, and *result, at first NULL, is passed to the
 * parent; or a negative errno, which is thrown into the parent. -ECANCELED is the end that was
 * asked for: the parent gets NULL. */
typedef int coroutine_fn(void *value, void **result);

struct coroutine {                 /* private */
	struct arch_ctx ctx;
	struct task *task;         /* that it belongs to; NULL before it has begun */
	struct task *stack;        /* NULL: a main one, or it has ended */
	struct coroutine *parent;  /* NULL: the main one */
	coroutine_fn *fn;
	void *value;               /* for it, from the switch to it */
	int error;
};

/* Makes one in the caller's memory, which it needs until it has ended; its parent is the running
 * coroutine. `name` is kept by reference. 0, or -ENOMEM: no stack is free. */
int coroutine_init(struct coroutine *c, const char *name, coroutine_fn *fn);

/* Goes on in `to` with `value`; returns when somebody switches back here: 0 and what was passed in
 * *got (if not NULL), or the error that was thrown. One that has ended passes on to its parent.
 * -EBUSY, at once: another task is in it, or it is another task's main one. */
static inline int coroutine_switch(struct coroutine *to, void *value, void **got);

/* The same, but where `to` was left its switch returns `error`, which is negative; one that has not
 * begun ends with it. */
static inline int coroutine_throw(struct coroutine *to, int error, void **got);

/* The running coroutine. */
struct coroutine *coroutine_self(void);

/* Whom its end goes to: 0, or -EINVAL: c would be its own ancestor, or c is a main one. */
int coroutine_set_parent(struct coroutine *c, struct coroutine *parent);
bool coroutine_ended(const struct coroutine *c);

/* Gives back the stack of one that is not running: what it was at is not finished. To let it clean
 * up, throw -ECANCELED into it. One that has ended has none. */
void coroutine_free(struct coroutine *c);

/* ---- Both in line, so that a switch returns to whoever called it, and to nothing between ----- */

/* Private: the switch; the coroutine that runs when it returns. */
struct coroutine *coroutine_pass(struct coroutine *to, void *value);
struct coroutine *coroutine_pass_error(struct coroutine *to, int error);

static inline int coroutine_got(const struct coroutine *self, void **got)
{
	if (got)
		*got = self->value;
	return self->error;
}

static inline int coroutine_switch(struct coroutine *to, void *value, void **got)
{
	return coroutine_got(coroutine_pass(to, value), got);
}

static inline int coroutine_throw(struct coroutine *to, int error, void **got)
{
	return coroutine_got(coroutine_pass_error(to, error), got);
}
