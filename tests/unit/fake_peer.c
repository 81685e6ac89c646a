/* SPDX-License-Identifier: MIT */
/* Scripted TCP peers behind 10.9.0.1, and the protocol they talk to: fake_net.h. */
#include <stdlib.h>
#include <string.h>

#include "kernel/task.h"
#include "net/net.h"
#include "tests/unit/fake_net.h"

#define PORT 8080
#define ETH 14

static struct peer *peers[65536];

/* ---- Packets ---------------------------------------------------------------- */

static void put16(uint8_t *p, unsigned v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v & 0xffff);
}

static unsigned get16(const uint8_t *p)
{
	return p[0] * 256u + p[1];
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)get16(p) << 16 | get16(p + 2);
}

static uint32_t sum(const uint8_t *p, size_t len, uint32_t s)
{
	for (size_t i = 0; i < len; i++)
		s += i % 2 ? p[i] : p[i] * 256u;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return s;
}

static uint32_t tcp_sum(const uint8_t *ip, size_t tcp_len)
{
	return sum(ip + 20, tcp_len, sum(ip + 12, 8, 6 + (uint32_t)tcp_len));
}

void peer_queue(struct peer *p, unsigned flags, uint32_t seq, const void *data, size_t len)
{
	static const uint8_t head[] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 };
	uint8_t f[NETDEV_FRAME_MAX] = { 0 }, *ip = f + ETH, *tcp = ip + 20;
	unsigned mss = flags & SYN ? 1460 : p->mss;
	unsigned opts = (mss ? 4 : 0) + (p->stamps ? 12 : 0);
	size_t tcp_len = 20 + opts + len;

	memcpy(f, head, sizeof(head));
	put16(ip + 2, (unsigned)(20 + tcp_len));
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + 12, p->ip);
	put32(ip + 16, OUR_IP);
	put16(ip + 10, 0xffff ^ sum(ip, 20, 0));
	put16(tcp, p->port);
	put16(tcp + 2, p->ours ? p->ours : PORT);
	put32(tcp + 4, seq);
	put32(tcp + 8, flags & ACK ? p->ack : 0);
	tcp[12] = (uint8_t)((20 + opts) / 4 << 4);
	tcp[13] = (uint8_t)flags;
	put16(tcp + 14, 65000);
	if (p->stamps) {
		put32(tcp + 20, 0x0101080a);
		put32(tcp + 24, p->stamp);
		put32(tcp + 28, p->echo);
	}
	if (mss)
		put32(tcp + 20 + opts - 4, 0x02040000 | mss);
	if (len)
		memcpy(tcp + 20 + opts, data, len);
	put16(tcp + 16, 0xffff ^ tcp_sum(ip, tcp_len));
	fake_frame(f, ETH + 20 + tcp_len, false);
}

static void take(struct peer *p, const uint8_t *tcp, size_t len)
{
	size_t hlen = tcp[12] / 16 * 4u, data = len - hlen;

	p->flags = tcp[13];
	p->got_seq = get32(tcp + 4);
	p->got_ack = get32(tcp + 8);
	p->window = (uint16_t)get16(tcp + 14);
	p->segments++;
	for (size_t at = 20; at + 12 <= hlen; at += 4)
		if (get32(tcp + at) == 0x0101080a)
			p->got_stamp = p->echo = get32(tcp + at + 4);
	if (p->flags & SYN) {
		p->ack = p->got_seq + 1;
		if (!(p->flags & ACK))
			p->ours = (uint16_t)get16(tcp);
	} else if (p->got_seq == p->ack && p->len + data <= sizeof(p->data)) {
		memcpy(p->data + p->len, tcp + hlen, data);
		p->len += data;
		p->ack += (uint32_t)data + (p->flags & FIN ? 1 : 0);
	}
}

/* Gives what was sent to its peers, after checking every checksum; true when an
 * ARP request was among it. */
static bool deliver(void)
{
	bool arp = false;
	struct sent *s;

	while ((s = fake_sent())) {
		const uint8_t *ip = s->data + ETH;
		size_t len = get16(ip + 2);

		if (get16(s->data + 12) == 0x0800 && ip[9] == 6) {
			assert_true(len + ETH <= s->len);
			assert_int_equal(sum(ip, 20, 0), 0xffff);
			assert_int_equal(tcp_sum(ip, len - 20), 0xffff);
			if (peers[get16(ip + 22)])
				take(peers[get16(ip + 22)], ip + 20, len - 20);
		}
		arp |= get16(s->data + 12) == 0x0806 && get16(s->data + 20) == 1;
		free(s);
	}
	return arp;
}

