/* SPDX-License-Identifier: MIT */
/* Coroutines (kernel/coroutine.h): each task knows the one that it is in; a switch stores a value
 * where the other will look for it and changes stacks, past the scheduler.
 *
 * A task's main coroutine has no stack but the task's; their records are one table, taken when the
 * first coroutine begins. */
#include "kernel/coroutine.h"

#include <errno.h>

#include "kernel/mem.h"
#include "kernel/task_pool.h"

static struct coroutine *mains;        /* of each task in the pool; NULL: not taken yet */

/* The record of t's main one; NULL: no memory. */
static struct coroutine *main_of(struct task *t)
{
	struct coroutine *c;

	if (!mains)
		mains = mem_take(task_stats().stacks * sizeof(*mains));
	if (!mains)
		return NULL;
	c = &mains[task_number(t)];
	if (!t->coroutine) {
		*c = (struct coroutine){ .task = t, .main = c };
		t->coroutine = c;
	}
	return c;
}

/* ---- Switching -------------------------------------------------------------- */

/* Leaves `self` for `to`, which is of this task. */
static inline struct coroutine *enter(struct task *t, struct coroutine *self,
				      struct coroutine *to, void *value, int error)
{
	to->value = value;
	to->error = error;
	t->coroutine = to;
	return arch_ctx_pass(&self->ctx, &to->ctx, to);
}

static bool begun(const struct coroutine *c) { return c->task != NULL; }

/* The first from c on, in the line of parents, that t may go on with: one of its own, or one that
 * has not begun; at last its main one. */
static struct coroutine *heir(struct coroutine *c, struct task *t)
{
	while (c && (c->ended || (begun(c) && c->task != t)))
		c = c->parent;
	return c ? c : main_of(t);
}

static void run(void);

/* Makes `to`, which has not ended, one of t's: 0, -EBUSY or -ENOMEM. */
static int adopt(struct task *t, struct coroutine *self, struct coroutine *to)
{
	if (to->task == t)
		return 0;
	if (!begun(to)) {
		to->stack = task_take();
		if (!to->stack)
			return -ENOMEM;
		to->stack->status = TASK_COROUTINE;
		to->stack->name = to->name;
		to->stack->state = "";
		task_prepare(to->stack, run);
		to->ctx = to->stack->ctx;
	} else if (to->task->coroutine == to) {
		return -EBUSY;
	} else if (coroutine_set_parent(to, coroutine_self()) < 0) {
		to->parent = NULL;
	}
	to->task = t;
	to->main = self->main;
	return 0;
}

/* c is over. Where c runs, nobody can take its stack before the next switch. */
static void end(struct coroutine *c)
{
	if (c->stack)
		task_give(c->stack);
	c->stack = NULL;
	c->task = NULL;
	c->ended = true;
}

/* What each begins at. */
static void run(void)
{
	struct coroutine *c = task_self()->coroutine, *to;
	void *result = NULL;
	int err = c->error;
	struct task *t;

	if (err == 0)
		err = c->fn(c->value, &result);
	task_check(c->stack);
	t = task_self();                /* not always the one that it began in */
	to = heir(c->parent, t);
	if (adopt(t, c, to) < 0) {
		to = c->main;
		err = -ENOMEM;
	}
	end(c);
	if (err < 0)
		result = NULL;
	enter(t, c, to, result, err == -ECANCELED ? 0 : err);
	panic("coroutine %s: ran after its end", c->name);
}

/* Any switch but that of a value to one of the same task: apart, so that one needs no frame. */
static __attribute__((noinline)) struct coroutine *pass_far(struct coroutine *to, void *value,
							    int error)
{
	static struct coroutine refused;        /* says why to who asked, at once */
	struct task *t = task_self();
	struct coroutine *self = main_of(t);
	int err = -ENOMEM;

	if (self) {
		self = t->coroutine;
		if (!to || to->ended)
			to = heir(to, t);
		err = adopt(t, self, to);
	}
	if (err == 0)
		return enter(t, self, to, value, error);
	refused.error = err;
	return &refused;
}

struct coroutine *coroutine_pass(struct coroutine *to, void *value)
{
	struct task *t = task_self();
	struct coroutine *self = t->coroutine;

	if (!to && self)
		to = self->main;
	if (!self || to->task != t)
		return pass_far(to, value, 0);
	return enter(t, self, to, value, 0);
}

struct coroutine *coroutine_pass_error(struct coroutine *to, int error)
{
	ASSERT(error < 0);
	return pass_far(to, NULL, error);
}

/* ---- The rest ----------------------------------------------------------------- */

struct coroutine *coroutine_self(void)
{
	struct task *t = task_self();

	return t && t->coroutine && t->coroutine->fn ? t->coroutine : NULL;
}

void coroutine_init(struct coroutine *c, const char *name, coroutine_fn *fn)
{
	*c = (struct coroutine){ .name = name, .fn = fn, .parent = coroutine_self() };
}

struct coroutine *coroutine_parent(const struct coroutine *c)
{
	return c ? c->parent : NULL;
}

int coroutine_set_parent(struct coroutine *c, struct coroutine *parent)
{
	for (const struct coroutine *p = parent; p; p = p->parent)
		if (p == c)
			return -EINVAL;
	c->parent = parent;
	return 0;
}

bool coroutine_ended(const struct coroutine *c)
{
	return c->ended;
}

void coroutine_free(struct coroutine *c)
{
	ASSERT(!begun(c) || c->task->coroutine != c);
	end(c);
}
