/* SPDX-License-Identifier: MIT */
/* sources: net/dev/several.c tests/unit/fake_kernel.c */
/* net/nic.h, of four cards: however often they are tried, the warden's table of queues has room for
 * the one that is left. */
#include "net/nic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/config.h"
#include "kernel/dev/pci.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "net/address.h"
#include "net/netconf.h"
#include "net/netdev.h"
#include "tests/unit/fake_kernel.h"

#define CARDS 4u
#define QUEUES 3u                      /* that a card takes: vmxnet3's */

struct machine machine;
static ktime now;
static unsigned queues, opens, best;
static bool named;                     /* by the drive's file */

ktime clock_now(void)
{
	return now += MILLIS(1);
}

static bool is(const struct device *dev)
{
	return true;
}

static int open(struct netdev *nd, const struct device *dev)
{
	if (queues + QUEUES > ARCH_QUEUES)
		return -ENOSPC;
	queues += QUEUES;
	opens++;
	nd->mac[5] = (uint8_t)(dev - machine.dev);
	return 0;
}

static struct frame *recv(struct netdev *nd)
{
	return NULL;
}

static void flush(struct netdev *nd)
{
}

static int close_it(struct netdev *nd)
{
	return 0;
}

static bool link(struct netdev *nd)
{
	return false;
}

static const struct netdev_ops card = {
	.name = "card", .kind = DEV_PCI_FUNCTION, .is = is, .open = open, .recv = recv,
	.flush = flush, .close = close_it, .link = link,
};
const struct netdev_ops *const board_netdevs[] = { &card, NULL };

void pci_name(const struct device *fn, char *buf, size_t len)
{
	snprintf(buf, len, "pci 00:%02x.0", (unsigned)(fn - machine.dev));
}

bool address_given(uint32_t *ip, uint32_t *gw)
{
	*ip = *gw = 0;
	return false;
}

void random_bytes(void *buf, size_t len)
{
	memset(buf, 1, len);
}

uintptr_t mem_dma_mark(void)
{
	return 0;
}

void mem_dma_release(uintptr_t mark)
{
}

void config_declare(const struct setting *table, unsigned n)
{
}

bool netconf_read(void)
{
	return named;
}

unsigned netconf_rank(const uint8_t mac[6])
{
	return NETCONF_NONE;
}

void netconf_apply(unsigned rank, const char *nic)
{
	best = rank;
	assert_string_equal(nic, "");
}

/* No link anywhere, now and late: how many times cards were opened. */
static unsigned tried(bool by_file)
{
	struct netdev nd = { .ops = NULL };

	machine.dev_count = CARDS;
	for (unsigned i = 0; i < CARDS; i++)
		machine.dev[i].kind = DEV_PCI_FUNCTION;
	named = by_file;
	nic_settle(&nd);
	assert_int_equal(best, NETCONF_NONE);
	assert_int_equal(nic_open(&nd), 0);
	assert_int_equal(nd.mac[5], 0);
	return opens;
}

/* Each asked for its MAC address, each tried, as many as may be once more, the one that is left. */
static void test_file(void **state)
{
	queues = 2;                    /* of the console and the random number device */
	assert_int_equal(tried(true), CARDS + CARDS + 1 + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_file) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
