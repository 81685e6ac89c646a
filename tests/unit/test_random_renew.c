/* sources: kernel/random.c kernel/health.c kernel/chacha.c kernel/siphash.c
 * tests/unit/fake_kernel.c tests/unit/fake_clock.c */
/* SPDX-License-Identifier: MIT */
/* kernel/random.c on a machine that is cloned, stands still, runs long, draws much. A clone of the
 * machine is a fork of this program: what two of them draw can be compared. Its counter runs like
 * clockwork, so that without news from outside they draw the same. */
#include "tests/unit/fake_kernel.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel/arch.h"
#include "kernel/random.h"
#include "tests/unit/fake_clock.h"

#define DRAW 100               /* bytes: less than lies ready, and what has been made is less */
#define RESEED_S 300
#define MIB (1u << 20)

struct machine machine;

static uint64_t ticks, generation[2] = { 1, 2 };
static unsigned asked;
static uint8_t answer[64];
static size_t answer_len;

uint64_t arch_ticks(void)
{
	return ticks += 17;
}

bool arch_random(uint64_t *word, const char **source)
{
	return false;
}

static void ask(void)
{
	asked++;
	answer_len = 0;
}

static size_t take(uint8_t *buf, size_t max)
{
	size_t n = MIN(answer_len, max);

	memcpy(buf, answer, n);
	answer_len = 0;
	return n;
}

struct drawn {
	uint8_t bytes[DRAW];
	uint32_t before, after;        /* epoch */
};

/* What a clone draws that has this ID, after a pause or not. */
static struct drawn clone(uint64_t id, bool paused)
{
	struct drawn d = { 0 };
	int pipe_fd[2], status;
	pid_t child;

	assert_int_equal(pipe(pipe_fd), 0);
	d.before = random_epoch();
	child = fork();
	if (child == 0) {
		generation[0] = id;
		fake_paused = paused;
		random_bytes(d.bytes, sizeof(d.bytes));
		d.after = random_epoch();
		_exit(write(pipe_fd[1], &d, sizeof(d)) != sizeof(d));
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(read(pipe_fd[0], &d, sizeof(d)), sizeof(d));
	close(pipe_fd[0]);
	close(pipe_fd[1]);
	return d;
}

static int setup(void **state)
{
	static const struct random_source source = { "test", ask, take };
	static bool once;

	if (!once) {
		random_init();
		random_watch(generation);
		random_set_source(&source);
	}
	once = true;
	memset(answer, 0, sizeof(answer));     /* counts for nothing, if one is due */
	answer_len = sizeof(answer);
	random_u32();                          /* and something lies ready now */
	asked = 0;
	answer_len = 0;
	return 0;
}

static void test_clones(void **state)
{
	struct drawn a = clone(1, false), b = clone(1, false), c = clone(3, false);
	struct drawn d = clone(4, false);

	assert_memory_equal(a.bytes, b.bytes, DRAW);   /* nothing tells them apart */
	assert_int_equal(a.before, a.after);
	assert_memory_not_equal(c.bytes, a.bytes, DRAW);
	assert_memory_not_equal(c.bytes, d.bytes, DRAW);
	assert_int_equal(c.after, c.before + 1);
	assert_int_equal(d.after, d.before + 1);
}

static void test_second_word(void **state)
{
	uint32_t epoch = random_epoch();

	generation[1]++;
	assert_int_equal(random_epoch(), epoch + 1);
	assert_string_equal(fake_log, "entropy: reseeded, VMGENID says that the machine was "
				      "cloned");
	assert_int_equal(asked, 1);
	assert_int_equal(random_epoch(), epoch + 1);
}

/* A pause brings in the counter, which a machine resumed at another time reads differently. */
static void test_pause(void **state)
{
	struct drawn a = clone(1, false), b, c;

	b = clone(1, true);
	ticks += 12345;
	c = clone(1, true);
	assert_memory_not_equal(a.bytes, b.bytes, DRAW);
	assert_memory_not_equal(b.bytes, c.bytes, DRAW);
	assert_int_equal(b.after, b.before + 1);
}

static void test_schedule(void **state)
{
	uint32_t epoch = random_epoch();
	static uint8_t buf[MIB / 4];

	fake_clock += SECONDS(RESEED_S);
	assert_int_equal(random_epoch(), epoch + 1);
	fake_clock += SECONDS(RESEED_S) - 1;
	assert_int_equal(random_epoch(), epoch + 1);
	assert_int_equal(asked, 1);
	for (unsigned i = 0; i < 3; i++)
		random_bytes(buf, sizeof(buf));
	assert_int_equal(random_epoch(), epoch + 1);
	for (unsigned i = 0; i < 2; i++)
		random_bytes(buf, sizeof(buf));
	assert_int_equal(random_epoch(), epoch + 2);
	assert_int_equal(asked, 2);
}

static void answer_with(uint8_t step)
{
	answer_len = sizeof(answer);
	for (unsigned i = 0; i < sizeof(answer); i++)
		answer[i] = (uint8_t)(i * step);
}

/* The source is asked at a reseed, and its answer counts once, if it is one. */
static void test_source(void **state)
{
	uint32_t epoch = random_epoch();

	answer_with(37);                       /* nobody asked */
	assert_int_equal(random_epoch(), epoch);
	fake_clock += SECONDS(RESEED_S);
	assert_int_equal(random_epoch(), epoch + 1);
	assert_int_equal(asked, 1);
	assert_int_equal(answer_len, 0);
	assert_int_equal(random_epoch(), epoch + 1);
	assert_false(random_ready());
	answer_with(37);
	assert_true(random_epoch() != epoch + 1);
	assert_true(random_ready());
	epoch = random_epoch();
	answer_with(37);
	assert_int_equal(random_epoch(), epoch);

	fake_clock += SECONDS(RESEED_S);
	random_epoch();
	answer_with(0);
	assert_int_equal(random_epoch(), epoch + 1);
	assert_string_equal(fake_log, "entropy: test repeats itself, not counted");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_clones, setup),
		cmocka_unit_test_setup(test_second_word, setup),
		cmocka_unit_test_setup(test_pause, setup),
		cmocka_unit_test_setup(test_schedule, setup),
		cmocka_unit_test_setup(test_source, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
