/* SPDX-License-Identifier: MIT */
/* The table itself, for timers.c, which walks it. */
#pragma once

#include <stdint.h>

struct tcp_pcb;

struct bucket {
	struct tcp_pcb *active, *time_wait;
};
extern struct bucket *buckets;

/* One bit for each bucket: it has work for the fast timer; it is not empty. */
extern uint64_t *buckets_hot, *buckets_used;
