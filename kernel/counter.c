/* SPDX-License-Identifier: MIT */
/* The registry of counters (kernel/counter.h). */
#include "kernel/counter.h"

#include "kernel/kernel.h"

static struct {
	struct counter *table;
	unsigned n;
} tables[COUNTER_TABLES];
static unsigned count;

void counters_add(struct counter *table, unsigned n)
{
	for (unsigned i = 0; i < count; i++)
		if (tables[i].table == table)
			return;
	ASSERT(count < COUNTER_TABLES);
	tables[count].table = table;
	tables[count].n = n;
	count++;
}

void counters_each(void (*fn)(const struct counter *c, void *arg), void *arg)
{
	for (unsigned i = 0; i < count; i++)
		for (unsigned k = 0; k < tables[i].n; k++)
			fn(&tables[i].table[k], arg);
}
