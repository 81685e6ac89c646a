/* SPDX-License-Identifier: MIT */
/* See fake_http.h. */
#include "tests/unit/fake_http.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "kernel/config.h"
#include "kernel/counter.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "kernel/task.h"
#include "net/http.h"
#include "net/http/impl.h"
#include "net/net.h"
#include "net/tls.h"

#define WAITERS 8
#define STACK (256u << 10)

int64_t fake_unix_ns = 1795383459123456000;
unsigned fake_signals;
size_t fake_heap_limit = 1u << 20;

static ktime now = SECONDS(10);
static const struct stream_ops *ops;
static unsigned stream_total, stream_most;

/* ---- Time, tasks, memory --------------------------------------------------- */

ktime clock_now(void)
{
	return now;
}

ktime clock_after_ms(int64_t ms)
{
	return now + MILLIS(ms);
}

int clock_unix_ns(int64_t *ns)
{
	*ns = fake_unix_ns;
	return fake_unix_ns < 0 ? -11 : 0;
}

double clock_unix(void)
{
	return fake_unix_ns < 0 ? NAN : (double)fake_unix_ns / 1e9;
}

void net_timer_add(ktime (*fn)(ktime now)) {}

void net_timer_due(ktime t)
{
	fake_signals++;
}

uint32_t random_u32(void)
{
	return 0x12345678;
}

struct mem_heap mem_heap(void)
{
	return (struct mem_heap){0, fake_heap_limit};
}

struct mem_stacks mem_stacks(void)
{
	return (struct mem_stacks){.count = WAITERS + 1};        /* the net loop's */
}

static void *taken;

void *mem_take(size_t size)
{
	free(taken);
	return taken = malloc(size);
}

/* Objects are malloc()ed one by one, so that the sanitizer sees each; those still
 * out when a pool is made anew are dropped with it. */
struct object {
	_Alignas(16) struct object *next;
	struct object **link;
};

static struct pool *pools;

static void unlink_object(struct object *o)
{
	*o->link = o->next;
	if (o->next)
		o->next->link = o->link;
	free(o);
}

void pool_init(struct pool *p, const char *name, size_t size, unsigned cap)
{
	struct pool *q = pools;

	while (q && q != p)
		q = q->next;
	if (!q) {
		*p = (struct pool){.next = pools};
		pools = p;
	}
	while (p->free)
		unlink_object(p->free);
	p->name = name;
	p->size = size;
	p->cap = cap;
	p->used = p->refused = 0;
}

void *pool_get(struct pool *p)
{
	if (p->used == p->cap) {
		p->refused++;
		return NULL;
	}
	struct object *o = malloc(sizeof(*o) + p->size);

	o->next = p->free;
	o->link = (struct object **)&p->free;
	if (o->next)
		o->next->link = &o->next;
	p->free = o;
	p->used++;
	return o + 1;
}

void pool_put(struct pool *p, void *object)
{
	assert(p->used > 0);
	p->used--;
	unlink_object((struct object *)object - 1);
}

struct pool *pool_first(void)
{
	return pools;
}

unsigned fake_pool_used(const char *name)
{
	for (struct pool *p = pools; p; p = p->next) {
		if (strcmp(p->name, name) == 0)
			return p->used;
	}
	return 0;
}

/* ---- Streams --------------------------------------------------------------- */

int stream_listen(uint16_t port, const struct stream_ops *given)
{
	ops = given;
	return 0;
}

static size_t fake_peek(struct stream *stream, const uint8_t **data)
{
	struct fake_stream *s = (struct fake_stream *)stream;

	assert(!s->closed);
	if (!s->in)
		return 0;
	*data = s->in->data + s->in->used;
	return s->in->len - s->in->used;
}

static size_t fake_available(struct stream *stream)
{
	struct fake_stream *s = (struct fake_stream *)stream;
	size_t n = 0;

	assert(!s->closed);
	for (struct fake_piece *p = s->in; p; p = p->next)
		n += p->len - p->used;
	return n;
}

static void drop_piece(struct fake_stream *s)
{
	struct fake_piece *p = s->in;

	s->in = p->next;
	free(p->data);
	free(p);
}

