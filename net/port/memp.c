/* SPDX-License-Identifier: MIT */
/* lwIP's memory (lwip/memp.h, MEM_CUSTOM_ALLOCATOR) over kernel/mem.h's pools,
 * sized once at boot as kernel/budget.h says. An empty pool is a NULL that lwIP
 * handles: the packet or the connection is dropped and the pool counts it.
 *
 * Where that follows from the machine's memory, a third of it is meant for
 * connections at about 900 bytes each (pcb, stream, the protocol's state); the
 * rest of the pools' part carries buffers. Caps may add up to more than there
 * is: pools carve what they need. */
#include "kernel/budget.h"
#include "kernel/mem.h"

#include <string.h>

#include <lwip/opt.h>

#include <lwip/etharp.h>
#include <lwip/ip4_frag.h>
#include <lwip/ip6_frag.h>
#include <lwip/mld6.h>
#include <lwip/priv/nd6_priv.h>
#include <lwip/memp.h>
#include <lwip/pbuf.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>

#include "net/port/port.h"

struct port_limits port_limits;

static struct pool pools[MEMP_MAX];

static const struct {
	const char *name;
	size_t size;
	unsigned cap;                  /* lwipopts.h's, where cap_of() says nothing else */
} kinds[MEMP_MAX] = {
#define LWIP_MEMPOOL(kind, num, bytes, desc) [MEMP_##kind] = { "net_" #kind, (bytes), (num) },
#include <lwip/priv/memp_std.h>
};

/* Blocks for pbuf_alloc(PBUF_RAM): an ACK, a small answer, ..., a full segment
 * with its headers. Each block begins with the number of its class. */
#define BLOCK_SIZE(size, cap) (size),
#define BLOCK_NAME(size, cap) "net_mem_" #size,
#define BLOCK_CAP(size, cap) (cap),
static const uint16_t class_size[] = { BUDGET_BLOCKS(BLOCK_SIZE, 0) };
static const char *const class_name[] = { BUDGET_BLOCKS(BLOCK_NAME, 0) };
enum { CLASSES = ARRAY_LEN(class_size), BLOCK_HEADER = MEM_ALIGNMENT };
static struct pool classes[CLASSES];
#define FAR 32u

void port_size(void)
{
	unsigned n = (unsigned)BUDGET_CONNECTIONS(mem_total());

	port_limits.streams = n;
	port_limits.half_open = BUDGET_HALF_OPEN(n);
	port_limits.clients = BUDGET_CLIENTS(n);
	port_limits.pcbs = BUDGET_PCBS(n, port_limits.half_open) + port_limits.clients;
	port_limits.rx_small = BUDGET_RX_SMALL(n);
	port_limits.rx_big = BUDGET_RX_BIG(n);
}

static unsigned cap_of(memp_t kind)
{
	switch (kind) {
	case MEMP_UDP_PCB:
		return 3 + BUDGET_IPV6 + BUDGET_DNS_NAMES + BUDGET_NTP_SERVERS;
	case MEMP_TCP_PCB:
		return port_limits.pcbs;
	case MEMP_TCP_PCB_LISTEN:
		return BUDGET_LISTENERS;
	case MEMP_TCP_SEG:
		return BUDGET_SEGMENTS(port_limits.streams);
	case MEMP_FRAG_PBUF:
		return BUDGET_FRAGMENTS_SENT;
	case MEMP_ARP_QUEUE:
		return BUDGET_ARP_QUEUED;
	case MEMP_PBUF:
		return BUDGET_PBUFS(port_limits.streams);
	default:
		return kinds[kind].cap;
	}
}

void memp_init(void)
{
	const unsigned caps[] = { BUDGET_BLOCKS(BLOCK_CAP, port_limits.streams) };

	for (unsigned i = 0; i < MEMP_MAX; i++)
		pool_init(&pools[i], kinds[i].name,
			  i == MEMP_TCP_PCB ? pcb_size() : kinds[i].size, cap_of((memp_t)i));
	for (unsigned i = 0; i < CLASSES; i++)
		pool_init(&classes[i], class_name[i], class_size[i], caps[i]);
}

void *memp_malloc(memp_t kind)
{
	void *object = pool_get(&pools[kind]);

	if (kind == MEMP_TCP_PCB && object)
		pcb_made(object);
	return object;
}

void memp_free(memp_t kind, void *object)
{
	if (!object)
		return;
	if (kind == MEMP_TCP_PCB)
		pcb_freed(object);
	pool_put(&pools[kind], object);
}

unsigned port_pcbs(void)
{
	return pools[MEMP_TCP_PCB].used;
}

bool port_pcb_free(void)
{
	return pools[MEMP_TCP_PCB].used < port_limits.pcbs;
}

/* The smallest class that fits, or while that is empty a larger one, if not far too large. */
void *port_malloc(size_t size)
{
	unsigned c = 0;

	size += BLOCK_HEADER;
	while (c < CLASSES && size > class_size[c])
		c++;
	for (; c < CLASSES && class_size[c] <= FAR * size; c++) {
		uint8_t *block = pool_get(&classes[c]);

		if (block) {
			*block = (uint8_t)c;
			return block + BLOCK_HEADER;
		}
	}
	return NULL;
}

void *port_calloc(size_t n, size_t size)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	p = port_malloc(bytes);
	if (p)
		memset(p, 0, bytes);
	return p;
}

void port_free(void *p)
{
	uint8_t *block = (uint8_t *)p - BLOCK_HEADER;

	ASSERT(*block < CLASSES);
	pool_put(&classes[*block], block);
}
