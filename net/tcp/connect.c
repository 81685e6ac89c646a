/* SPDX-License-Identifier: MIT */
/* Streams that we open (net/stream.h): RFC 9293 §3.10.1. They are counted apart from those that
 * are accepted, so that neither kind can take the other's room. Linked only where something
 * connects.
 * Outside: as tcp.c. */
#include "net/tcp/impl.h"

#include <errno.h>

#include <lwip/priv/tcp_priv.h>

#include "net/port/ip.h"
#include "net/port/port.h"

#define TIMESTAMP_LEN 12u              /* in each segment where both have it (RFC 7323) */

enum { CONNECTS, NO_ROOM, NO_PORT, COUNTS };
static struct counter counters[COUNTS] = {
	[CONNECTS] = { .name = "net_tcp_connects_total" },
	[NO_ROOM] = { .name = "net_tcp_connects_no_room_total" },
	[NO_PORT] = { .name = "net_tcp_connects_no_port_total" },
};

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
	struct tcp *s = arg;

	s->flags &= (uint16_t)~S_CONNECTING;
	stream_enqueue(s);
	return ERR_OK;
}

/* No host has such an address: RFC 1122 §4.2.3.10, RFC 4291 §2.5.3, §2.7. */
static bool is_no_host(const ip_addr_t *ip)
{
	return ip_addr_ismulticast(ip) || ip_addr_isloopback(ip) ||
	       (IP_IS_V4(ip) && ip4_addr_isbroadcast(ip_2_ip4(ip), &port_netif));
}

/* The pcb of a handshake that has begun: 0 or -errno. */
static int start(struct tcp_pcb **pcb, const struct endpoint *to)
{
	ip_addr_t ip = ip_of_addr(&to->addr);
	uint16_t port;
	err_t err;

	if (is_no_host(&ip))
		return -EHOSTUNREACH;
	if (!port_make_room() || !(*pcb = tcp_new_ip_type(IP_GET_TYPE(&ip))))
		return -ENOMEM;
	port = port_ephemeral(&ip, to->port);
	if (port == 0) {
		tcp_abort(*pcb);
		return -EADDRNOTAVAIL;
	}
	bucket_load(bucket_of(&ip, to->port, port));
	(*pcb)->local_port = port;
	err = tcp_connect(*pcb, &ip, to->port, on_connected);
	if (err != ERR_OK)
		tcp_abort(*pcb);       /* CLOSED: in no list, nothing is sent */
	bucket_store();
	return err == ERR_OK ? 0 : err == ERR_RTE ? -EHOSTUNREACH : -ENOMEM;
}

int stream_connect(struct stream **stream, const struct endpoint *to,
		   const struct stream_ops *ops, void *conn)
{
	struct tcp_pcb *pcb = NULL;
	struct tcp *s = NULL;
	int err = -ENOMEM;

	counters_add(counters, COUNTS);
	if (stream_clients < port_limits.clients)
		s = stream_make();
	if (s) {
		*s = (struct tcp){
			.ops = ops, .conn = conn, .flags = S_CLIENT | S_OPENED | S_CONNECTING,
		};
		err = start(&pcb, to);
	}
	if (err < 0) {
		counters[err == -EADDRNOTAVAIL ? NO_PORT : NO_ROOM].n += err != -EHOSTUNREACH;
		if (s)
			stream_release(s);
		return err;
	}
	counters[CONNECTS].n++;
	stream_clients++;
	stream_attach(s, pcb);
	*stream = &s->stream;
	return 0;
}

void stream_hand_over(struct stream *stream, const struct stream_ops *ops, void *conn)
{
	struct tcp *s = (struct tcp *)stream;

	s->ops = ops;
	s->conn = conn;
}

/* Nagle's algorithm (RFC 896) holds back what follows a segment that is not full; full ones come
 * by themselves. */
void stream_expect(struct stream *stream)
{
	struct tcp *s = (struct tcp *)stream;
	uint32_t come, full;

	if (!s->pcb)
		return;
	full = s->pcb->mss - (s->pcb->flags & TF_TIMESTAMP ? TIMESTAMP_LEN : 0);
	come = s->pcb->rcv_nxt - s->expected;
	s->expected = s->pcb->rcv_nxt;
	/* A peer may name an MSS of nothing at any time. */
	if ((s->pcb->flags & TF_ACK_DELAY) && (full == 0 || come % full != 0)) {
		tcp_ack_now(s->pcb);
		tcp_output(s->pcb);
	}
}

void stream_shutdown(struct stream *stream)
{
	struct tcp *s = (struct tcp *)stream;

	if (!s->pcb || (s->flags & S_SHUT))
		return;
	s->flags |= S_SHUT;
	bucket_load(bucket_of_pcb(s->pcb));
	tcp_shutdown(s->pcb, 0, 1);
	bucket_store();
	if (s->flags & S_ENDED)
		stream_leave(s);
}
