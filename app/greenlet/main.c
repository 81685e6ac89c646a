/* SPDX-License-Identifier: MIT */
/* Coroutines that switch to each other: the counterpart of tests/apps/greenlet_app.py. Those that
 * lie in statics do not wait, so that no two requests meet in them. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "app/app.h"
#include "kernel/coroutine.h"

static struct coroutine gr1, gr2;
static char said[64];
static size_t said_len;

static PRINTF_LIKE(1, 2) void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	said_len += (size_t)vsnprintf(said + said_len, sizeof(said) - said_len, fmt, args);
	va_end(args);
	ASSERT(said_len < sizeof(said));
}

static int test1(void *xy, void **result)
{
	char **words = xy, text[16];
	void *z;
	int err;

	snprintf(text, sizeof(text), "%s%s", words[0], words[1]);
	err = coroutine_switch(&gr2, text, &z);
	if (err == 0)
		say("%d\n", *(int *)z);
	return err;
}

static int test2(void *u, void **result)
{
	say("%s\n", (char *)u);
	return coroutine_switch(&gr1, &(int){ 42 }, NULL);
}

static int classic(void)
{
	int err;

	coroutine_init(&gr1, "gr1", test1);
	coroutine_init(&gr2, "gr2", test2);
	err = coroutine_switch(&gr1, (char *[]){ "hello", " world" }, NULL);
	coroutine_free(&gr2);                         /* nobody would switch to it again */
	return err;
}

static int guarded(void *value, void **result)
{
	if (coroutine_switch(coroutine_parent(&gr1), "ready", NULL) == -ETIMEDOUT)
		say("child: timed out\n");
	return -EIO;
}

static int thrown(void)
{
	void *got;
	int err;

	coroutine_init(&gr1, "gr1", guarded);
	err = coroutine_switch(&gr1, NULL, &got);
	if (err < 0)
		return err;
	say("%s\n", (char *)got);
	if (coroutine_throw(&gr1, -ETIMEDOUT, NULL) == -EIO)
		say("parent: input/output error\n");
	say("ended: %d\n", coroutine_ended(&gr1));
	return 0;
}

static void answer(struct response *res, int (*example)(void))
{
	said_len = 0;
	if (example() == 0)
		body(res, "text/plain", said, said_len);
	else
		status(res, 503);                       /* no stacks for two coroutines */
}

static void get_classic(struct request *req, struct response *res) { answer(res, classic); }
static void get_thrown(struct request *req, struct response *res) { answer(res, thrown); }

static int sleep_inside(void *value, void **result)
{
	*result = "slept\n";
	return task_sleep(clock_after_ms(20));
}

static void get_nap(struct request *req, struct response *res)
{
	struct coroutine nap = COROUTINE("nap", sleep_inside);
	void *text;

	if (coroutine_switch(&nap, NULL, &text) == 0)
		body(res, "text/plain", text, strlen(text));
	else
		status(res, 503);
}

static void print(void *unused)
{
	if (classic() == 0)
		fputs(said, stdout);
}

void app_main(void)
{
	route("GET", "/", get_classic);
	route("GET", "/thrown", get_thrown);
	route("GET", "/nap", get_nap);
	task_spawn("print", print, NULL);
}
