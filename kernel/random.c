/* SPDX-License-Identifier: MIT */
/* Random bytes (kernel/random.h): ChaCha20 with fast key erasure. Each refill
 * makes a run of key stream; its first 32 bytes replace the key, so that what
 * was given out cannot be computed again from the state left behind. New
 * material is mixed in 32 bytes at a time: key = ChaCha20(key XOR material).
 *
 * Before each draw it looks whether the machine was cloned or stood still since
 * the last: then what lies ready may lie ready elsewhere, too, and is not given
 * out; and whether a reseed is due.
 *
 * Outside: one task at a time; no interrupt handler asks for random bytes. */
#include "kernel/random.h"

#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/budget.h"
#include "kernel/chacha.h"
#include "kernel/clock.h"
#include "kernel/health.h"
#include "kernel/mem.h"
#include "kernel/siphash.h"

#define READY_BITS 128
#define BLOCKS BUDGET_RANDOM_BLOCKS    /* of 64 bytes in one refill */
#define KEY_BYTES 32
#define CPU_WORDS 8            /* taken from the CPU's instruction at boot */
#define JITTER_ROUNDS 64
#define RESEED_S 300           /* so old, at most, is the newest entropy in a draw ... */
#define RESEED_BYTES (1u << 20)/* ... and so much is drawn between two reseeds */
#define TAKE_BYTES 64          /* from random_source, at a time */
#define ENOUGH_BITS 4096       /* counted no further */
#define JITTER_BITS 64         /* credited for HEALTH_STARTUP samples that pass */
#define JITTER_TRIES 4
#define JITTER_WORK 16         /* turns of an empty loop between two samples */
#define SEED_BYTES 32          /* the least that a seed must have */
#define SEED_BITS 128          /* credited for it ... */
#define FRESH_BITS 32          /* ... beside so many that change from boot to boot */
#define EVENTS 128             /* mixed in at a time, at first */
#define EVENTS_RARELY 1024     /* and later */
#define EVENT_BITS 32          /* credited for EVENTS of them while they pass */

static uint32_t key[8];
static union {
	uint32_t words[BLOCKS][16];
	uint8_t bytes[BLOCKS * 64];
} stream;
static size_t used = sizeof(stream);   /* bytes of it given out and wiped */
static uint32_t mixed;                 /* chunks mixed in so far */
static unsigned entropy_bits;          /* of this boot */
static bool seeded;
static struct {
	struct health health;
	uint32_t pool[8];
	uint32_t n, next;
} events;
static uint64_t hash_key[2];
static bool hash_keyed;

/* Not SEALED, so that the linker sees that a board never sets them, and drops their code. */
static const struct random_source *source;
static const volatile uint64_t *generation;   /* two words */
static uint64_t generation_seen[2];
static bool asked;                     /* source, whose answer has not come */
static uint32_t epoch, drawn;          /* drawn: bytes since the last reseed */
static ktime reseed_at;

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
	mem_wipe(chunk, sizeof(chunk));
	mem_wipe(out, sizeof(out));
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

static void count(unsigned bits)
{
	bool was_ready = random_ready();

	entropy_bits = MIN(entropy_bits + bits, ENOUGH_BITS);
	if (!was_ready && random_ready())
		epoch++;
}

static bool add(enum log_level level, const void *data, size_t len, const char *name, unsigned bits)
{
	mix(data, len);
	if (looks_stuck(data, len, 8)) {
		log_warn("entropy: %s repeats itself, not counted", name);
		return false;
	}
	count(bits);
	log_line(level, "entropy: %s, %u bits", name, bits);
	return true;
}

void random_add(const void *data, size_t len, const char *name, unsigned bits)
{
	add(LOG_INFO, data, len, name, bits);
}

/* True when it has an instruction for it whose words count. */
static bool add_cpu(enum log_level level)
{
	uint64_t words[CPU_WORDS];
	const char *name = NULL;
	bool good = false;
	unsigned n = 0;

	while (n < CPU_WORDS && arch_random(&words[n], &name))
		n++;
	if (n > 0)
		good = add(level, words, n * sizeof(words[0]), name, n * 64);
	mem_wipe(words, sizeof(words));
	return good;
}

/* `rounds` looks at the counter, with some work between them, since it may be coarse: false when
 * the steps between them fail a health test, as those of a counter that beats with the CPU do. */
static bool add_jitter(unsigned rounds)
{
	uint32_t pool[8] = { 0 };
	struct health health = { 0 };
	uint32_t last = (uint32_t)arch_ticks();

	for (unsigned i = 0; i < rounds; i++) {
		uint32_t now, *p = &pool[i % ARRAY_LEN(pool)];

		for (unsigned work = JITTER_WORK; work > 0; work--)
			__asm__ volatile("");
		now = (uint32_t)arch_ticks();
		*p = (*p << 7 | *p >> 25) ^ now;
		health_sample(&health, (uint8_t)(now - last));
		last = now;
	}
	mix(pool, sizeof(pool));
	return !health.failed;
}

