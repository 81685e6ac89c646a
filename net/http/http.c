/* SPDX-License-Identifier: MIT */
/* The life of an HTTP connection: opened, served step by step, ended. At the
 * limit the connection that has been idle for longest makes room; where none is
 * idle, the newcomer is let in all the same, to be told 503. The transport has
 * slots beyond the limit for that. */
#include "net/http/impl.h"
#include "net/net.h"
#include "net/tls.h"

/* The share of the heap that requests and answers may take. */
#define WORK_PART 2

static struct pool conns;
static unsigned limit;
bool http_draining;

bool conn_over_limit(void)
{
	return conns.used > limit;
}

static void conn_free(struct conn *c)
{
	conn_leave(c);
	if (c->state != CONN_IDLE && c->state != CONN_RUN)
		work_free(c->work);
	peers_drop(c->network);
	pool_put(&conns, c);
}

void conn_close(struct conn *c)
{
	stream_close(c->s);
	conn_free(c);
}

void conn_abort(struct conn *c)
{
	stream_abort(c->s);
	conn_free(c);
}

static void *opened(struct stream *s)
{
	struct conn *c = pool_get(&conns);

	if (!c)
		return NULL;
	*c = (struct conn){.s = s, .state = CONN_RUN,
			  .network = addr_network(&s->peer.addr)};
	http_counters[COUNT_CONNECTIONS].n++;
	if (peers_add(c->network) > http_settings.max_per_address) {
		c->flags |= CONN_OVER_ADDRESS;
		stream_again(s);
	} else if (conn_over_limit()) {
		struct conn *oldest = conn_oldest(CONN_IDLE);

		if (oldest && !(oldest->flags & CONN_LATE)) {
			http_counters[COUNT_EVICTED].n++;
			conn_close(oldest);
		} else {
			c->flags |= CONN_LATE;
		}
	}
	conn_enter(c, CONN_IDLE, clock_now());
	return c;
}

static void ready(void *conn)
{
	struct conn *c = conn;
	enum step step;

	do {
		switch ((enum conn_state)c->state) {
		case CONN_WRITE:
			step = write_step(c);
			break;
		case CONN_RUN:
			step = c->run->ops->ready(c);
			break;
		default:
			step = read_step(c);
		}
	} while (step == STEP_AGAIN);
}

static void gone(void *conn, int why)
{
	struct conn *c = conn;

	if (c->state == CONN_RUN)
		c->run->ops->gone(c->run);
	if (c->state != CONN_IDLE)
		http_counters[COUNT_LOST].n++;
	conn_free(c);
}

/* Last resort, every slot of the transport being taken. */
static bool evict(void)
{
	struct conn *oldest = conn_oldest(CONN_IDLE);

	if (!oldest)
		return false;
	http_counters[COUNT_EVICTED].n++;
	conn_abort(oldest);
	return true;
}

void http_init(void)
{
	unsigned max = stream_max();
	size_t heap = mem_heap().size;

	limit = max - MIN(max / 2, BUDGET_CONN_SPARE(max));
	if (http_settings.max_connections && http_settings.max_connections < limit)
		limit = http_settings.max_connections;
	http_draining = false;
	pool_init(&conns, "http_conns", sizeof(struct conn), max);
	requests_init(mem_stacks().count);
	work_init(MIN(heap, MAX(heap / WORK_PART, (size_t)BUDGET_WORK_MIN)));
	peers_init(max);
	http_time_init();
}

int http_start(void)
{
	static const struct stream_ops ops = {opened, ready, gone, evict};

	tls_start(&ops);
	return http_port() ? stream_listen(http_port(), &ops) : 0;
}

void http_drain(void)
{
	http_draining = true;
	while (conn_oldest(CONN_IDLE))
		conn_close(conn_oldest(CONN_IDLE));
	net_kick();
}
