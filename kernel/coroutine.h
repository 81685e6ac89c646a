/* SPDX-License-Identifier: MIT */
/* CONTRACT kernel -> everyone: coroutines, which run only when somebody switches to them, and pass
 * a value, or an error, with every switch.
 *
 * A coroutine is a part of the task that switched to it, on a stack of its own from the pool of
 * task stacks: it has the task's limit, cancellation and errno, and when it waits, the task waits.
 * What a task runs outside of all of them is its main one, which is called NULL here.
 *
 * When a coroutine ends, its parent goes on, or the next in the line of parents that has not ended:
 * at last the main one. A coroutine that has been left may be switched to from another task, and
 * belongs to that one from then on, its parent being whoever switched. One that is left and never
 * ends keeps its stack until coroutine_free(). */
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
	struct task *task;         /* that it belongs to; NULL: it has not begun, or has ended */
	struct task *stack;        /* from the pool, NULL: none */
	struct coroutine *main, *parent;
	const char *name;
	coroutine_fn *fn;
	void *value;               /* for it, from the switch to it */
	int error;
	bool ended;
};

/* Makes one in the caller's memory, which it needs until it and its children have ended; its
 * parent is the running coroutine. `name` is kept by reference. It has no stack before it begins:
 * COROUTINE(name, fn) is the same as an initialiser, with the main one for a parent. */
void coroutine_init(struct coroutine *c, const char *name, coroutine_fn *fn);
#define COROUTINE(name_, fn_) { .name = (name_), .fn = (fn_) }

/* Goes on in `to`, or begins it, with `value`; returns when somebody switches back here: 0 and what
 * was passed in *got (if not NULL), or the error that was thrown. One that has ended passes on to
 * its parent. At once: -ENOMEM, no stack is free for one that has not begun; -EBUSY, another task
 * is in it. */
static inline int coroutine_switch(struct coroutine *to, void *value, void **got);

/* The same, but where `to` was left its switch returns `error`, which is negative; one that has not
 * begun ends with it. */
static inline int coroutine_throw(struct coroutine *to, int error, void **got);

/* The running coroutine; and whom the end of c, or of the main one, goes to. */
struct coroutine *coroutine_self(void);
struct coroutine *coroutine_parent(const struct coroutine *c);

/* 0, or -EINVAL: c would be its own ancestor. */
int coroutine_set_parent(struct coroutine *c, struct coroutine *parent);
bool coroutine_ended(const struct coroutine *c);

/* Ends one that is not running and gives its stack back: what it was at is not finished. To let it
 * clean up, throw -ECANCELED into it. */
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
