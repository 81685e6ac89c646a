/* SPDX-License-Identifier: MIT */
/* TCP's connections in a hash table of lists, without a change to lwIP: its
 * two list heads, tcp_active_pcbs and tcp_tw_pcbs, are ordinary variables, and
 * are exchanged for those of one bucket before lwIP looks at them. So the cost
 * of a packet does not grow with the number of connections.
 *
 * Beside each pcb lies a link of ours, which keeps the ones that can be given
 * up in the order in which they came to be so.
 *
 * Outside: every call that finds, adds or removes a pcb loads its bucket first
 * (port.h); none is loaded in between, so that a call that forgot finds empty
 * lists. lwIP's own choice of a port would look at one bucket only: ports.c
 * makes it. */
#include "kernel/mem.h"
#include "kernel/random.h"

#include <lwip/opt.h>

#include <lwip/priv/tcp_priv.h>

#include "net/port/buckets.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define NONE UINT32_MAX

struct link {
	struct link *prev, *next;
};

struct slot {
	struct tcp_pcb pcb;        /* first: lwIP knows only this */
	struct link link;
	enum pcb_age age;
};

struct bucket *buckets;
uint64_t *buckets_hot, *buckets_used;
static unsigned count, shift, loaded = NONE;
static uint64_t key_add, key_mul, key_ip6[3];

static struct link ages[AGES];
static unsigned age_count[AGES];

void buckets_init(void)
{
	size_t words;

	for (unsigned i = 0; i < AGES; i++)
		ages[i].prev = ages[i].next = &ages[i];
	count = BUDGET_BUCKETS;
	while (count < port_limits.pcbs / 4)
		count *= 2;
	shift = (unsigned)__builtin_clz(count) + 33;
	words = (count + 63) / 64;
	buckets = mem_take(count * sizeof(*buckets));
	buckets_hot = mem_take(words * sizeof(*buckets_hot));
	buckets_used = mem_take(words * sizeof(*buckets_used));
	if (!buckets || !buckets_hot || !buckets_used)
		panic("net: no memory for %u buckets", count);
	for (unsigned i = 0; i < count; i++)
		buckets[i] = (struct bucket){ NULL, NULL };
	for (size_t i = 0; i < words; i++)
		buckets_hot[i] = buckets_used[i] = 0;

	/* Secret, or a peer could choose ports that all share a bucket. */
	random_bytes(&key_add, sizeof(key_add));
	random_bytes(&key_mul, sizeof(key_mul));
	random_bytes(key_ip6, sizeof(key_ip6));
	key_mul |= 1;
}

unsigned bucket_count(void)
{
	return count;
}

unsigned bucket_of(const ip_addr_t *remote, uint16_t remote_port, uint16_t local_port)
{
	uint64_t tuple = (uint64_t)ip_mix(remote, key_ip6) << 32 | (uint32_t)remote_port << 16 |
			 local_port;
	uint64_t h = (tuple ^ key_add) * key_mul;

	h ^= h >> 32;
	return (unsigned)(h * key_mul >> shift);
}

unsigned bucket_of_pcb(const struct tcp_pcb *pcb)
{
	return bucket_of(&pcb->remote_ip, pcb->remote_port, pcb->local_port);
}

void bucket_load(unsigned b)
{
	ASSERT(loaded == NONE && b < count);
	loaded = b;
	tcp_active_pcbs = buckets[b].active;
	tcp_tw_pcbs = buckets[b].time_wait;
}

static bool wants_fast(const struct tcp_pcb *pcb)
{
	for (; pcb; pcb = pcb->next)
		if ((pcb->flags & (TF_ACK_DELAY | TF_CLOSEPEND)) || pcb->refused_data)
			return true;
	return false;
}

static void mark(uint64_t *bits, bool on)
{
	uint64_t bit = 1ull << loaded % 64;

	bits[loaded / 64] = on ? bits[loaded / 64] | bit : bits[loaded / 64] & ~bit;
}

void bucket_store(void)
{
	ASSERT(loaded != NONE);
	buckets[loaded].active = tcp_active_pcbs;
	buckets[loaded].time_wait = tcp_tw_pcbs;
	mark(buckets_used, tcp_active_pcbs || tcp_tw_pcbs);
	mark(buckets_hot, wants_fast(tcp_active_pcbs));
	tcp_active_pcbs = NULL;
	tcp_tw_pcbs = NULL;
	loaded = NONE;
}

struct tcp_pcb *bucket_active(unsigned b)
{
	ASSERT(loaded == NONE);
	return buckets[b].active;
}

struct tcp_pcb *bucket_time_wait(unsigned b)
{
	ASSERT(loaded == NONE);
	return buckets[b].time_wait;
}

/* ---- Ages ------------------------------------------------------------------- */

static struct slot *slot_of(const struct tcp_pcb *pcb)
{
	return container_of(pcb, struct slot, pcb);
}

unsigned pcb_size(void)
{
	return sizeof(struct slot);
}

static void unlink_age(struct slot *s)
{
	if (s->age == AGE_NONE)
		return;
	s->link.prev->next = s->link.next;
	s->link.next->prev = s->link.prev;
	age_count[s->age]--;
	s->age = AGE_NONE;
	net_counters[N_TIME_WAIT_NOW].n = age_count[AGE_TIME_WAIT];
}

void pcb_set_age(struct tcp_pcb *pcb, enum pcb_age age)
{
	struct slot *s = slot_of(pcb);
	struct link *list = &ages[age];

	unlink_age(s);
	if (age == AGE_NONE)
		return;
	s->age = age;
	age_count[age]++;
	s->link.prev = list->prev;
	s->link.next = list;
	list->prev->next = &s->link;
	list->prev = &s->link;
	net_counters[N_TIME_WAIT_NOW].n = age_count[AGE_TIME_WAIT];
}

enum pcb_age pcb_age(const struct tcp_pcb *pcb)
{
	return slot_of(pcb)->age;
}

struct tcp_pcb *pcb_oldest(enum pcb_age age)
{
	struct link *l = ages[age].next;

	return l == &ages[age] ? NULL : &container_of(l, struct slot, link)->pcb;
}

unsigned pcb_count(enum pcb_age age)
{
	return age_count[age];
}

void pcb_made(struct tcp_pcb *pcb)
{
	slot_of(pcb)->age = AGE_NONE;
	port_due_at(0);                /* TCP's timers may have been off */
}

void pcb_freed(struct tcp_pcb *pcb)
{
	unlink_age(slot_of(pcb));
}

void pcb_drop(struct tcp_pcb *pcb)
{
	unsigned before = loaded;

	if (before != NONE)
		bucket_store();
	bucket_load(bucket_of_pcb(pcb));
	tcp_abandon(pcb, 0);
	bucket_store();
	if (before != NONE)
		bucket_load(before);
}
