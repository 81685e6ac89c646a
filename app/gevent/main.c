/* SPDX-License-Identifier: MIT */
/* Hits counted in Redis through hiredis: the counterpart of tests/apps/gevent_app.py. */
#include <hiredis/hiredis.h>

#include "app/app.h"

static char host[64] = "127.0.0.1";
static uint32_t port = 6379;
SETTINGS({ .key = "redis.host", .type = SETTING_STRING, .value = host, .max = sizeof(host),
	   .expected = "a name or an address" },
	 { .key = "redis.port", .type = SETTING_U32, .value = &port, .min = 1, .max = 65535,
	   .expected = "a port, 1 to 65535" });

static void hits(struct request *req, struct response *res)
{
	redisContext *c = redisConnectWithTimeout(host, (int)port, (struct timeval){ 2, 0 });
	redisReply *r = c && !c->err ? redisCommand(c, "INCR hits") : NULL;

	if (r)
		json(res, "{ hits: %lld }", r->integer);
	else
		status(res, 502);
	log_info("redis: %s", c ? c->errstr : "no memory");
	freeReplyObject(r);
	redisFree(c);
}

void app_main(void)
{
	route("GET", "/", hits);
}
