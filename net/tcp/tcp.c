/* SPDX-License-Identifier: MIT */
/* Streams (net/stream.h) over lwIP's raw TCP API, RFC 9293.
 *
 * lwIP's callbacks only put the stream on a queue; the protocol is called from
 * there, outside lwIP, so it may write, close and abort whatever it likes. What
 * ready() writes is sent when it returns, in as few segments as possible.
 *
 * When every slot is taken, spare ones let a newcomer finish its handshake; the
 * protocol is asked to give up a connection of its own for it, and only if it
 * has none the newcomer is reset.
 *
 * Outside: one task at a time runs any of this; calls that change lwIP's lists
 * load the pcb's bucket (net/port/port.h). */
#include "net/tcp/impl.h"

#include <errno.h>

#include <lwip/priv/tcp_priv.h>

#include "kernel/budget.h"
#include "kernel/mem.h"
#include "net/net.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define SPARE BUDGET_STREAMS_SPARE
#define LISTENERS BUDGET_LISTENERS
#define PIECES_MAX 4u                  /* beyond these, small input is put together */
#define STARVED_MS 10                  /* until a write is tried again that found no memory */

static struct listener {
	const struct stream_ops *ops;
	uint16_t port;
} listeners[LISTENERS];
static unsigned listener_count;
static bool draining;

static struct pool pool;
static unsigned open_count;            /* accepted and not closed by the protocol */
unsigned stream_clients;               /* the same of those that we opened */

static struct tcp *ready, **ready_end = &ready;
static unsigned ready_count;
static struct tcp *starved;
static ktime starved_due = FOREVER;
static struct tcp *current;         /* whose ready() is running */

void streams_init(void)
{
	linger_init();
	pool_init(&pool, "net_stream", sizeof(struct tcp),
		  port_limits.streams + port_limits.clients + SPARE + linger_max());
}

unsigned stream_count(void)
{
	return open_count;
}

unsigned stream_max(void)
{
	return port_limits.streams;
}

/* ---- The queue -------------------------------------------------------------- */

void stream_enqueue(struct tcp *s)
{
	if (s->flags & S_QUEUED)
		return;
	s->flags |= S_QUEUED;
	s->next_ready = NULL;
	*ready_end = s;
	ready_end = &s->next_ready;
	ready_count++;
}

static struct tcp *dequeue(void)
{
	struct tcp *s = ready;

	ready = s->next_ready;
	if (!ready)
		ready_end = &ready;
	ready_count--;
	s->flags &= (uint16_t)~S_QUEUED;
	return s;
}

/* Has ready() called again a little later, when there may be memory. */
void stream_starve(struct tcp *s)
{
	if (s->flags & S_QUEUED)
		return;
	s->flags |= S_QUEUED;
	s->next_ready = starved;
	starved = s;
	if (starved_due == FOREVER)
		starved_due = clock_after_ms(STARVED_MS);
	port_due_at(starved_due);
}

void tcp_stream_again(struct stream *s)
{
	stream_enqueue((struct tcp *)s);
	net_kick();
}

/* ---- Ends ------------------------------------------------------------------- */

void stream_drop_input(struct tcp *s)
{
	if (s->in)
		pbuf_free(s->in);
	s->in = s->in_last = NULL;
	s->credit += s->in_bytes;
	s->in_bytes = 0;
	s->in_pieces = s->in_skip = 0;
}

/* lwIP will not call us for this pcb again. */
void stream_detach(struct tcp *s)
{
	tcp_arg(s->pcb, NULL);
	tcp_recv(s->pcb, NULL);
	tcp_sent(s->pcb, NULL);
	tcp_err(s->pcb, NULL);
	s->pcb = NULL;
}

/* The stream is no more; its memory goes back once no queue holds it. */
void stream_release(struct tcp *s)
{
	stream_drop_input(s);
	if (s->flags & S_QUEUED)
		s->flags |= S_DEAD;
	else
		pool_put(&pool, s);
}

/* The protocol has let go of it. */
void stream_closed(struct tcp *s)
{
	if (s->flags & S_CLIENT)
		stream_clients--;
	else
		open_count--;
	if (current == s)
		current = NULL;
}

static void abort_stream(struct tcp *s)
{
	struct tcp_pcb *pcb = s->pcb;

	stream_closed(s);
	if (pcb) {
		stream_detach(s);
		bucket_load(bucket_of_pcb(pcb));
		tcp_abort(pcb);
		bucket_store();
	}
	stream_release(s);
}

void tcp_stream_abort(struct stream *s)
{
	abort_stream((struct tcp *)s);
}

/* ---- Called by lwIP --------------------------------------------------------- */

static void on_err(void *arg, err_t err)
{
	struct tcp *s = arg;

	s->pcb = NULL;
	if (s->flags & S_LINGERS) {
		linger_done(s);
		return;
	}
	s->why = err == ERR_ABRT ? -ETIMEDOUT :
		 s->flags & S_CONNECTING ? -ECONNREFUSED : -ECONNRESET;
	COUNT(N_RESET);
	stream_enqueue(s);
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
	struct tcp *s = arg;

	if (s->flags & S_LINGERS) {
		if (linger_input(s, p))
			return ERR_OK;
		tcp_abort(pcb);
		return ERR_ABRT;
	}
	if (!p) {
		s->flags |= S_ENDED;
		if (s->flags & S_SHUT)
			stream_leave(s);
		stream_enqueue(s);
		return ERR_OK;
	}
	s->in_bytes += p->tot_len;
	if (s->in_pieces >= PIECES_MAX)
		p = port_pack(s->in_last, p);
	if (p != s->in_last) {
		if (s->in)
			s->in_last->next = p;
		else
			s->in = p;
		for (s->in_pieces++; p->next; p = p->next)
			s->in_pieces++;
		s->in_last = p;
	}
	stream_pass_over(s, 0);         /* passes over pieces that hold nothing */
	stream_enqueue(s);
	return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t len)
{
	tcp_sent(pcb, NULL);
	stream_enqueue(arg);
	return ERR_OK;
}

