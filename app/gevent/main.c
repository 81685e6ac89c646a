/* SPDX-License-Identifier: MIT */
/* Redis through hiredis, whose calls yield: the counterpart of tests/apps/gevent_app.py. */
#include <errno.h>
#include <hiredis/hiredis.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/app.h"
#include "kernel/crew.h"
#include "kernel/sync.h"

#define AT_ONCE_MAX 500

static char addr[64] = "127.0.0.1";
static uint32_t port = 6379, timeout_ms = 2000;
SETTINGS(TEXT_SETTING("redis.addr", addr, "a name or an address of at most 63 characters"),
	 NUMBER_SETTING("redis.port", port, 1, 65535, "a port, 1 to 65535"),
	 NUMBER_SETTING("redis.timeout_ms", timeout_ms, 1, 600000, "milliseconds, 1 to 600000"),
	 DEADLINE_SETTING);

static void *slots[16];
static struct queue idle = { .slots = slots, .cap = ARRAY_LEN(slots) };

/* A connection, idle or new; all that the task does with it ends within redis.timeout_ms. */
static redisContext *take(void)
{
	redisContext *c;

	errno = 0;
	task_limit(task_deadline(clock_after_ms(timeout_ms)));
	while (queue_get(&idle, (void **)&c, 0) == 0) {
		if (poll(&(struct pollfd){ .fd = c->fd, .events = POLLIN }, 1, 0) == 0)
			return c;
		redisFree(c);          /* Redis has closed it meanwhile */
	}
	return redisConnect(addr, (int)port);
}

static void give(redisContext *c, redisReply *last)
{
	freeReplyObject(last);
	if (c && (c->err || queue_put(&idle, c, 0) < 0))
		redisFree(c);
}

/* The reply to a command, or with none the next one; NULL: c or errno says why. */
static redisReply *ask(redisContext *c, const char *command)
{
	void *reply = NULL;

	if (c && (!command || redisAppendCommand(c, command) == REDIS_OK))
		redisGetReply(c, &reply);
	return reply;
}

/* True when r is a reply; else the answer says what went wrong. */
static bool good(struct response *res, const redisContext *c, const redisReply *r)
{
	if (r && r->type != REDIS_REPLY_ERROR)
		return true;
	status(res, !c || c->err == REDIS_ERR_OOM || errno == ENOMEM ? 503 :
		    errno == ETIMEDOUT ? 504 : 502);
	json(res, "{ error: %s }", r ? r->str : c ? c->errstr : "out of memory");
	return false;
}

static const char *text(const redisReply *r, size_t i)
{
	return i < r->elements && r->element[i]->str ? r->element[i]->str : "";
}

static void hits(struct request *req, struct response *res)
{
	redisContext *c = take();
	redisReply *r = ask(c, "INCR hits");

	if (good(res, c, r))
		json(res, "{ hits: %lld }", r->integer);
	give(c, r);
}

static void pipeline(struct request *req, struct response *res)
{
	int n = MIN(atoi(request_param(req, "n")), 10000);
	redisContext *c = take();
	redisReply *r = ask(c, "DEL pipe");

	for (int i = 0; r && i < n; i++)
		redisAppendCommand(c, "INCR pipe");
	for (int i = 0; r && i < n; i++, r = ask(c, NULL))
		freeReplyObject(r);
	if (good(res, c, r))
		json(res, "{ replies: %d, last: %lld }", n, r->integer);
	give(c, r);
}

/* One of many that wait at once, each on a connection of its own. */
static int wait_in_line(void *got)
{
	redisContext *c = redisConnect(addr, (int)port);
	redisReply *r = ask(c, "BLPOP gate 0");

	*(int *)got = r ? atoi(text(r, 1)) : 0;
	freeReplyObject(r);
	redisFree(c);
	return r ? 0 : -EIO;
}

static void crowd(struct request *req, struct response *res)
{
	int n = MAX(MIN(atoi(request_param(req, "n")), AT_ONCE_MAX), 1), served = 0, sum = 0;
	int *got = calloc((size_t)n, sizeof(*got)), err = -ENOMEM;

	if (got)
		err = crew_map("crowd", (unsigned)n, wait_in_line, got, sizeof(*got), (unsigned)n,
			       clock_after_ms(timeout_ms));
	for (int i = 0; got && i < n; sum += got[i++])
		served += got[i] != 0;
	free(got);
	if (served && err != -ENOMEM) {
		json(res, "{ tasks: %d, served: %d, sum: %d }", n, served, sum);
		return;
	}
	status(res, err == -ENOMEM ? 503 : err == -ETIMEDOUT ? 504 : 502);
	json(res, "{ error: %s }", err == -ENOMEM ? "out of memory" : "nobody was served");
}

static void news(struct request *req, struct response *res)
{
	redisContext *c = take();
	redisReply *r = ask(c, "SUBSCRIBE news");

	freeReplyObject(r);
	r = ask(c, NULL);
	if (good(res, c, r))
		json(res, "{ channel: %s, message: %s }", text(r, 1), text(r, 2));
	freeReplyObject(r);
	redisFree(c);
}

static void nap(struct request *req, struct response *res)
{
	int ms = MIN(atoi(request_param(req, "ms")), 60000);

	if (usleep((useconds_t)ms * 1000) < 0)
		status(res, 503);
	else
		json(res, "{ slept: %d }", ms);
}

void app_main(void)
{
	route("GET", "/", hits);
	route("GET", "/pipeline/:n", pipeline);
	route("GET", "/crowd/:n", crowd);
	route("GET", "/news", news);
	route("GET", "/sleep/:ms", nap);
}
