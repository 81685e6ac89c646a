/* SPDX-License-Identifier: MIT */
/* See fake_net.h. The scheduler is a longjmp: the loop's event_wait() leaves it. */
#include "tests/unit/fake_net.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/counter.h"
#include "kernel/random.h"
#include "kernel/task.h"
#include "net/net.h"

ktime fake_now = SECONDS(1);
bool fake_tx_full, fake_no_stack;

static size_t total;
static jmp_buf idle;
static ktime wake_at;
static struct counter *tables[8];
static unsigned table_len[8], table_count;
static int (*before_wait)(void);
static struct task *self = (struct task *)1;
static bool looping;                   /* inside fake_run() */
void (*fake_while_waiting)(void);

/* ---- Kernel ----------------------------------------------------------------- */

ktime clock_now(void)
{
	return fake_now;
}

ktime clock_after_ms(int64_t ms)
{
	return fake_now + MILLIS(ms);
}

void random_event(ktime now)
{
}

void random_stir(const void *data, size_t len)
{
}

void clock_teach(ktime at, int64_t unix_ns, int32_t ppb)
{
}

int64_t clock_aim_ns(ktime at)
{
	return at;
}

void clock_look(void)
{
}

void clock_expire(void)
{
}

void clock_on_pause(void (*fn)(void))
{
}

struct clock_status clock_status(void)
{
	return (struct clock_status){ .source = CLOCK_NONE };
}

size_t mem_total(void)
{
	return total;
}

void *mem_take(size_t size)
{
	static char *at, *end;

	size = ALIGN_UP(size, (size_t)16);
	if (!at || (size_t)(end - at) < size) {
		at = aligned_alloc(64, 64u << 20);
		end = at + (64u << 20);
		memset(at, 0xa5, 64u << 20);
	}
	at += size;
	return at - size;
}

void counters_add(struct counter *table, unsigned n)
{
	for (unsigned i = 0; i < table_count; i++)
		if (tables[i] == table)
			return;
	tables[table_count] = table;
	table_len[table_count++] = n;
}

uint64_t fake_counter(const char *name)
{
	for (unsigned i = 0; i < table_count; i++)
		for (unsigned k = 0; k < table_len[i]; k++)
			if (strcmp(tables[i][k].name, name) == 0)
				return tables[i][k].n;
	fail_msg("no counter %s", name);
	return 0;
}

unsigned fake_pool_used(const char *name)
{
	for (struct pool *p = pool_first(); p; p = p->next)
		if (strcmp(p->name, name) == 0)
			return p->used;
	fail_msg("no pool %s", name);
	return 0;
}

uint32_t random_u32(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

void random_bytes(void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len-- > 0)
		*p++ = (uint8_t)random_u32();
}

uint64_t random_hash(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = 14695981039346656037u;

	while (len-- > 0)
		h = (h ^ *p++) * 1099511628211u;
	return h;
}

struct task *task_self(void)
{
	return self;
}

void task_state(const char *state) {}
void task_poll_event(struct event *e) {}

bool task_others_ready(void)
{
	return false;
}

void task_yield(void) {}

int task_spawn(const char *name, void (*fn)(void *), void *arg)
{
	return fake_no_stack ? -ENOMEM : 0;
}

void task_before_wait(int (*fn)(void))
{
	before_wait = fn;
}

ktime task_limit(ktime limit)
{
	return FOREVER;
}

ktime task_deadline(ktime deadline)
{
	return deadline;
}

bool task_uncancel(void)
{
	return false;
}

void task_exit(void)
{
	longjmp(idle, 1);
}

void event_signal(struct event *e)
{
	e->signalled = true;
}

int event_wait(struct event *e, ktime deadline)
{
	while (!looping && !e->signalled && fake_now < deadline) {
		if (fake_while_waiting)
			fake_while_waiting();
		fake_advance(MIN(MILLIS(10), deadline - fake_now));
	}
	if (e->signalled) {
		e->signalled = false;
		return 0;
	}
	if (!looping)
		return -ETIMEDOUT;
	wake_at = deadline;
	longjmp(idle, 1);
}

/* A handler waits: the loop goes on as another task meanwhile. */
int task_sleep(ktime deadline)
{
	struct task *was = self;
	jmp_buf outer;

	if (before_wait) {
		int (*fn)(void) = before_wait;
		int err;

		before_wait = NULL;
		err = fn();
		if (err < 0)
			return err;
	}
	memcpy(outer, idle, sizeof(outer));
	self = (struct task *)((uintptr_t)self + 1);
	fake_advance(deadline - fake_now);
	self = was;
	memcpy(idle, outer, sizeof(outer));
	return 0;
}

void fake_run(void)
{
	bool was = looping;

	looping = true;
	if (setjmp(idle) == 0)
		net_run(NULL);
	looping = was;
}

