/* SPDX-License-Identifier: MIT */
/* SCRAM-SHA-256 and md5 by mbedTLS (net/postgres/auth.h). */
#include "net/postgres/auth.h"

#include <errno.h>
#include <mbedtls/base64.h>
#include <mbedtls/constant_time.h>
#include <mbedtls/md5.h>
#include <mbedtls/sha256.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "kernel/task.h"

#define HASH 32u
#define ROUNDS_AT_ONCE 64u             /* between two looks at who else is ready */
#define NONCE_BYTES 18u                /* 24 characters */
#define HEADER "n,,"                   /* no channel binding; in base64 "biws" */

typedef uint8_t hash[HASH];

/* ---- RFC 5802 §2.2: HMAC, H, Hi ---- */

/* HMAC's two blocks of the key, hashed once instead of in each round (RFC 2104 §4). */
struct keyed {
	mbedtls_sha256_context inner, outer;
};

static void keyed_begin(struct keyed *k, const void *key, size_t len)
{
	uint8_t block[64] = { 0 };

	if (len > sizeof(block))
		mbedtls_sha256(key, len, block, 0);
	else
		memcpy(block, key, len);
	mbedtls_sha256_init(&k->inner);
	mbedtls_sha256_init(&k->outer);
	for (unsigned i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36;
	mbedtls_sha256_starts(&k->inner, 0);
	mbedtls_sha256_update(&k->inner, block, sizeof(block));
	for (unsigned i = 0; i < sizeof(block); i++)
		block[i] ^= 0x36 ^ 0x5c;
	mbedtls_sha256_starts(&k->outer, 0);
	mbedtls_sha256_update(&k->outer, block, sizeof(block));
	mem_wipe(block, sizeof(block));
}

static void keyed_hash(const struct keyed *k, const void *text, size_t len, hash out)
{
	mbedtls_sha256_context c;

	mbedtls_sha256_init(&c);
	mbedtls_sha256_clone(&c, &k->inner);
	mbedtls_sha256_update(&c, text, len);
	mbedtls_sha256_finish(&c, out);
	mbedtls_sha256_clone(&c, &k->outer);
	mbedtls_sha256_update(&c, out, HASH);
	mbedtls_sha256_finish(&c, out);
	mbedtls_sha256_free(&c);
}

static void keyed_end(struct keyed *k)
{
	mbedtls_sha256_free(&k->inner);
	mbedtls_sha256_free(&k->outer);
}

static void hmac(const hash key, const char *text, hash out)
{
	struct keyed k;

	keyed_begin(&k, key, HASH);
	keyed_hash(&k, text, strlen(text), out);
	keyed_end(&k);
}

/* Whether the task may not go on: -errno. */
static int over(ktime deadline)
{
	ktime limit = task_limit(FOREVER);

	task_limit(limit);
	if (task_cancelled())
		return -ECANCELED;
	return clock_now() >= MIN(deadline, limit) ? -ETIMEDOUT : 0;
}

/* Hi(): PBKDF2 (RFC 8018 §5.2) with one block. 0, -ETIMEDOUT or -ECANCELED. */
static int stretch(const struct keyed *k, const struct pg_scram_keys *keys, uint32_t rounds,
		   hash out, ktime deadline)
{
	uint8_t first[PG_SCRAM_SALT + 4];
	hash u;

	memcpy(first, keys->salt, keys->salt_len);
	memcpy(first + keys->salt_len, "\0\0\0\1", 4);
	keyed_hash(k, first, keys->salt_len + 4, u);
	memcpy(out, u, HASH);
	for (uint32_t i = 1; i < rounds; i++) {
		if (i % ROUNDS_AT_ONCE == 0) {
			int e = over(deadline);

			if (e < 0) {
				mem_wipe(u, sizeof(u));
				return e;
			}
			task_yield();
		}
		keyed_hash(k, u, HASH, u);
		for (unsigned b = 0; b < HASH; b++)
			out[b] ^= u[b];
	}
	mem_wipe(u, sizeof(u));
	return 0;
}

/* §3: SaltedPassword, ClientKey, StoredKey, ServerKey. */
static int make_keys(struct pg_scram_keys *keys, uint32_t rounds, const char *password,
		     ktime deadline)
{
	struct keyed k;
	hash salted;
	int e;

	keyed_begin(&k, password, strlen(password));
	e = stretch(&k, keys, rounds, salted, deadline);
	keyed_end(&k);
	if (e < 0) {
		mem_wipe(salted, sizeof(salted));
		return e;
	}
	hmac(salted, "Client Key", keys->client);
	hmac(salted, "Server Key", keys->server);
	mbedtls_sha256(keys->client, HASH, keys->stored, 0);
	mem_wipe(salted, sizeof(salted));
	keys->rounds = rounds;
	return 0;
}

/* ---- The exchange (RFC 5802 §5) ---- */

int pg_scram_first(struct pg_scram *s, struct pg_scram_keys *keys, const char *nonce, char *buf)
{
	uint8_t random[NONCE_BYTES];
	size_t n;

	s->keys = keys;
	random_bytes(random, sizeof(random));
	if (nonce)
		snprintf(s->nonce, sizeof(s->nonce), "%s", nonce);
	else
		mbedtls_base64_encode((uint8_t *)s->nonce, sizeof(s->nonce), &n, random,
				      sizeof(random));
	snprintf(s->auth, sizeof(s->auth), "n=,r=%s", s->nonce);
	snprintf(buf, PG_SCRAM_TEXT, HEADER "n=,r=%s", s->nonce);
	return 0;
}

/* The attribute NAME=value at *p, up to a comma or the end; its length, or -EPROTO. */
static long attribute(const char **p, const char *end, char name, const char **value)
{
	const char *v = *p + 2, *comma;

	if (end - *p < 2 || (*p)[0] != name || (*p)[1] != '=')
		return -EPROTO;
	comma = memchr(v, ',', (size_t)(end - v));
	comma = comma ? comma : end;
	*value = v;
	*p = comma < end ? comma + 1 : end;
	return comma - v;
}

/* "r=...,s=...,i=...": where its nonce is; salt and rounds. -EPROTO. */
static long read_first(struct pg_scram *s, const char *text, size_t len, const char **nonce,
		       uint8_t salt[PG_SCRAM_SALT], size_t *salt_len, uint32_t *rounds)
{
	const char *p = text, *end = text + len, *v;
	long nonce_len = attribute(&p, end, 'r', nonce), n;

	if (nonce_len <= (long)strlen(s->nonce) ||
	    memcmp(*nonce, s->nonce, strlen(s->nonce)) != 0)
		return -EPROTO;                 /* not an answer to us */
	n = attribute(&p, end, 's', &v);
	if (n <= 0 || mbedtls_base64_decode(salt, PG_SCRAM_SALT, salt_len, (const uint8_t *)v,
					    (size_t)n) != 0 || *salt_len == 0)
		return -EPROTO;
	n = attribute(&p, end, 'i', &v);
	*rounds = 0;
	for (long i = 0; i < n; i++) {
		if (v[i] < '0' || v[i] > '9' || *rounds > PG_SCRAM_ROUNDS_MAX)
			return -EPROTO;
		*rounds = *rounds * 10 + (uint32_t)(v[i] - '0');
	}
	if (*rounds < PG_SCRAM_ROUNDS_MIN || *rounds > PG_SCRAM_ROUNDS_MAX) {
		log_warn("postgres: SCRAM with %u rounds: expected %u to %u", (unsigned)*rounds,
			 PG_SCRAM_ROUNDS_MIN, PG_SCRAM_ROUNDS_MAX);
		return -EPROTO;
	}
	return nonce_len;
}

/* The proof for AuthMessage, in base64, to buf. */
static void add_proof(struct pg_scram *s, char *buf, size_t room)
{
	hash signature;
	size_t n;

	hmac(s->keys->stored, s->auth, signature);
	for (unsigned i = 0; i < HASH; i++)
		signature[i] ^= s->keys->client[i];
	n = strlen(buf);
	snprintf(buf + n, room - n, ",p=");
	mbedtls_base64_encode((uint8_t *)buf + n + 3, room - n - 3, &n, signature, HASH);
}

int pg_scram_final(struct pg_scram *s, const char *server_first, size_t len, const char *password,
		   char *buf, ktime deadline)
{
	struct pg_scram_keys fresh = { .rounds = 0 };
	const char *nonce;
	uint32_t rounds;
	int nonce_len, e;

	if (len >= PG_SCRAM_TEXT / 2 || memchr(server_first, 0, len))
		return -EPROTO;
	nonce_len = (int)read_first(s, server_first, len, &nonce, fresh.salt, &fresh.salt_len,
				    &rounds);
	if (nonce_len < 0)
		return nonce_len;
	if (s->keys->rounds != rounds || s->keys->salt_len != fresh.salt_len ||
	    memcmp(s->keys->salt, fresh.salt, fresh.salt_len) != 0) {
		e = make_keys(&fresh, rounds, password, deadline);
		if (e < 0)
			return e;
		*s->keys = fresh;
		mem_wipe(&fresh, sizeof(fresh));
	}
	snprintf(buf, PG_SCRAM_TEXT, "c=biws,r=%.*s", nonce_len, nonce);
	snprintf(s->auth + strlen(s->auth), sizeof(s->auth) - strlen(s->auth), ",%.*s,%s",
		 (int)len, server_first, buf);
	add_proof(s, buf, PG_SCRAM_TEXT);
	return 0;
}

int pg_scram_verify(struct pg_scram *s, const char *server_final, size_t len)
{
	const char *p = server_final, *v;
	long n = attribute(&p, server_final + len, 'v', &v);
	hash want, got;
	size_t got_len;

	hmac(s->keys->server, s->auth, want);
	if (n <= 0 || mbedtls_base64_decode(got, HASH, &got_len, (const uint8_t *)v, (size_t)n) ||
	    got_len != HASH || mbedtls_ct_memcmp(want, got, HASH) != 0)
		return -EACCES;
	return 0;
}

/* ---- md5(md5(password user) salt), of "Password Authentication" ---- */

static void hex(char *out, const uint8_t digest[16])
{
	for (unsigned i = 0; i < 16; i++)
		snprintf(out + i * 2, 3, "%02x", digest[i]);
}

int pg_md5(char text[PG_MD5_TEXT], const char *user, const char *password, const uint8_t salt[4])
{
	mbedtls_md5_context c;
	uint8_t digest[16];

	mbedtls_md5_init(&c);
	mbedtls_md5_starts(&c);
	mbedtls_md5_update(&c, (const uint8_t *)password, strlen(password));
	mbedtls_md5_update(&c, (const uint8_t *)user, strlen(user));
	mbedtls_md5_finish(&c, digest);
	memcpy(text, "md5", 4);
	hex(text + 3, digest);
	mbedtls_md5_starts(&c);
	mbedtls_md5_update(&c, (const uint8_t *)text + 3, 32);
	mbedtls_md5_update(&c, salt, 4);
	mbedtls_md5_finish(&c, digest);
	hex(text + 3, digest);
	mbedtls_md5_free(&c);
	return 0;
}
