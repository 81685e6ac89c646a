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
void random_add(const void *data, size_t len, const char *name, unsigned bits);

/* seed=: 64 hex digits or more that nobody else knows: 0 or -EINVAL. The same at
 * each boot, so that it counts only together with some bits that are not. */
int random_set_seed(const char *hex);

/* Boot: 16 bytes that the hypervisor changes when the machine was cloned (Microsoft, "Virtual
 * Machine Generation ID"), 8-byte aligned, readable for ever. Compared before each draw. */
void random_watch(const volatile uint64_t *id);

/* Boot: a source that can be asked again at any time; the first one counts. Neither call
 * waits. take() gives what came since the last ask(), at most `max` bytes, and 0 while
 * nothing has; ask() drops what came and was not taken. */
struct random_source {
	const char *name;
	void (*ask)(void);
	size_t (*take)(uint8_t *buf, size_t max);
};
void random_set_source(const struct random_source *s);

/* The machine may have been copied, as `why` says in a line on the console: what lies ready is
 * dropped, and every source asked. Pauses that the clock notices do so by themselves. */
void random_reseed(const char *why);

/* Something came from outside at `now`, when nobody here could know: a frame. */
void random_event(ktime now);

/* Mixes in what may be news to others, and counts for nothing. */
void random_stir(const void *data, size_t len);

/* True once at least 128 bits came from sources that count as entropy. */
bool random_ready(void);

/* A number that changes whenever whoever keeps a generator of his own should reseed it from
 * random_bytes(): the machine was cloned or stood still, every source was asked again (after
 * 5 minutes, or a MiB drawn), a source answered, or random_ready() came true. Ask before each
 * draw: it costs no more than one here, and never waits. */
uint32_t random_epoch(void);

/* Fills buf; never fails and never waits. What was made before the machine was cloned is not
 * given out after it where random_watch() or a clock that runs on shows that it was.
 * Before random_ready() the bytes are fit for hash seeds and ports, not for keys. */
void random_bytes(void *buf, size_t len);
uint32_t random_u32(void);

/* SipHash-2-4 of `len` bytes under a key chosen at boot: for hash tables and
 * initial sequence numbers (RFC 6528), not for secrets. */
uint64_t random_hash(const void *data, size_t len);
