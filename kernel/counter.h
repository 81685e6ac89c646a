/* SPDX-License-Identifier: MIT */
/* One registry of counters: counted where things happen, read by /metrics. */
#pragma once

#include <stdint.h>

struct counter {
	const char *name;          /* Prometheus style: "net_rx_frames_total" */
	uint64_t n;
};

/* Adds a module's table at its start-up; kept by reference, twice is once. Panics when more
 * than COUNTER_TABLES tables are added (our bug). */
#define COUNTER_TABLES 32
void counters_add(struct counter *table, unsigned n);

/* Calls fn for every counter. */
void counters_each(void (*fn)(const struct counter *c, void *arg), void *arg);