void peer_run(struct peer *p)
{
	fake_run();
	while (deliver()) {
		fake_arp();
		fake_run();
	}
}

void peer_send(struct peer *p, unsigned flags, const void *data, size_t len)
{
	peer_queue(p, flags, p->seq, data, len);
	p->seq += (uint32_t)len + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0);
	peer_run(p);
}

void peer_listen(struct peer *p)
{
	peers[p->port] = p;
}

void peer_ignore(struct peer *p)
{
	peers[p->port] = NULL;
}

bool peer_connect(struct peer *p, uint32_t ip, uint16_t port)
{
	p->ip = ip;
	p->port = port;
	p->flags = 0;
	p->len = 0;
	peer_listen(p);
	peer_send(p, SYN, NULL, 0);
	if (p->flags != (SYN | ACK) || p->got_ack != p->seq)
		return false;
	peer_send(p, ACK, NULL, 0);
	return true;
}

/* ---- The protocol ----------------------------------------------------------- */

struct echo {
	struct stream *s;
	struct echo *prev, *next;      /* in the order in which they were opened */
	bool waits, gone;              /* a handler runs, and its stream has died */
};

static struct echo all = { .prev = &all, .next = &all };
unsigned echo_open, echo_gone, echo_evicted;
int echo_why;
bool echo_may_evict;
bool echo_reads = true;

static void *opened(struct stream *s)
{
	struct echo *e = calloc(1, sizeof(*e));

	e->s = s;
	e->prev = all.prev;
	e->next = &all;
	all.prev = all.prev->next = e;
	echo_open++;
	return e;
}

static void forget(struct echo *e)
{
	e->prev->next = e->next;
	e->next->prev = e->prev;
	echo_open--;
	free(e);
}

static void answer_later(void *arg)
{
	struct echo *e = arg;

	int err;

	e->waits = true;
	err = task_sleep(fake_now + MILLIS(300));
	e->waits = false;
	if (e->gone) {
		forget(e);
		return;
	}
	stream_write(e->s, err < 0 ? "full" : "late", 4, STREAM_COPY);
	if (!net_in_loop())
		stream_again(e->s);
}

/* 'c': answers and closes, 'a': aborts, 'w': a handler that waits, 'b': 20,000 bytes
 * and closes; anything else comes back. */
static void ready(void *arg)
{
	static const char big[20000];
	struct echo *e = arg;
	const uint8_t *d;
	size_t n;

	if (e->waits)
		return;
	while (echo_reads && (n = stream_peek(e->s, &d)) > 0) {
		uint8_t what = d[0];

		if (what != 'c' && what != 'a' && what != 'w' && what != 'b') {
			n = stream_write(e->s, d, n, STREAM_MORE);
			stream_consume(e->s, n);
			if (n == 0)
				return;
			continue;
		}
		stream_consume(e->s, n);
		if (what == 'w') {
			net_call(answer_later, e);
			return;
		}
		if (what == 'c')
			stream_write(e->s, "bye", 3, STREAM_COPY);
		if (what == 'b')
			stream_write(e->s, big, sizeof(big), STREAM_REF);
		if (what == 'a')
			stream_abort(e->s);
		else
			stream_close(e->s);
		forget(e);
		return;
	}
	if (stream_ended(e->s)) {
		stream_close(e->s);
		forget(e);
	}
}

static void gone(void *arg, int why)
{
	struct echo *e = arg;

	echo_gone++;
	echo_why = why;
	e->gone = true;
	if (!e->waits)
		forget(e);
}

static bool evict(void)
{
	struct echo *e = all.next;

	while (e != &all && (e->waits || e->gone))
		e = e->next;
	if (!echo_may_evict || e == &all)
		return false;
	echo_evicted++;
	stream_abort(e->s);
	forget(e);
	return true;
}

const struct stream_ops echo_ops = {
	.opened = opened, .ready = ready, .gone = gone, .evict = evict,
};