static void fake_consume(struct stream *stream, size_t n)
{
	struct fake_stream *s = (struct fake_stream *)stream;

	assert(!s->closed && n <= fake_available(stream));
	while (s->in && n >= s->in->len - s->in->used) {
		n -= s->in->len - s->in->used;
		drop_piece(s);
	}
	if (n)
		s->in->used += n;
}

static bool fake_ended(struct stream *stream)
{
	struct fake_stream *s = (struct fake_stream *)stream;

	assert(!s->closed);
	return s->ended;
}

static size_t fake_write(struct stream *stream, const void *data, size_t len,
			 unsigned flags)
{
	struct fake_stream *s = (struct fake_stream *)stream;
	size_t n = len < s->room ? len : s->room;

	assert(!s->closed && !s->opening);
	s->out = realloc(s->out, s->out_len + n + 1);
	memcpy(s->out + s->out_len, data, n);
	s->out_len += n;
	s->out[s->out_len] = 0;
	s->room -= n;
	s->unacked += n;
	s->short_write = n < len;
	s->writes++;
	s->more += (flags & STREAM_MORE) != 0;
	return n;
}

static size_t fake_left(struct stream *stream)
{
	struct fake_stream *s = (struct fake_stream *)stream;

	return s->room;
}

static size_t fake_unacked(struct stream *stream)
{
	struct fake_stream *s = (struct fake_stream *)stream;

	assert(!s->closed);
	return s->unacked;
}

static void fake_again(struct stream *stream)
{
	struct fake_stream *s = (struct fake_stream *)stream;

	assert(!s->closed);
	s->again = true;
}

static void end(struct fake_stream *s)
{
	assert(!s->closed && !s->opening);
	s->closed = true;
	stream_total--;
}

static void fake_close(struct stream *stream)
{
	struct fake_stream *s = (struct fake_stream *)stream;

	end(s);
}

static void fake_abort(struct stream *stream)
{
	struct fake_stream *s = (struct fake_stream *)stream;

	end(s);
	s->aborted = true;
}

static const struct stream_io fake_io = {
	.peek = fake_peek,
	.available = fake_available,
	.consume = fake_consume,
	.ended = fake_ended,
	.write = fake_write,
	.room = fake_left,
	.unacked = fake_unacked,
	.again = fake_again,
	.close = fake_close,
	.abort = fake_abort,
};

void tls_start(const struct stream_ops *given) {}

uint16_t https_port(void)
{
	return 8443;
}

unsigned stream_count(void)
{
	return stream_total;
}

unsigned stream_max(void)
{
	return stream_most;
}

/* ---- Handlers that wait ------------------------------------------------------ */

/* ready() of a handler that waits never returns: its frames are left behind by
 * siglongjmp, as the loop leaves them on the old task's stack. */
static struct waiter {
	ucontext_t context;
	void (*fn)(void *);
	void *arg;
	char *stack;
	bool done, cancelled;
} *running, *idle, *waiting[WAITERS];
static unsigned waiting_count;
static ucontext_t loop;
static jmp_buf handed_over;
static bool in_loop = true;

static void enter(void)
{
	running->fn(running->arg);
	running->done = true;
	swapcontext(&running->context, &loop);
}

/* One is kept for the next call. */
static void leave(struct waiter *w)
{
	if (idle) {
		free(idle->stack);
		free(idle);
	}
	idle = w;
}

void net_call(void (*fn)(void *), void *arg)
{
	struct waiter *w = idle ? idle : calloc(1, sizeof(*w));

	idle = NULL;
	*w = (struct waiter){.fn = fn, .arg = arg, .stack = w->stack ? w->stack : malloc(STACK)};
	getcontext(&w->context);
	w->context.uc_stack.ss_sp = w->stack;
	w->context.uc_stack.ss_size = STACK;
	w->context.uc_link = NULL;
	makecontext(&w->context, enter, 0);
	running = w;
	swapcontext(&loop, &w->context);
	if (w->done) {
		leave(w);
		return;
	}
	assert(waiting_count < WAITERS);
	waiting[waiting_count++] = w;
	longjmp(handed_over, 1);
}

void fake_wait(void)
{
	struct waiter *w = running;

	swapcontext(&w->context, &loop);
}

