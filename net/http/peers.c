/* SPDX-License-Identifier: MIT */
/* How many connections each address (of IPv6: each /64) has: a hash table with linear probing, made
 * only when http.max_per_address is set. Entries are moved up when one leaves
 * (Knuth, TAOCP 3, §6.4 R), so there are no tombstones and nothing grows. */
#include <string.h>

#include "kernel/random.h"
#include "net/http/impl.h"

struct peer {
	addr_net network;
	uint32_t count;                /* 0: free */
};

static struct peer *peers;
static uint32_t mask;
static uint64_t seed;

void peers_init(unsigned connections)
{
	uint32_t slots = 16;

	peers = NULL;
	if (http_settings.max_per_address == 0)
		return;
	while (slots < 2 * connections)
		slots *= 2;
	peers = mem_take(slots * sizeof(*peers));
	if (peers)
		memset(peers, 0, slots * sizeof(*peers));
	else
		log_error("http.max_per_address: no memory for %u addresses, there is no limit",
			  (unsigned)slots / 2);
	mask = slots - 1;
	seed = (uint64_t)random_u32() << 32 | random_u32();
}

static uint32_t home(addr_net network)
{
	uint64_t h = (network ^ seed) * 0x9e3779b97f4a7c15u;

	return (uint32_t)((h ^ h >> 32) * 0x9e3779b97f4a7c15u >> 32) & mask;
}

/* The address's entry, or the free one where it belongs. */
static uint32_t find(addr_net network)
{
	uint32_t i = home(network);

	while (peers[i].count && peers[i].network != network)
		i = (i + 1) & mask;
	return i;
}

unsigned peers_add(addr_net network)
{
	if (!peers)
		return 0;
	struct peer *p = &peers[find(network)];

	p->network = network;
	return ++p->count;
}

void peers_drop(addr_net network)
{
	if (!peers)
		return;
	uint32_t hole = find(network);

	ASSERT(peers[hole].count > 0);
	if (--peers[hole].count)
		return;
	for (uint32_t i = (hole + 1) & mask; peers[i].count; i = (i + 1) & mask) {
		uint32_t distance = (i - home(peers[i].network)) & mask;

		if (distance < ((i - hole) & mask))
			continue;
		peers[hole] = peers[i];
		peers[i].count = 0;
		hole = i;
	}
}
