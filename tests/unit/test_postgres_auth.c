/* SPDX-License-Identifier: MIT */
/* sources: net/postgres/crypto/auth.c tests/unit/fake_kernel.c
 * build/src/mbedtls/library/sha256.c build/src/mbedtls/library/md5.c
 * build/src/mbedtls/library/base64.c build/src/mbedtls/library/constant_time.c
 * build/src/mbedtls/library/platform_util.c */
/* net/postgres/auth.h: the exchange of RFC 7677 §3, and what must not pass for it. */
/* cflags: -isystem build/src/mbedtls/include -isystem build/src/mbedtls/library
 * -DMBEDTLS_CONFIG_FILE="tests/unit/mbedtls_sha256.h" -fno-sanitize=shift,alignment */
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <string.h>

#include "kernel/random.h"
#include "kernel/task.h"
#include "net/postgres/auth.h"

#define NONCE "rOprNGfwEbeRWgbNEkqO"
#define FIRST "r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096"
#define FINAL "c=biws,r=" NONCE "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0," \
	"p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
#define PROOF "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="

/* By Python's hashlib: the stored key of a password longer than a block; an md5. */
#define STORED \
	"\x3f\x57\xf5\x25\xd9\xe1\x06\x6a\xaa\x48\x89\xd2\x02\xe7\x3b\x85" \
	"\x6b\x3f\xbc\xe4\xf1\x0a\xf3\xfa\x93\xb2\x8b\x7a\x27\x74\x44\xc6"
#define MD5 "md5d3d9bcccbaa2fb5234570d4d0f22b055"

static ktime now;
static unsigned yields;

ktime clock_now(void)
{
	return now;
}

void task_yield(void)
{
	yields++;
}

static ktime limit = FOREVER;
static bool cancelled;

ktime task_limit(ktime l)
{
	ktime was = limit;

	limit = l;
	return was;
}

bool task_cancelled(void)
{
	return cancelled;
}

void random_bytes(void *buf, size_t len)
{
	memset(buf, 0xfb, len);
}

/* The RFC's client is called "user"; PostgreSQL's, whose name was said before, has none: both sign
 * what they said. */
static int go(struct pg_scram *s, struct pg_scram_keys *keys, const char *first, char *buf)
{
	assert_int_equal(pg_scram_first(s, keys, NONCE, buf), 0);
	assert_string_equal(buf, "n,,n=,r=" NONCE);
	strcpy(s->auth, "n=user,r=" NONCE);
	return pg_scram_final(s, first, strlen(first), "pencil", buf, SECONDS(9));
}

static void as_in_the_rfc(void **state)
{
	struct pg_scram_keys keys = { .rounds = 0 };
	struct pg_scram s;
	char buf[PG_SCRAM_TEXT];

	yields = 0;
	assert_int_equal(go(&s, &keys, FIRST, buf), 0);
	assert_string_equal(buf, FINAL);
	assert_int_equal(pg_scram_verify(&s, PROOF, strlen(PROOF)), 0);
	assert_true(yields > 10);
	yields = 0;                                      /* and again, from what is kept */
	assert_int_equal(go(&s, &keys, FIRST, buf), 0);
	assert_string_equal(buf, FINAL);
	assert_int_equal(yields, 0);
}

static void refuses_a_liar(void **state)
{
	struct pg_scram_keys keys = { .rounds = 0 };
	struct pg_scram s;
	char buf[PG_SCRAM_TEXT], proof[] = PROOF;

	assert_int_equal(go(&s, &keys, FIRST, buf), 0);
	for (size_t i = 0; i < strlen(proof); i++) {
		if (i == strlen(proof) - 2)
			continue;                /* of its bits, the last is padding */
		proof[i] ^= 1;
		assert_int_equal(pg_scram_verify(&s, proof, strlen(proof)), -EACCES);
		proof[i] ^= 1;
	}
	for (size_t n = 0; n < strlen(proof); n++)
		assert_int_equal(pg_scram_verify(&s, proof, n), -EACCES);
	assert_int_equal(pg_scram_verify(&s, "e=other-error", 13), -EACCES);
}

static void refuses_malformed(void **state)
{
	static const char *const wrong[] = {
		"", "r=", "r=" NONCE ",s=W22Z,i=4096", "r=another,s=W22Z,i=4096",
		"r=" NONCE "x,s=,i=4096", "r=" NONCE "x,s=W22,i=4096", "r=" NONCE "x,s=W22Z",
		"r=" NONCE "x,s=W22Z,i=", "r=" NONCE "x,s=W22Z,i=4095",
		"r=" NONCE "x,s=W22Z,i=200001",
		"r=" NONCE "x,s=W22Z,i=40960000000000000", "r=" NONCE "x,s=W22Z,i=-1",
		"r=" NONCE "x,i=4096,s=W22Z", "m=ext,r=" NONCE "x,s=W22Z,i=4096",
	};
	struct pg_scram_keys keys = { .rounds = 0 };
	struct pg_scram s;
	char buf[PG_SCRAM_TEXT], long_salt[400];

	for (unsigned i = 0; i < ARRAY_LEN(wrong); i++)
		assert_int_equal(go(&s, &keys, wrong[i], buf), -EPROTO);
	memset(long_salt, 'A', sizeof(long_salt));
	memcpy(long_salt, "r=" NONCE "x,s=", 26);
	memcpy(long_salt + 200, ",i=4096", 8);
	assert_int_equal(go(&s, &keys, long_salt, buf), -EPROTO);
	assert_int_equal(keys.rounds, 0);
}

static void keeps_the_deadline(void **state)
{
	struct pg_scram_keys keys = { .rounds = 0 };
	struct pg_scram s;
	char buf[PG_SCRAM_TEXT];

	now = SECONDS(10);
	assert_int_equal(go(&s, &keys, FIRST, buf), -ETIMEDOUT);
	limit = SECONDS(5);                              /* and the task's */
	now = SECONDS(6);
	assert_int_equal(go(&s, &keys, FIRST, buf), -ETIMEDOUT);
	limit = FOREVER;
	cancelled = true;
	assert_int_equal(go(&s, &keys, FIRST, buf), -ECANCELED);
	cancelled = false;
	assert_int_equal(keys.rounds, 0);
	now = 0;
}

static void long_passwords(void **state)
{
	struct pg_scram_keys keys = { .rounds = 0 };
	struct pg_scram s;
	const char *first = "r=+/v7+/v7+/v7+/v7+/v7+/v7x,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
	char buf[PG_SCRAM_TEXT], password[101];

	memset(password, 'p', 100);
	password[100] = '\0';
	assert_int_equal(pg_scram_first(&s, &keys, NULL, buf), 0);
	assert_string_equal(buf, "n,,n=,r=+/v7+/v7+/v7+/v7+/v7+/v7");
	assert_int_equal(pg_scram_final(&s, first, strlen(first), password, buf, SECONDS(9)), 0);
	assert_memory_equal(keys.stored, STORED, 32);
}

static void md5_as_libpq(void **state)
{
	char text[PG_MD5_TEXT];

	assert_int_equal(pg_md5(text, "user", "pencil", (const uint8_t *)"salt"), 0);
	assert_string_equal(text, MD5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_in_the_rfc), cmocka_unit_test(refuses_a_liar),
		cmocka_unit_test(refuses_malformed), cmocka_unit_test(keeps_the_deadline),
		cmocka_unit_test(long_passwords), cmocka_unit_test(md5_as_libpq),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