void fake_resume(void)
{
	struct waiter *w = waiting[0];

	assert(waiting_count > 0);
	memmove(waiting, waiting + 1, --waiting_count * sizeof(*waiting));
	running = w;
	in_loop = false;
	swapcontext(&loop, &w->context);
	in_loop = true;
	if (w->done)
		leave(w);
	else
		waiting[waiting_count++] = w;
}

bool fake_waiting(void)
{
	return waiting_count > 0;
}

/* Waits until it is resumed: the deadline has passed then, unless something was signalled. */
int event_wait(struct event *e, ktime deadline)
{
	struct waiter *w = running;

	if (!w->cancelled && !e->signalled)
		fake_wait();
	if (w->cancelled)
		return -ECANCELED;
	if (!e->signalled || now > deadline)
		return -ETIMEDOUT;
	e->signalled = false;
	return 0;
}

void event_signal(struct event *e)
{
	e->signalled = true;
}

struct task *task_self(void)
{
	return (struct task *)running;
}

void task_cancel(struct task *t)
{
	((struct waiter *)t)->cancelled = true;
}

bool net_in_loop(void)
{
	return in_loop;
}

void net_kick(void) {}

/* ---- The test's side --------------------------------------------------------- */

void fake_start(const char *words, unsigned max_streams)
{
	static bool declared;

	if (!declared)
		http_declare();
	declared = true;
	config_apply(
		"http.head_timeout=30 http.body_timeout=60 http.idle_timeout=60 "
		"http.write_timeout=60 "
		"http.max_head=8192 http.max_headers=64 http.max_uri=2048 http.max_body=65536 "
		"http.max_connections=0 http.max_per_address=0",
		"test");
	config_apply(words, "test");
	router_clear();
	stream_total = 0;
	stream_most = max_streams;
	fake_unix_ns = 1795383459123456000;
	now += SECONDS(1000);
	for (unsigned i = 0; i < COUNT_MAX; i++)
		http_counters[i].n = 0;
	http_init();
	http_start();
}

struct fake_stream *fake_open(uint32_t ip4)
{
	struct fake_stream *s = calloc(1, sizeof(*s));

	s->stream = (struct stream){.io = &fake_io, .peer = {addr_ip4(ip4), 1234}};
	s->room = 1u << 20;
	s->out = calloc(1, 1);
	if (stream_total >= stream_most) {
		if (!ops->evict()) {
			fake_free(s);
			return NULL;
		}
	}
	stream_total++;
	s->opening = true;
	s->conn = ops->opened(&s->stream);
	s->opening = false;
	if (!s->conn) {
		stream_total--;
		fake_free(s);
		return NULL;
	}
	if (s->again)
		fake_ready(s);
	return s;
}

void fake_ready(struct fake_stream *s)
{
	s->again = false;
	if (!s->closed && setjmp(handed_over) == 0)
		ops->ready(s->conn);
}

void fake_queue(struct fake_stream *s, const void *data, size_t len)
{
	struct fake_piece *p = malloc(sizeof(*p)), **end = &s->in;

	*p = (struct fake_piece){.data = malloc(len), .len = len};
	memcpy(p->data, data, len);
	while (*end)
		end = &(*end)->next;
	*end = p;
}

void fake_input(struct fake_stream *s, const void *data, size_t len)
{
	if (s->closed || len == 0)
		return;
	fake_queue(s, data, len);
	fake_ready(s);
}

void fake_end(struct fake_stream *s)
{
	s->ended = true;
	fake_ready(s);
}

void fake_reset(struct fake_stream *s)
{
	if (s->closed)
		return;
	end(s);
	ops->gone(s->conn, -104);
}

void fake_room(struct fake_stream *s, size_t more)
{
	s->room += more;
	s->unacked = 0;
	if (s->short_write && more)
		fake_ready(s);
}

void fake_free(struct fake_stream *s)
{
	if (!s)
		return;
	if (s->conn)
		fake_reset(s);
	while (s->in)
		drop_piece(s);
	free(s->out);
	free(s);
}

void fake_pass(ktime ns)
{
	now += ns;
	if (fake_unix_ns >= 0)
		fake_unix_ns += ns;
	while (conn_expire(now) == now)
		;
}
