/* SPDX-License-Identifier: MIT */
/* A service that asks two others at once and merges what they say: tests/apps/aiohttp.py in C. */
#include <errno.h>
#include <stdlib.h>

#include "app/app.h"
#include "kernel/job.h"
#include "net/client.h"
#include "net/tls.h"

#define PIECE 16384
#define RELAY_MS 600000                /* the stream may be long */

static char url1[256], url2[256];
static uint32_t timeout_ms = 2000;
SETTINGS({ .key = "backend.1", .type = SETTING_STRING, .value = url1, .max = sizeof(url1),
	   .expected = "a URL" },
	 { .key = "backend.2", .type = SETTING_STRING, .value = url2, .max = sizeof(url2),
	   .expected = "a URL" },
	 { .key = "backend.timeout", .type = SETTING_U32, .value = &timeout_ms, .min = 1,
	   .max = 60000, .expected = "milliseconds" },
	 TLS_SETTINGS);

struct question {
	struct job job;
	const char *name, *url;
	ktime deadline;
	struct client *answer;
};

static int ask(void *arg)
{
	struct question *q = arg;

	return client_fetch(&q->answer, &(struct client_request){
		.url = q->url, .deadline = q->deadline, .max = 65536, .redirects = 5 });
}

static void merged(struct request *req, struct response *res)
{
	ktime deadline = clock_after_ms(timeout_ms);
	struct question q[] = { { .name = "backend.1", .url = url1, .deadline = deadline },
				{ .name = "backend.2", .url = url2, .deadline = deadline } };
	struct job *jobs[] = { &q[0].job, &q[1].job };
	int err = 0;
	size_t n1, n2;

	for (int i = 0; i < 2; i++) {
		err = job_start(jobs[i], q[i].name, ask, &q[i]);
		if (err < 0) {
			job_all(jobs, (unsigned)i, clock_now());
			failed(res, q[i].name, err);
			return;
		}
	}
	job_all(jobs, 2, FOREVER);
	for (int i = 0; i < 2 && err == 0; i++) {
		err = job_result(jobs[i]);
		if (err < 0)
			failed(res, q[i].name, err);
	}
	if (err == 0)
		json(res, "{ one: %s, two: %s }", client_body(q[0].answer, &n1),
		     client_body(q[1].answer, &n2));
	client_close(q[0].answer);
	client_close(q[1].answer);
}

/* The backend's answer, of any length, at the pace of who asked us. */
static void relay(struct request *req, struct response *res)
{
	struct client *c = NULL;
	char *piece = malloc(PIECE);
	long n = !piece ? -ENOMEM : client_open(&c, &(struct client_request){
		.url = url1, .deadline = clock_after_ms(RELAY_MS) });

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
	unsigned long ms = strtoul(request_param(req, "ms"), NULL, 10);

	if (task_sleep(clock_after_ms((int64_t)MIN(ms, 60000ul))) < 0)
		status(res, 503);
	else
		json(res, "{ slept: %lu }", ms);
}

void app_main(void)
{
	client_https();
	route("GET", "/", merged);
	route("GET", "/relay", relay);
	route("GET", "/sleep/:ms", nap);
}
