/* SPDX-License-Identifier: MIT */
/* A service for tests: bodies, parameters, handlers that wait, answers that are large or late. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/app.h"
#include "kernel/job.h"
#include "net/net.h"


static void echo(struct request *req, struct response *res)
{
	const char *type = request_header(req, "Content-Type");
	size_t len;
	const void *data = request_body(req, &len);

	body(res, type ? type : "application/octet-stream", data ? data : "", len);
}

static void hello(struct request *req, struct response *res)
{
	json(res, "{ hello: %s }", request_param(req, "name"));
}

static void show(struct request *req, struct response *res)
{
	json(res, "{ method: %s, path: %s, query: %s, host: %s, agent: %s }", request_method(req),
	     request_path(req), request_query(req), request_header(req, "Host"),
	     request_header(req, "User-Agent"));
}

static void client(struct request *req, struct response *res)
{
	const char *name = request_client(req);

	if (name)
		json(res, "{ client: %s }", name);
	else
		status(res, 401);
}

static void nap(struct request *req, struct response *res)
{
	unsigned long ms = strtoul(request_param(req, "ms"), NULL, 10);
	int err = task_sleep(clock_after_ms((int64_t)(ms < 60000 ? ms : 60000)));

	if (err < 0) {
		log_info("sleep: error %d", -err);
		status(res, 503);
		return;
	}
	json(res, "{ slept: %lu }", ms);
}

static void resolve(struct request *req, struct response *res)
{
	struct addr a;
	char text[ADDR_TEXT];
	int e = net_resolve(request_param(req, "host"), &a, clock_after_ms(5000));

	if (e < 0) {
		status(res, e == -ENOENT ? 404 : e == -ENOMEM ? 503 : e == -ETIMEDOUT ? 504 : 502);
		return;
	}
	addr_text(text, &a);
	json(res, "{ address: %s }", text);
}

static void big(struct request *req, struct response *res)
{
	unsigned long n = strtoul(request_param(req, "n"), NULL, 10);
	char *text = n <= 1u << 20 ? malloc(n + 1) : NULL;

	if (!text) {
		status(res, n <= 1u << 20 ? 503 : 400);
		return;
	}
	memset(text, 'x', n);
	body(res, "text/plain", text, n);
	free(text);
}

SETTINGS(DEADLINE_SETTING);

static long number(struct request *req, const char *name)
{
	return strtol(request_param(req, name), NULL, 10);
}

static int doze(void *until)
{
	return task_sleep(*(ktime *)until);
}

/* What a job says that another has started; job_all() waits for it even past the deadline. */
static int doze_below(void *until)
{
	struct job job, *const jobs[] = { &job };
	int err = job_start(&job, "doze", doze, until);

	if (err < 0)
		return err;
	job_all(jobs, 1, FOREVER);
	return job_result(&job);
}

static void within(struct request *req, struct response *res)
{
	ktime until = clock_after_ms(number(req, "ms"));
	int err;

	request_deadline(req, number(req, "limit"));
	err = doze_below(&until);
	status(res, err == 0 ? 204 : err == -ETIMEDOUT ? 504 : 503);
}

/* Two that doze at once: which of them wakes first, and then. */
static void race(struct request *req, struct response *res)
{
	ktime until[] = { clock_after_ms(number(req, "a")), clock_after_ms(number(req, "b")) };
	struct job jobs[2], *const both[] = { &jobs[0], &jobs[1] };
	int first, next;
	unsigned n = 0;

	while (n < 2 && job_start(both[n], "doze", doze, &until[n]) == 0)
		n++;
	first = job_any(both, n, FOREVER);
	next = job_any(both, n, FOREVER);
	job_all(both, n, FOREVER);
	if (n < 2)
		status(res, 503);
	else
		json(res, "{ first: %d, next: %d, last: %d }", first, next,
		     job_any(both, n, FOREVER));
}

/* The numbers from 1 to n, in pieces. */
static void count(struct request *req, struct response *res)
{
	unsigned long n = strtoul(request_param(req, "n"), NULL, 10), i = 0;
	int err = response_stream(req, "text/plain");

	while (err == 0 && i++ < n)
		err = response_print(req, "%lu\n", i);
	if (err < 0)
		log_info("count: %lu, error %d", i, -err);
}

/* How long the body was, of which each KiB takes a millisecond. In pieces that a stack of 2 KiB has
 * room for beside TLS. */
static void swallow(struct request *req, struct response *res)
{
	unsigned long sum = 0, slept = 0;
	char buf[128];
	long n;

	while ((n = request_read(req, buf, sizeof(buf))) > 0) {
		sum += (unsigned long)n;
		if (sum - slept >= 1024) {
			slept = sum;
			task_sleep(clock_after_ms(1));
		}
	}
	if (n < 0)
		log_info("swallow: %lu, error %ld", sum, -n);
	json(res, "{ read: %lu }", sum);
}

/* GET /news waits, without a stack, until somebody POSTs some. */
static struct reader {
	struct reader *next, **back;
	struct later *later;
} *readers;

static void forget(struct reader *r)
{
	*r->back = r->next;
	if (r->next)
		r->next->back = r->back;
	free(r);
}

static void leave(void *arg)
{
	struct reader *r = arg;

	later_drop(r->later);
	forget(r);
}

static void read_news(struct request *req, struct response *res)
{
	struct reader *r = malloc(sizeof(*r));

	if (!r) {
		status(res, 503);
		return;
	}
	r->later = request_later(req, leave, r);
	r->next = readers;
	r->back = &readers;
	if (r->next)
		r->next->back = &r->next;
	readers = r;
	if (!r->later)
		forget(r);
}

static void post_news(struct request *req, struct response *res)
{
	unsigned told = 0;
	size_t len;
	const void *data = request_body(req, &len);

	while (readers) {
		struct reader *r = readers;
		struct response *answer = later_answer(r->later);

		if (answer) {
			body(answer, "text/plain", data ? data : "", len);
			later_send(r->later);
			told++;
		}
		forget(r);
	}
	json(res, "{ told: %u }", told);
}

void app_main(void)
{
	route("GET", "/within/:limit/:ms", within);
	route("GET", "/race/:a/:b", race);
	route("GET", "/count/:n", count);
	route_stream("POST", "/swallow", swallow);
	route("GET", "/news", read_news);
	route("POST", "/news", post_news);
	route("POST", "/echo", echo);
	route("PUT", "/echo", echo);
	route("GET", "/show", show);
	route("GET", "/client", client);
	route("GET", "/hello/:name", hello);
	route("GET", "/sleep/:ms", nap);
	route("GET", "/resolve/:host", resolve);
	route("GET", "/big/:n", big);
}
