/* SPDX-License-Identifier: MIT */
/* Reading and writing streams (net/stream.h): input lies in lwIP's buffers until
 * it is consumed, output is queued with lwIP and goes out when ready() returns.
 * Outside: as tcp.c. */
#include "net/tcp/impl.h"

#include <lwip/priv/tcp_priv.h>

#include "kernel/kernel.h"

#define CREDIT_MAX (TCP_WND / 4)       /* window opened in steps, not with every byte */

static struct tcp *tcp_of(struct stream *s)
{
	return (struct tcp *)s;
}

static size_t tcp_peek(struct stream *stream, const uint8_t **data)
{
	const struct tcp *s = tcp_of(stream);

	if (!s->in)
		return 0;
	*data = (const uint8_t *)s->in->payload + s->in_skip;
	return s->in->len - s->in_skip;
}

static size_t tcp_available(struct stream *s)
{
	return tcp_of(s)->in_bytes;
}

void stream_pass_over(struct tcp *s, size_t n)
{
	ASSERT(n <= s->in_bytes);
	s->in_bytes -= (uint32_t)n;
	s->credit += (uint32_t)n;
	while (s->in && n >= (size_t)(s->in->len - s->in_skip)) {
		struct pbuf *p = s->in;

		n -= (size_t)(p->len - s->in_skip);
		s->in = p->next;
		s->in_skip = 0;
		s->in_pieces--;
		p->next = NULL;
		pbuf_free(p);
	}
	s->in_skip = (uint16_t)(s->in_skip + n);
	if (!s->in)
		s->in_last = NULL;
	if (s->pcb && s->credit >= CREDIT_MAX) {
		tcp_recved(s->pcb, (u16_t)s->credit);
		s->credit = 0;
	}
}

static void tcp_consume(struct stream *s, size_t n)
{
	stream_pass_over(tcp_of(s), n);
}

static bool tcp_ended(struct stream *s)
{
	return tcp_of(s)->flags & S_ENDED;
}

static size_t tcp_room(struct stream *stream)
{
	const struct tcp *s = tcp_of(stream);

	if (!s->pcb || s->pcb->snd_queuelen >= TCP_SND_QUEUELEN - 2)
		return 0;
	return tcp_sndbuf(s->pcb);
}

static size_t tcp_unacked(struct stream *s)
{
	const struct tcp_pcb *pcb = tcp_of(s)->pcb;

	return pcb ? pcb->snd_lbb - pcb->lastack : 0;
}

/* As much of it as lwIP has memory for. */
static size_t enqueue_bytes(struct tcp *s, const void *data, size_t len, unsigned flags)
{
	u8_t how = flags & STREAM_REF ? 0 : TCP_WRITE_FLAG_COPY;

	if (flags & STREAM_MORE)
		how |= TCP_WRITE_FLAG_MORE;
	len = MIN(len, tcp_room(&s->stream));
	while (len > 0 && tcp_write(s->pcb, data, (u16_t)len, how) != ERR_OK)
		len = len > BUDGET_MSS ? len / 2 : 0;
	return len;
}

static size_t tcp_stream_write(struct stream *stream, const void *data, size_t len, unsigned flags)
{
	struct tcp *s = tcp_of(stream);
	size_t taken;

	if (!s->pcb)
		return 0;
	taken = enqueue_bytes(s, data, len, flags);
	if (!(flags & STREAM_MORE))
		stream_output(s);
	if (taken < len) {
		if (s->pcb->unacked || s->pcb->unsent)
			stream_want_room(s);
		else
			stream_starve(s);
	}
	return taken;
}

const struct stream_io tcp_io = {
	.peek = tcp_peek,
	.available = tcp_available,
	.consume = tcp_consume,
	.ended = tcp_ended,
	.write = tcp_stream_write,
	.room = tcp_room,
	.unacked = tcp_unacked,
	.again = tcp_stream_again,
	.close = tcp_stream_close,
	.abort = tcp_stream_abort,
};
