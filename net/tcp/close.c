/* SPDX-License-Identifier: MIT */
/* The end of a stream (RFC 9293 §3.10.4, RFC 9112 §9.6): what was written is
 * delivered, then our FIN; meanwhile input is read and dropped, because a reset
 * would overtake the answer.
 *
 * A closed stream lingers until the peer has closed as well, or 2 s after our
 * FIN was acknowledged; then lwIP alone keeps the pcb: silent peers are dropped
 * from FIN-WAIT-2, further data is answered with a reset. More than 64 KiB of
 * late input, or 60 s in which the peer acknowledges nothing, end it with a reset
 * at once. When too many linger, the oldest is left to lwIP early.
 *
 * Outside: as tcp.c. */
#include "net/tcp/impl.h"

#include <lwip/priv/tcp_priv.h>

#include "kernel/budget.h"
#include "net/port/port.h"

#define LOOK SECONDS(2)
#define LOOKS_MAX 30u                  /* without progress: 60 s */
#define DROP_MAX (64u << 10)

static struct tcp *oldest, *newest;
static unsigned count, most;

void linger_init(void)
{
	most = BUDGET_LINGER(port_limits.streams);
}

bool linger_undelivered(void)
{
	const struct tcp *s = oldest;

	while (s && s->pcb->state == FIN_WAIT_2)
		s = s->next;
	return s != NULL;
}

unsigned linger_max(void)
{
	return most;
}

static void append(struct tcp *s, ktime now)
{
	s->deadline = now + LOOK;
	port_due_at(s->deadline);
	s->prev = newest;
	s->next = NULL;
	if (newest)
		newest->next = s;
	else
		oldest = s;
	newest = s;
	count++;
}

static void take_out(struct tcp *s)
{
	if (s->prev)
		s->prev->next = s->next;
	else
		oldest = s->next;
	if (s->next)
		s->next->prev = s->prev;
	else
		newest = s->prev;
	count--;
}

void linger_done(struct tcp *s)
{
	take_out(s);
	stream_release(s);
}

/* From here on the pcb closes without us. */
void stream_leave(struct tcp *s)
{
	tcp_set_flags(s->pcb, TF_RXCLOSED);
	s->pcb->tmr = tcp_ticks;
	if (pcb_age(s->pcb) == AGE_NONE)
		pcb_set_age(s->pcb, AGE_CLOSING);
	stream_detach(s);
}

bool linger_cut_oldest(void)
{
	struct tcp *s = oldest;

	if (!s)
		return false;
	COUNT(N_LINGER_CUT);
	stream_leave(s);
	linger_done(s);
	return true;
}

void tcp_stream_close(struct stream *stream)
{
	struct tcp *s = (struct tcp *)stream;
	struct tcp_pcb *pcb = s->pcb;

	stream_closed(s);
	if (!pcb) {
		stream_release(s);
		return;
	}
	stream_drop_input(s);
	if (s->credit > 0)
		tcp_recved(pcb, (u16_t)MIN(s->credit, (uint32_t)TCP_WND));
	s->credit = 0;

	bucket_load(bucket_of_pcb(pcb));
	tcp_shutdown(pcb, 0, 1);
	bucket_store();

	if (s->flags & S_ENDED) {
		stream_leave(s);
		stream_release(s);
		return;
	}
	if (count == most)
		linger_cut_oldest();
	s->flags |= S_LINGERS;
	s->acked = pcb->lastack;
	s->looks = 0;
	s->dropped = 0;
	append(s, clock_now());
}

/* Late input, or the peer's FIN (NULL): false when it is to be reset. */
bool linger_input(struct tcp *s, struct pbuf *p)
{
	u16_t len;

	if (!p) {
		stream_leave(s);
		linger_done(s);
		return true;
	}
	len = p->tot_len;
	pbuf_free(p);
	s->dropped += len;
	if (s->dropped <= DROP_MAX) {
		tcp_recved(s->pcb, len);
		return true;
	}
	COUNT(N_LINGER_CUT);
	stream_detach(s);
	linger_done(s);
	return false;
}

/* What becomes of the oldest after LOOK. */
static void look(struct tcp *s, ktime now)
{
	struct tcp_pcb *pcb = s->pcb;

	if (pcb->state == FIN_WAIT_2) {
		stream_leave(s);
		linger_done(s);
		return;
	}
	s->looks = pcb->lastack == s->acked ? s->looks + 1 : 0;
	s->acked = pcb->lastack;
	take_out(s);
	if (s->looks < LOOKS_MAX) {
		append(s, now);
		return;
	}
	COUNT(N_LINGER_CUT);
	stream_detach(s);
	stream_release(s);
	bucket_load(bucket_of_pcb(pcb));
	tcp_abort(pcb);
	bucket_store();
}

ktime linger_timers(ktime now)
{
	while (oldest && oldest->deadline <= now)
		look(oldest, now);
	return oldest ? oldest->deadline : FOREVER;
}
