/* SPDX-License-Identifier: MIT */
/* The administrative port: for clients that show a certificate of admin.ca. What is in use can be
 * looked at, and replaced while connections stay as they are:
 *
 *	GET /certificate	what is served: JSON
 *	PUT /certificate	certificates and their key, in PEM, in one body: 204; 400;
 *				503 where there is no memory for them */
#include <mbedtls/sha256.h>

#include <errno.h>
#include <stdio.h>

#include "kernel/mem.h"
#include "kernel/task.h"
#include "net/http.h"
#include "net/router.h"
#include "net/tls/impl.h"

#define SUBJECT_MAX 128

static void answer(struct response *res, const char *template, ...)
{
	va_list ap;

	va_start(ap, template);
	response_json(res, template, ap);
	va_end(ap);
}

static void get_certificate(struct request *req, struct response *res)
{
	const mbedtls_x509_crt *cert = credentials_shown();
	char subject[SUBJECT_MAX], hash_text[65], until[24];
	uint8_t hash[32];
	const mbedtls_x509_time *t = &cert->valid_to;

	mbedtls_sha256(cert->raw.p, cert->raw.len, hash, 0);
	for (unsigned i = 0; i < sizeof(hash); i++)
		snprintf(hash_text + 2 * i, 3, "%02x", hash[i]);
	if (mbedtls_x509_dn_gets(subject, sizeof(subject), &cert->subject) < 0)
		subject[0] = 0;
	snprintf(until, sizeof(until), "%04d-%02d-%02dT%02d:%02d:%02dZ", t->year, t->mon, t->day,
		 t->hour, t->min, t->sec);
	answer(res, "{ subject: %s, sha256: %s, not_after: %s }", subject, hash_text, until);
}

static void put_certificate(struct request *req, struct response *res)
{
	size_t len;
	const char *text = http_body(req, &len), *why;
	int err = credentials_replace(text ? text : "", len, &why);

	mem_wipe((void *)(uintptr_t)text, len);
	task_wipe_stack();
	handshakes_wake();
	if (err == 0) {
		response_status(res, 204);
		return;
	}
	response_status(res, err == -EINVAL ? 400 : 503);
	if (why)
		answer(res, "{ error: %s }", why);
}

void admin_init(void)
{
	router_add_admin("GET", "/certificate", get_certificate);
	router_add_admin("PUT", "/certificate", put_certificate);
}
