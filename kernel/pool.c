/* SPDX-License-Identifier: MIT */
/* Bounded pools of equal objects (kernel/mem.h). Objects are carved from the
 * pools' part of RAM a slab at a time and then live on the pool's free list for
 * ever: nothing moves between pools. A free object holds a struct free. */
#include "kernel/arch.h"
#include "kernel/budget.h"
#include "kernel/mem.h"

struct free {
	struct free *next;
	uintptr_t mark;            /* MARK ^ its own address: "I am free" */
};

#define MARK ((uintptr_t)0x9e3779b97f4a7c15u)   /* on 32 bits its lower half */

static struct pool *pools;

static uintptr_t mark_of(const struct free *f)
{
	return MARK ^ __stack_chk_guard ^ (uintptr_t)f;
}

void pool_init(struct pool *p, const char *name, size_t size, unsigned cap)
{
	ASSERT(size > 0);
	*p = (struct pool){ .name = name, .size = ALIGN_UP(size, (size_t)16), .cap = cap };
	p->next = pools;
	pools = p;
}

struct pool *pool_first(void)
{
	return pools;
}

/* One more object, never used before, or NULL. */
static void *carve(struct pool *p)
{
	void *object;

	if (p->made == p->cap)
		return NULL;
	if (p->fresh == p->fresh_end) {
		size_t n = MAX((size_t)1, BUDGET_POOL_SLAB / p->size);

		n = MIN(n, (size_t)(p->cap - p->made));
		p->fresh = mem_take(n * p->size);
		if (!p->fresh) {
			p->fresh_end = NULL;
			return NULL;
		}
		p->fresh_end = p->fresh + n * p->size;
	}
	object = p->fresh;
	p->fresh += p->size;
	p->made++;
	return object;
}

void *pool_get(struct pool *p)
{
	struct free *f = p->free;

	if (f) {
		ASSERT(f->mark == mark_of(f));
		p->free = f->next;
		f->mark = 0;
	} else {
		f = carve(p);
		if (!f) {
			p->refused++;
			return NULL;
		}
	}
	if (++p->used > p->peak)
		p->peak = p->used;
	return f;
}

void pool_put(struct pool *p, void *object)
{
	struct free *f = object;

	if (p->used == 0 || f->mark == mark_of(f))
		panic("pool %s: given back twice", p->name);
	f->mark = mark_of(f);
	f->next = p->free;
	p->free = f;
	p->used--;
}
