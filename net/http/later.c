/* SPDX-License-Identifier: MIT */
/* Answers that come later: net/later.h. The connection stays in CONN_RUN, served by a struct later
 * instead of a request; what it takes to frame the answer is kept there. */
#include "net/http/later_impl.h"
#include "net/net.h"

static struct pool laters;

/* Which may end l. */
static void tell(struct later *l)
{
	bool told = l->told;

	l->told = true;
	if (!told && l->gone)
		l->gone(l->arg);
}

void later_park(struct request *r)
{
	if (r->later->answering)
		return;
	r->later->req = NULL;
	request_put(r);
}

static const struct run_ops later_ops;

void later_ready(struct later *l)
{
	struct stream *s = l->run.conn->s;

	if (l->run.watch)
		event_signal(l->run.watch);
	if (request_deserted(s)) {
		if (l->req)
			request_cancel(l->req);
		tell(l);
	}
}

static enum step ready(struct conn *c)
{
	struct later *l = (struct later *)c->run;

	if (l->req && l->req->done)
		later_park(l->req);
	later_ready(l);
	return STEP_WAIT;
}

void later_gone(struct run *run)
{
	struct later *l = (struct later *)run;

	run->conn = NULL;
	if (l->req) {
		l->req->run.conn = NULL;
		request_cancel(l->req);
	}
	if (run->watch)
		event_signal(run->watch);
	if (l->req && l->req->done && run->ops == &later_ops)
		later_park(l->req);
	tell(l);
}

static const struct run_ops later_ops = {ready, later_gone, later_park};

struct later *request_later(struct request *r, void (*fn)(void *arg), void *arg)
{
	struct conn *c = r->run.conn;
	struct later *l;

	ASSERT(!r->later);
	if (!laters.cap)
		pool_init(&laters, "http_later", sizeof(*l), stream_max());
	l = pool_get(&laters);
	if (!l) {
		http_counters[COUNT_BUSY].n++;
		response_status(&r->res, 503);
		return NULL;
	}
	*l = (struct later){.run = {c, &later_ops, NULL}, .req = r, .gone = fn, .arg = arg,
			    .flags = r->head.flags, .minor = r->head.minor,
			    .head_only = request_asks_head(r)};
	r->run.ops = &later_ops;
	r->later = l;
	if (c)
		c->run = &l->run;
	return l;
}

/* The handler, which has not returned yet, answers after all. */
static void take_back(struct later *l)
{
	struct request *r = l->req;

	r->run.ops = &request_ops;
	r->later = NULL;
	if (r->run.conn)
		r->run.conn->run = &r->run;
	pool_put(&laters, l);
}

void later_put(struct later *l)
{
	if (l->req)
		request_put(l->req);
	work_free(l->rest);
	pool_put(&laters, l);
	if (!net_in_loop())
		net_kick();
}

struct response *later_answer(struct later *l)
{
	struct conn *c = l->run.conn;

	if (!l->req && c) {
		l->req = request_get();
		if (l->req) {
			l->req->done = true;
			l->req->later = l;
			response_reset(&l->req->res);
		} else {
			http_counters[COUNT_BUSY].n++;
			conn_enter(c, CONN_IDLE, clock_now());
			write_refusal(c, 503, l->head_only);
		}
	}
	if (!l->req) {
		later_put(l);
		return NULL;
	}
	l->answering = true;
	return &l->req->res;
}

void later_send(struct later *l)
{
	struct request *r = l->req;
	struct conn *c = l->run.conn;

	ASSERT(l->answering && !l->begun);
	if (!r->done) {
		take_back(l);
		return;
	}
	if (c) {
		struct stream *s = c->s;

		l->req = NULL;
		if (request_answer(c, r, request_persist(l->flags, l->minor), l->head_only) ==
		    STEP_AGAIN)
			stream_again(s);
	}
	later_put(l);
}

void later_drop(struct later *l)
{
	if (l->req && !l->req->done) {
		ASSERT(!l->begun);
		take_back(l);
		return;
	}
	if (l->run.conn)
		conn_abort(l->run.conn);
	later_put(l);
}