/* A few times, because a coarse counter fails now and then. */
static void add_tested_jitter(void)
{
	unsigned tries = JITTER_TRIES;

	while (!add_jitter(HEALTH_STARTUP))
		if (--tries == 0) {
			log_warn("entropy: clock jitter fails its health test, not counted");
			return;
		}
	count(JITTER_BITS);
	log_info("entropy: clock jitter, %u bits", JITTER_BITS);
}

static int hex_digit(char c)
{
	static const char digits[] = "0123456789abcdefABCDEF";
	const char *found = c ? strchr(digits, c) : NULL;
	int n = found ? (int)(found - digits) : -EINVAL;

	return n < 16 ? n : n - 6;
}

int random_set_seed(const char *hex)
{
	size_t len = strlen(hex);
	uint8_t byte;

	if (len < 2 * SEED_BYTES || len % 2)
		return -EINVAL;
	for (size_t i = 0; i < len; i++)
		if (hex_digit(hex[i]) < 0)
			return -EINVAL;
	for (; *hex; hex += 2) {
		byte = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
		mix(&byte, 1);
	}
	seeded = true;
	return 0;
}

void random_stir(const void *data, size_t len)
{
	mix(data, len);
}

/* A few instructions; the mixing, now and then, is what costs. */
void random_event(ktime now)
{
	uint32_t *p = &events.pool[events.n % ARRAY_LEN(events.pool)];
	bool was_ready = random_ready();

	*p = (*p << 7 | *p >> 25) ^ (uint32_t)now;
	health_sample(&events.health, (uint8_t)(now >> 5));
	if (++events.n < events.next)
		return;
	mix(events.pool, sizeof(events.pool));
	if (!events.health.failed && !was_ready && events.next > 0)
		count(EVENT_BITS);
	if (random_ready() && !was_ready)
		log_info("entropy: enough, with the arrival of %u frames", (unsigned)events.n);
	events.next = events.n + (random_ready() ? EVENTS_RARELY : EVENTS);
}

/* ---- Reseeding ---------------------------------------------------------------- */

void random_set_source(const struct random_source *s)
{
	if (!source)
		source = s;
}

void random_watch(const volatile uint64_t *id)
{
	generation = id;
	generation_seen[0] = id[0];
	generation_seen[1] = id[1];
	mix(generation_seen, sizeof(generation_seen));
}

/* Every source: those that answer at once, and a question to the one that does not. */
static void reseed(void)
{
	add_jitter(add_cpu(LOG_DEBUG) ? JITTER_ROUNDS : HEALTH_STARTUP);
	if (source) {
		source->ask();
		asked = true;
	}
	epoch++;
	drawn = 0;
	reseed_at = clock_now() + SECONDS(RESEED_S);
}

void random_reseed(const char *why)
{
	reseed();
	log_info("entropy: reseeded, %s", why);
}

static void on_pause(void)
{
	random_reseed("the machine stood still");
}

static bool was_cloned(void)
{
	uint64_t id[2];

	if (!generation)
		return false;
	id[0] = generation[0];
	id[1] = generation[1];
	if (id[0] == generation_seen[0] && id[1] == generation_seen[1])
		return false;
	memcpy(generation_seen, id, sizeof(id));
	mix(id, sizeof(id));
	return true;
}

static void take(void)
{
	uint8_t buf[TAKE_BYTES];
	size_t n = source->take(buf, sizeof(buf));

	if (n == 0)
		return;
	asked = false;
	if (add(LOG_DEBUG, buf, n, source->name, (unsigned)n * 8))
		epoch++;
	memset(buf, 0, sizeof(buf));
}

/* Before each draw. The clock's look finds out about a pause: on_pause(). */
static void renew(void)
{
	if (was_cloned())
		random_reseed("VMGENID says that the machine was cloned");
	clock_look();
	if (asked)
		take();
	if (drawn >= RESEED_BYTES || clock_now() >= reseed_at)
		reseed();
}

uint32_t random_epoch(void)
{
	renew();
	return epoch;
}

/* ---- The generator -------------------------------------------------------------- */

void random_init(void)
{
	add_jitter(JITTER_ROUNDS);
	if (machine.seed_len > 0) {
		random_add(machine.seed, machine.seed_len,
			   machine.seed_name ? machine.seed_name : "device tree seed",
			   machine.seed_len * 8);
		mem_wipe(machine.seed, sizeof(machine.seed));
		machine.seed_len = 0;
	}
	add_cpu(LOG_INFO);
	if (!random_ready())
		add_tested_jitter();
	reseed_at = clock_now() + SECONDS(RESEED_S);
	clock_on_pause(on_pause);
}

bool random_ready(void)
{
	unsigned seed_bits = seeded && entropy_bits >= FRESH_BITS ? SEED_BITS : 0;

	return entropy_bits + seed_bits >= READY_BITS;
}

void random_bytes(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		size_t n;

		renew();
		if (used == sizeof(stream))
			refill();
		n = MIN(len, sizeof(stream) - used);
		memcpy(p, stream.bytes + used, n);
		memset(stream.bytes + used, 0, n);
		used += n;
		drawn += (uint32_t)n;
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
