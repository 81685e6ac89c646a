/* SPDX-License-Identifier: MIT */
/* Random bytes (kernel/random.h): ChaCha20 with fast key erasure. Each refill
 * makes a run of key stream; its first 32 bytes replace the key, so that what
 * was given out cannot be computed again from the state left behind. New
 * material is mixed in 32 bytes at a time: key = ChaCha20(key XOR material).
 *
 * Outside: one task at a time; no interrupt handler asks for random bytes. */
#include "kernel/random.h"

#include <string.h>

#include "kernel/arch.h"
#include "kernel/budget.h"
#include "kernel/chacha.h"
#include "kernel/siphash.h"

#define READY_BITS 128
#define BLOCKS BUDGET_RANDOM_BLOCKS    /* of 64 bytes in one refill */
#define KEY_BYTES 32
#define CPU_WORDS 8            /* taken from the CPU's instruction at boot */
#define JITTER_ROUNDS 64

static uint32_t key[8];
static union {
	uint32_t words[BLOCKS][16];
	uint8_t bytes[BLOCKS * 64];
} stream;
static size_t used = sizeof(stream);   /* bytes of it given out and wiped */
static uint32_t mixed;                 /* chunks mixed in so far */
static unsigned entropy_bits;
static uint64_t hash_key[2];
static bool hash_keyed;

static void refill(void)
{
	static const uint32_t nonce[3] = { 0, 0, 0 };

	for (uint32_t i = 0; i < BLOCKS; i++)
		chacha20_block(stream.words[i], key, i, nonce);
	memcpy(key, stream.bytes, KEY_BYTES);
	memset(stream.bytes, 0, KEY_BYTES);
	used = KEY_BYTES;
}

static void mix(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t chunk[8], out[16];

	while (len > 0) {
		size_t n = MIN(len, (size_t)KEY_BYTES);
		const uint32_t nonce[3] = { 1, mixed++, (uint32_t)n };

		memset(chunk, 0, sizeof(chunk));
		memcpy(chunk, p, n);
		for (unsigned i = 0; i < 8; i++)
			key[i] ^= chunk[i];
		chacha20_block(out, key, 0, nonce);
		memcpy(key, out, KEY_BYTES);
		p += n;
		len -= n;
	}
	used = sizeof(stream);                  /* what was made before is old */
}

/* A source that repeats itself is broken: some CPUs have answered all ones. */
static bool looks_stuck(const void *data, size_t len, size_t unit)
{
	const uint8_t *p = data;

	for (size_t i = unit; i + unit <= len; i += unit)
		if (memcmp(p + i, p + i - unit, unit) == 0)
			return true;
	return len < 2 * unit;
}

void random_add(const void *data, size_t len, const char *source, unsigned bits)
{
	mix(data, len);
	if (looks_stuck(data, len, 8)) {
		log_warn("entropy: %s repeats itself, not counted", source);
		return;
	}
	entropy_bits += bits;
	log_info("entropy: %s, %u bits", source, bits);
}

static void add_cpu(void)
{
	uint64_t words[CPU_WORDS];
	const char *source = NULL;
	unsigned n = 0;

	while (n < CPU_WORDS && arch_random(&words[n], &source))
		n++;
	if (n > 0)
		random_add(words, n * sizeof(words[0]), source, n * 64);
	memset(words, 0, sizeof(words));
}

/* Counts for nothing: under emulation the counter may be exact. */
static void add_jitter(void)
{
	uint64_t ticks[JITTER_ROUNDS / 8] = { 0 };

	for (unsigned i = 0; i < JITTER_ROUNDS; i++)
		ticks[i % ARRAY_LEN(ticks)] += arch_ticks() << (i / 8 * 8);
	mix(ticks, sizeof(ticks));
}

void random_init(void)
{
	add_jitter();
	if (machine.seed_len > 0) {
		random_add(machine.seed, machine.seed_len, "device tree seed",
			   machine.seed_len * 8);
		memset(machine.seed, 0, sizeof(machine.seed));
		machine.seed_len = 0;
	}
	add_cpu();
}

bool random_ready(void)
{
	return entropy_bits >= READY_BITS;
}

void random_bytes(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		size_t n;

		if (used == sizeof(stream))
			refill();
		n = MIN(len, sizeof(stream) - used);
		memcpy(p, stream.bytes + used, n);
		memset(stream.bytes + used, 0, n);
		used += n;
		p += n;
		len -= n;
	}
}

uint32_t random_u32(void)
{
	uint32_t n;

	random_bytes(&n, sizeof(n));
	return n;
}

uint64_t random_hash(const void *data, size_t len)
{
	if (!hash_keyed) {
		random_bytes(hash_key, sizeof(hash_key));
		hash_keyed = true;
	}
	return siphash24(hash_key, data, len);
}