void fake_advance(ktime ns)
{
	ktime end = fake_now + ns;

	fake_run();
	while (wake_at <= end) {
		fake_now = MAX(fake_now + 1, wake_at);
		fake_run();
	}
	fake_now = end;
	fake_run();
}

/* ---- Card ------------------------------------------------------------------- */

static const uint8_t our_mac[6] = { 2, 0, 0, 0, 0, 2 };
static struct frame frames[RX_BUFFERS];
static bool lent[RX_BUFFERS], filled[RX_BUFFERS];
static unsigned order[RX_BUFFERS], order_len;
static struct sent *sent, **sent_end = &sent, *next_sent;
static bool has_offload;

static int card_open(struct netdev *nd, const struct device *dev)
{
	memcpy(nd->mac, our_mac, 6);
	nd->mtu = 1500;
	nd->rx_count = RX_BUFFERS;
	nd->tx_csum = nd->rx_csum = has_offload;
	for (unsigned i = 0; i < RX_BUFFERS; i++)
		frames[i] = (struct frame){ malloc(NETDEV_FRAME_MAX), 0, (uint16_t)i, false };
	return 0;
}

static struct frame *card_recv(struct netdev *nd)
{
	unsigned i = order[0];

	if (order_len == 0)
		return NULL;
	memmove(order, order + 1, --order_len * sizeof(order[0]));
	filled[i] = false;
	lent[i] = true;
	return &frames[i];
}

static void card_release(struct netdev *nd, struct frame *f)
{
	assert_true(lent[f->index]);
	lent[f->index] = false;
	memset(f->data, 0xee, NETDEV_FRAME_MAX);
}

static uint8_t *card_tx_get(struct netdev *nd)
{
	if (fake_tx_full)
		return NULL;
	if (!next_sent)
		next_sent = calloc(1, sizeof(*next_sent));
	return next_sent->data;
}

static uint32_t sum16(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++)
		sum += i % 2 ? p[i] : p[i] * 256u;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void card_tx_put(struct netdev *nd, size_t len, struct tx_csum csum)
{
	uint8_t *d = next_sent->data;

	assert_true(len <= NETDEV_FRAME_MAX);
	if (csum.start) {
		uint32_t sum = 0xffff ^ sum16(d + csum.start, len - csum.start);

		assert_true(has_offload);
		d[csum.start + csum.offset] = (uint8_t)(sum >> 8);
		d[csum.start + csum.offset + 1] = (uint8_t)sum;
	}
	next_sent->len = len;
	*sent_end = next_sent;
	sent_end = &next_sent->next;
	next_sent = NULL;
}

static void card_flush(struct netdev *nd) {}

static bool card_arm(struct netdev *nd)
{
	return order_len > 0;
}

static bool card_link(struct netdev *nd)
{
	return true;
}

static const struct netdev_ops card = {
	.name = "fake", .kind = DEV_HOST_TAP, .open = card_open, .recv = card_recv,
	.release = card_release, .tx_get = card_tx_get, .tx_put = card_tx_put,
	.flush = card_flush, .arm = card_arm, .link = card_link,
};
const struct netdev_ops *const board_netdevs[] = { &card, NULL };

unsigned fake_lent(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < RX_BUFFERS; i++)
		n += lent[i];
	return n;
}

bool fake_frame(const uint8_t *frame, size_t len, bool csum_ok)
{
	for (unsigned i = 0; i < RX_BUFFERS; i++) {
		if (lent[i] || filled[i])
			continue;
		memcpy(frames[i].data, frame, len);
		frames[i].len = (uint16_t)len;
		frames[i].csum_ok = csum_ok;
		filled[i] = true;
		order[order_len++] = i;
		return true;
	}
	return false;
}

struct sent *fake_sent(void)
{
	struct sent *s = sent;

	if (!s)
		return NULL;
	sent = s->next;
	if (!sent)
		sent_end = &sent;
	return s;
}

void fake_forget_sent(void)
{
	struct sent *s;

	while ((s = fake_sent()))
		free(s);
}

void fake_arp(void)
{
	static const uint8_t hello[42] = {
		2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1,
		2, 0, 0, 0, 0, 1, 10, 9, 0, 1, 0, 0, 0, 0, 0, 0, 10, 9, 0, 2,
	};

	fake_frame(hello, sizeof(hello), false);
}

void fake_net_start(size_t ram, const char *words, bool offload)
{
	total = ram;
	has_offload = offload;
	machine.dev[0].kind = DEV_HOST_TAP;
	machine.dev_count = 1;
	net_declare();
	config_apply("ip6=off", "test");       /* unless the words say otherwise */
	assert_int_equal(config_apply(words, "test"), 0);
	assert_int_equal(net_init(), 0);
	fake_run();
	fake_arp();
	fake_run();
	fake_forget_sent();
}