void stream_want_room(struct tcp *s)
{
	tcp_sent(s->pcb, on_sent);
}

struct tcp *stream_make(void)
{
	struct tcp *s = pool_get(&pool);

	return s || !linger_cut_oldest() ? s : pool_get(&pool);
}

void stream_attach(struct tcp *s, struct tcp_pcb *pcb)
{
	s->pcb = pcb;
	s->stream.io = &tcp_io;
	s->stream.peer = (struct endpoint){ addr_of_ip(&pcb->remote_ip), pcb->remote_port };
	s->stream.local = (struct endpoint){ addr_of_ip(&pcb->local_ip), pcb->local_port };
	tcp_nagle_disable(pcb);        /* ready() decides what belongs together */
	ip_set_option(pcb, SOF_KEEPALIVE);
	tcp_arg(pcb, s);
	tcp_recv(pcb, on_recv);
	tcp_err(pcb, on_err);
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
	const struct listener *l = arg;
	struct tcp *s = NULL;

	if (!pcb)
		return ERR_OK;
	pcb_set_age(pcb, AGE_NONE);
	if (!draining && open_count < port_limits.streams + SPARE)
		s = stream_make();
	if (!s) {
		COUNT(N_REFUSED);
		return ERR_MEM;
	}
	*s = (struct tcp){ .ops = l->ops };
	open_count++;
	stream_attach(s, pcb);
	stream_enqueue(s);
	return ERR_OK;
}

/* ---- Called by the loop ----------------------------------------------------- */

static void output(struct tcp *s)
{
	if (s->pcb && s->pcb->unsent && tcp_output(s->pcb) != ERR_OK)
		stream_starve(s);
}

void stream_output(struct tcp *s)
{
	if (s != current)
		output(s);
}

/* A handshake is complete: room is made if there is none, then the protocol
 * takes it. */
static bool open_stream(struct tcp *s)
{
	if (open_count > port_limits.streams) {
		if (!s->ops->evict()) {
			COUNT(N_REFUSED);
			abort_stream(s);
			return false;
		}
		COUNT(N_EVICTED);
	}
	s->flags |= S_OPENED;
	s->conn = s->ops->opened(&s->stream);
	if (s->conn) {
		COUNT(N_OPENED);
		return true;
	}
	COUNT(N_REFUSED);
	abort_stream(s);
	return false;
}

static void gone(struct tcp *s)
{
	const struct stream_ops *ops = s->ops;
	void *conn = s->flags & S_OPENED ? s->conn : NULL;
	int why = s->why;

	stream_closed(s);
	stream_release(s);
	if (conn)
		ops->gone(conn, why);
}

void streams_handover(void)
{
	if (current)
		output(current);
	current = NULL;
}

static void serve(struct tcp *s)
{
	if (s->flags & S_DEAD) {
		s->flags = 0;
		stream_release(s);
	} else if (s->flags & S_LINGERS) {
		return;
	} else if (s->why) {
		gone(s);
	} else {
		bool fresh = !(s->flags & S_OPENED);

		current = s;
		if (fresh && !open_stream(s))
			return;
		if (!fresh || s->in || (s->flags & S_ENDED))
			s->ops->ready(s->conn);
		streams_handover();
	}
}

static __attribute__((noinline)) void serve_queue(void)
{
	for (unsigned n = ready_count; n > 0; n--)
		serve(dequeue());
}

bool streams_run(void)
{
	if (ready)
		serve_queue();
	return ready != NULL;
}

ktime streams_timers(ktime now)
{
	if (now >= starved_due) {
		struct tcp *s = starved;

		starved = NULL;
		starved_due = FOREVER;
		while (s) {
			struct tcp *next = s->next_ready;

			s->flags &= (uint16_t)~S_QUEUED;
			stream_enqueue(s);
			s = next;
		}
	}
	return MIN(starved_due, linger_timers(now));
}

void streams_drop_address(const struct addr *a)
{
	ip_addr_t ip = ip_of_addr(a);

	for (unsigned b = 0; b < bucket_count(); b++) {
		bucket_load(b);
		for (struct tcp_pcb *pcb = tcp_active_pcbs, *next; pcb; pcb = next) {
			next = pcb->next;
			if (ip_addr_eq(&pcb->local_ip, &ip))
				tcp_abort(pcb);
		}
		bucket_store();
	}
}

bool streams_drain(void)
{
	draining = true;
	port_stop_listening();
	return open_count > 0 || linger_undelivered();
}

/* ---- Called by the protocol ------------------------------------------------- */

int stream_listen(uint16_t port, const struct stream_ops *ops)
{
	struct listener *l = &listeners[listener_count];
	struct tcp_pcb *pcb, *listening;

	if (listener_count == LISTENERS || !port_make_room())
		return -ENOMEM;
	pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
	if (!pcb)
		return -ENOMEM;
	if (tcp_bind(pcb, IP_ANY_TYPE, port) != ERR_OK) {
		tcp_close(pcb);
		return -EADDRINUSE;
	}
	listening = tcp_listen(pcb);
	if (!listening) {
		tcp_close(pcb);
		return -ENOMEM;
	}
	*l = (struct listener){ ops, port };
	listener_count++;
	tcp_arg(listening, l);
	tcp_accept(listening, on_accept);
	return 0;
}
