/* SPDX-License-Identifier: MIT */
/* Reading and writing streams (net/stream.h): input lies in lwIP's buffers until
 * it is consumed, output is queued with lwIP and goes out when ready() returns.
 * Outside: as tcp.c. */
#include "net/tcp.h"

#include <lwip/priv/tcp_priv.h>

#include "kernel/kernel.h"

#define CREDIT_MAX (TCP_WND / 4)       /* window opened in steps, not with every byte */

size_t stream_peek(struct stream *s, const uint8_t **data)
{
	if (!s->in)
		return 0;
	*data = (const uint8_t *)s->in->payload + s->in_skip;
	return s->in->len - s->in_skip;
}

size_t stream_available(struct stream *s)
{
	return s->in_bytes;
}

void stream_consume(struct stream *s, size_t n)
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

bool stream_ended(struct stream *s)
{
	return s->flags & S_ENDED;
}

size_t stream_room(struct stream *s)
{
	if (!s->pcb || s->pcb->snd_queuelen >= TCP_SND_QUEUELEN - 2)
		return 0;
	return tcp_sndbuf(s->pcb);
}

size_t stream_unacked(struct stream *s)
{
	return s->pcb ? s->pcb->snd_lbb - s->pcb->lastack : 0;
}

/* As much of it as lwIP has memory for. */
static size_t enqueue_bytes(struct stream *s, const void *data, size_t len, unsigned flags)
{
	u8_t how = flags & STREAM_REF ? 0 : TCP_WRITE_FLAG_COPY;

	if (flags & STREAM_MORE)
		how |= TCP_WRITE_FLAG_MORE;
	len = MIN(len, stream_room(s));
	while (len > 0 && tcp_write(s->pcb, data, (u16_t)len, how) != ERR_OK)
		len = len > TCP_MSS ? len / 2 : 0;
	return len;
}

size_t stream_write(struct stream *s, const void *data, size_t len, unsigned flags)
{
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

struct endpoint stream_peer(struct stream *s)
{
	return s->peer;
}

struct endpoint stream_local(struct stream *s)
{
	return s->local;
}
