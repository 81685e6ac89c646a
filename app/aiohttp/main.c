/* SPDX-License-Identifier: MIT */
/* A service that asks two others at once and merges what they say; tests/apps/aiohttp_app.py is the
 * same in Python. */
#include <errno.h>
#include <stdlib.h>

#include "app/app.h"
#include "kernel/job.h"
#include "net/client.h"
#include "net/tls.h"

#define ANSWER_MAX 16384
#define PIECE 16384
#define RELAY_MS 600000                /* a stream may be long */

static char urls[2][256];
static uint32_t timeout_ms = 2000;
SETTINGS({ .key = "backend.1", .type = SETTING_STRING, .value = urls[0], .max = sizeof(urls[0]),
	   .expected = "a URL" },
	 { .key = "backend.2", .type = SETTING_STRING, .value = urls[1], .max = sizeof(urls[1]),
	   .expected = "a URL" },
	 { .key = "backend.timeout", .type = SETTING_U32, .value = &timeout_ms, .min = 1,
	   .max = 60000, .expected = "milliseconds, 1 to 60000" },
	 DEADLINE_SETTING, TLS_SETTINGS);

struct question {
	struct job job;
	const char *url;
	ktime deadline;
	struct client *answer;
};

static int ask(void *arg)
{
	struct question *q = arg;

	return client_fetch(&q->answer, &(struct client_request){
		.url = q->url, .deadline = q->deadline, .max = ANSWER_MAX, .redirects = 5 });
}

/* The object that a backend has answered with, or NULL and an error; err: how asking it went. */
static const struct value *object(struct request *req, const struct question *q, int *err)
{
	const struct value *v = NULL;
	size_t len;

	if (*err == 0 && client_status(q->answer) >= 400)
		*err = -EREMOTE;
	if (*err == 0) {
		const char *text = client_body(q->answer, &len);

		v = json_read(req, text, len);
		*err = value_kind(v) == VALUE_OBJECT ? 0 : -EPROTO;
	}
	return v;
}

/* Both at once, one deadline for all; the first error is the answer. */
static void merged(struct request *req, struct response *res)
{
	ktime deadline = clock_after_ms(timeout_ms);
	struct question q[] = { { .url = urls[0], .deadline = deadline },
				{ .url = urls[1], .deadline = deadline } };
	struct job *jobs[] = { &q[0].job, &q[1].job };
	const struct value *objects[2];
	int err = 0, i;

	for (i = 0; i < 2 && err == 0; i++)
		err = job_start(jobs[i], "backend", ask, &q[i]);
	job_all(jobs, (unsigned)(err < 0 ? i - 1 : i), FOREVER);
	for (i = 0; i < 2 && err == 0; i++) {
		err = job_result(jobs[i]);
		objects[i] = object(req, &q[i], &err);
	}
	if (err < 0)
		failed(res, i == 1 ? "backend.1" : "backend.2", err);
	else
		json_merged(res, objects, 2);
	client_close(q[0].answer);
	client_close(q[1].answer);
}

/* Only the first. */
static void one(struct request *req, struct response *res)
{
	struct question q = { .url = urls[0], .deadline = clock_after_ms(timeout_ms) };
	int err = ask(&q);
	const struct value *v = object(req, &q, &err);

	if (err < 0)
		failed(res, "backend.1", err);
	else
		json_value(res, v);
	client_close(q.answer);
}

/* The backend's answer, of any length, at the pace of who asked us. */
static void relay(struct request *req, struct response *res)
{
	struct client *c = NULL;
	char *piece = malloc(PIECE);
	long n = !piece ? -ENOMEM : client_open(&c, &(struct client_request){
		.url = urls[0], .deadline = clock_after_ms(RELAY_MS), .redirects = 5 });

	if (n == 0 && client_status(c) >= 400)
		n = -EREMOTE;
	if (n < 0) {
		failed(res, "backend.1", (int)n);
	} else if (response_stream(req, "application/octet-stream") == 0) {
		while ((n = client_read(c, piece, PIECE)) > 0 &&
		       response_write(req, piece, (size_t)n) == 0)
			;
		if (n < 0)
			response_break(req);
	}
	client_close(c);
	free(piece);
}

static void nap(struct request *req, struct response *res)
{
	if (task_sleep(clock_after_ms(request_int(req, "ms"))) < 0)
		status(res, 503);
	else
		json(res, "{ slept: %lld }", (long long)request_int(req, "ms"));
}

void app_main(void)
{
	client_https();
	route("GET", "/", merged);
	route("GET", "/one", one);
	route("GET", "/relay", relay);
	route("GET", "/sleep/:ms:int", nap);
}
