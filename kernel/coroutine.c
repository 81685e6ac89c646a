/* SPDX-License-Identifier: MIT */
/* Coroutines (kernel/coroutine.h): each task knows the one that it is in; a switch stores a value
 * where the other will look for it and changes stacks, past the scheduler.
 *
 * The main coroutine of a task has no stack but the task's; their records are one table, taken
 * when the first coroutine is made. */
#include "kernel/coroutine.h"

#include <errno.h>

#include "kernel/mem.h"
#include "kernel/task_pool.h"

static struct coroutine *mains;        /* of each task in the pool */

struct coroutine *coroutine_self(void)
{
	struct task *t = task_self();

	if (!t->coroutine) {
		struct coroutine *c = &mains[task_number(t)];

		ASSERT(mains);
		*c = (struct coroutine){ .task = t };
		t->coroutine = c;
	}
	return t->coroutine;
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
static struct coroutine *heir(struct coroutine *c, const struct task *t)
{
	while (c && (coroutine_ended(c) || (begun(c) && c->task != t)))
		c = c->parent;
	return c ? c : &mains[task_number(t)];
}

static void run(void);

/* Makes `to`, which has not ended, one of t's: false when another task is in it. */
static bool adopt(struct task *t, struct coroutine *self, struct coroutine *to)
{
	if (to->task == t)
		return true;
	if (!begun(to)) {
		task_prepare(to->stack, run);
		to->ctx = to->stack->ctx;
	} else if (!to->stack || to->task->coroutine == to) {
		return false;
	} else if (coroutine_set_parent(to, self) < 0) {
		to->parent = NULL;
	}
	to->task = t;
	return true;
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
	if (err < 0)
		result = NULL;
	t = task_self();                /* not always the one that it began in */
	task_check(c->stack);
	task_give(c->stack);            /* nobody can take it before the switch */
	c->stack = NULL;
	c->task = NULL;
	to = heir(c->parent, t);
	adopt(t, c, to);
	enter(t, c, to, result, err == -ECANCELED ? 0 : err);
	panic("coroutine: ran after its end");
}

/* Any switch but that of a value to one of the same task: apart, so that one needs no frame. */
static __attribute__((noinline)) struct coroutine *pass_far(struct coroutine *to, void *value,
							    int error)
{
	struct coroutine *self = coroutine_self();
	struct task *t = task_self();

	if (coroutine_ended(to))
		to = heir(to, t);
	if (adopt(t, self, to))
		return enter(t, self, to, value, error);
	self->value = NULL;
	self->error = -EBUSY;
	return self;
}

__attribute__((noinline)) struct coroutine *coroutine_pass(struct coroutine *to, void *value)
{
	struct task *t = task_self();

	if (to->task != t || !t->coroutine)
		return pass_far(to, value, 0);
	return enter(t, t->coroutine, to, value, 0);
}

struct coroutine *coroutine_pass_error(struct coroutine *to, int error)
{
	ASSERT(error < 0);
	return pass_far(to, NULL, error);
}

/* ---- Beginning and end ------------------------------------------------------ */

int coroutine_init(struct coroutine *c, const char *name, coroutine_fn *fn)
{
	struct task *stack = task_take();

	if (!stack)
		return -ENOMEM;
	if (!mains)
		mains = mem_take(task_stats().stacks * sizeof(*mains));
	if (!mains) {
		task_give(stack);
		return -ENOMEM;
	}
	stack->status = TASK_COROUTINE;
	stack->name = name;
	stack->state = "";
	*c = (struct coroutine){
		.stack = stack, .fn = fn, .parent = task_self() ? coroutine_self() : NULL,
	};
	return 0;
}

int coroutine_set_parent(struct coroutine *c, struct coroutine *parent)
{
	for (const struct coroutine *p = parent; p; p = p->parent)
		if (p == c)
			return -EINVAL;
	if (!c->fn)
		return -EINVAL;
	c->parent = parent;
	return 0;
}

bool coroutine_ended(const struct coroutine *c)
{
	return c->fn && !c->stack;
}

void coroutine_free(struct coroutine *c)
{
	if (!c->stack)
		return;
	ASSERT(!c->task || c->task->coroutine != c);
	task_give(c->stack);
	c->stack = NULL;
	c->task = NULL;
}
