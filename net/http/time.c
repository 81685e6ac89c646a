/* SPDX-License-Identifier: MIT */
/* Time-outs. Every connection in a state waits equally long, so a list in order
 * of arrival is in order of deadlines too: entering a state is O(1), and so is
 * finding the oldest. A timer of the net loop is set for the earliest deadline
 * there was when it last looked; it is set anew only for an earlier one, and not
 * at all while there is no connection. */
#include "net/http/impl.h"
#include "net/net.h"

#define TICK_SHIFT 20                  /* of struct conn.since: 2^20 ns, about a millisecond */
#define SLACK MILLIS(250)              /* how late a time-out may be */
#define BATCH 64                       /* connections ended before frames are looked at */

struct list {
	struct conn *first, *last;
	ktime duration;
};

static struct list lists[CONN_RUN];
static ktime armed;                    /* the timer looks again by then */

void conn_leave(struct conn *c)
{
	if (c->state == CONN_RUN)
		return;
	struct list *l = &lists[c->state];

	*(c->prev ? &c->prev->next : &l->first) = c->next;
	*(c->next ? &c->next->prev : &l->last) = c->prev;
}

void conn_enter(struct conn *c, enum conn_state state, ktime now)
{
	conn_leave(c);
	c->state = (uint8_t)state;
	c->since = (uint32_t)(now >> TICK_SHIFT);
	if (state == CONN_RUN)
		return;
	struct list *l = &lists[state];

	c->next = NULL;
	c->prev = l->last;
	*(l->last ? &l->last->next : &l->first) = c;
	l->last = c;
	if (now + l->duration < armed) {
		armed = now + l->duration;
		net_timer_due(armed + SLACK);
	}
}

struct conn *conn_oldest(enum conn_state state)
{
	return lists[state].first;
}

/* True while the client has acknowledged something since it was last looked at. */
static bool progress(struct conn *c)
{
	uint32_t unacked = (uint32_t)stream_unacked(c->s);
	bool less = unacked > 0 && unacked < c->unacked;

	c->unacked = unacked;
	return less;
}

static void time_out(struct conn *c, ktime now)
{
	if ((c->state == CONN_IDLE || c->state == CONN_WRITE) && progress(c)) {
		conn_enter(c, (enum conn_state)c->state, now);
		return;
	}
	http_counters[COUNT_TIMEOUTS].n++;
	if (c->state == CONN_WRITE || (c->state == CONN_IDLE && c->unacked > 0))
		conn_abort(c);
	else if (c->state == CONN_IDLE)
		conn_close(c);
	else
		write_refusal(c, 408, request_is_head(c->work->data, c->work->len));
}

ktime conn_expire(ktime now)
{
	ktime next = FOREVER;
	unsigned ended = 0;

	for (struct list *l = lists; l < lists + CONN_RUN; l++) {
		while (l->first) {
			/* Negative for one that joined the list since `now` was read. */
			int32_t age = (int32_t)((uint32_t)(now >> TICK_SHIFT) - l->first->since);
			ktime left = l->duration - (ktime)age * (1 << TICK_SHIFT);

			if (left > 0) {
				next = MIN(next, now + left);
				break;
			}
			if (ended++ == BATCH)
				return now;
			time_out(l->first, now);
		}
	}
	return next;
}

static ktime look(ktime now)
{
	if (armed == FOREVER || now < armed)
		return armed == FOREVER ? FOREVER : armed + SLACK;
	armed = conn_expire(now);
	return armed == FOREVER || armed == now ? armed : armed + SLACK;
}

void http_time_init(void)
{
	lists[CONN_IDLE] = (struct list){NULL, NULL, SECONDS(http_settings.idle_timeout)};
	lists[CONN_HEAD] = (struct list){NULL, NULL, SECONDS(http_settings.head_timeout)};
	lists[CONN_BODY] = (struct list){NULL, NULL, SECONDS(http_settings.body_timeout)};
	lists[CONN_WRITE] = (struct list){NULL, NULL, SECONDS(http_settings.write_timeout)};
	armed = FOREVER;
	net_timer_add(look);
}
