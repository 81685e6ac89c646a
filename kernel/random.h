/* SPDX-License-Identifier: MIT */
/* Random bytes: a ChaCha20 generator seeded from every source present. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/clock.h"

/* Boot: mixes CPU instruction, device-tree seed and clock jitter, and says on
 * the console what was used. random_add() mixes more in later (virtio-rng).
 * Where there is no such source, jitter counts as far as it passes its health
 * tests (kernel/health.h), and so do random_event()s. */
void random_init(void);
void random_add(const void *data, size_t len, const char *source, unsigned bits);

/* seed=: 64 hex digits or more that nobody else knows: 0 or -EINVAL. The same at
 * each boot, so that it counts only together with some bits that are not. */
int random_set_seed(const char *hex);

/* Something came from outside at `now`, when nobody here could know: a frame. */
void random_event(ktime now);

/* Mixes in what may be news to others, and counts for nothing. */
void random_stir(const void *data, size_t len);

/* True once at least 128 bits came from sources that count as entropy. */
bool random_ready(void);

/* Fills buf; never fails and never waits. Before random_ready() the bytes are
 * fit for hash seeds and ports, not for keys. */
void random_bytes(void *buf, size_t len);
uint32_t random_u32(void);

/* SipHash-2-4 of `len` bytes under a key chosen at boot: for hash tables and
 * initial sequence numbers (RFC 6528), not for secrets. */
uint64_t random_hash(const void *data, size_t len);
