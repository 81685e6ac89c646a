/* SPDX-License-Identifier: MIT */
/* The NIC of a machine that may have several (net/nic.h). One is open at a time: a driver
 * has room for one, and what a closed one had of the DMA pool goes to the next.
 *
 * An answer is an OFFER to a DISCOVER of our own (RFC 2131 §3.1), or with a static address
 * what ARP says of the gateway (RFC 826). */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/dev/pci.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "net/address.h"
#include "net/netconf.h"
#include "net/nic.h"
#include "net/port/bytes.h"

#define TRIED_MAX 4u
#define OPENED_MAX 10u                 /* each takes up to 3 of ARCH_QUEUES, for ever */
#define NAME_MAX_LEN 24u
#define LINK_MS 300                    /* for a link that comes up after the reset */
#define LINK_LATE_MS 5000              /* where none gets an answer: VirtualBox's takes so long */
#define ANSWER_MS 4000                 /* some servers look first whether an address is free */
#define ASK_AGAIN_MS 1000
#define LINE 160u                      /* bytes of a list of devices */

#define ETH 14u
#define IP (ETH + 20u)
#define DHCP (IP + 8u)
#define DHCP_XID (DHCP + 4u)
#define DHCP_LEN 300u                  /* RFC 1542 §2.1 */
#define ARP_LEN 42u

static char wanted[NAME_MAX_LEN];
static const struct setting settings[] = {
	{ .key = "nic", .boot = true, .type = SETTING_STRING, .value = wanted, .max = NAME_MAX_LEN,
	  .expected = "a MAC address, or a place as in 00:03.0 or 0xfeb00e00" },
};

static unsigned opened;

struct candidate {
	const struct netdev_ops *ops;
	const struct device *dev;
	bool linked;                   /* when it was tried */
};

void nic_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
}

/* ---- An answer ---------------------------------------------------------------- */

static void send(struct netdev *nd, const uint8_t *frame, size_t len)
{
	static const struct tx_csum none;
	uint8_t *buf = nd->ops->tx_get(nd);

	if (!buf)
		return;
	memcpy(buf, frame, len);
	nd->ops->tx_put(nd, len, none);
	nd->ops->flush(nd);
}

/* Broadcast of `type` from this NIC. */
static void head(const struct netdev *nd, uint8_t *f, uint8_t type_low)
{
	memset(f, 0xff, 6);
	memcpy(f + 6, nd->mac, 6);
	f[12] = 8;
	f[13] = type_low;
}

static void ask_gateway(struct netdev *nd, uint32_t ip, uint32_t gw)
{
	static const uint8_t request[] = { 0, 1, 8, 0, 6, 4, 0, 1 };
	uint8_t f[ARP_LEN] = { 0 };

	head(nd, f, 6);
	memcpy(f + ETH, request, sizeof(request));
	memcpy(f + ETH + 8, nd->mac, 6);
	memcpy(f + ETH + 14, &ip, 4);
	memcpy(f + ETH + 24, &gw, 4);
	send(nd, f, sizeof(f));
}

/* RFC 791 §3.1: the header's checksum is known but for nothing in it changing. */
static void discover(struct netdev *nd, uint32_t xid)
{
	static const uint8_t ip[] = {
		0x45, 0, (20 + 8 + DHCP_LEN) >> 8, (20 + 8 + DHCP_LEN) & 0xff, 0, 0, 0, 0, 64, 17,
		0x79, 0xa6, 0, 0, 0, 0, 255, 255, 255, 255,
		0, 68, 0, 67, (8 + DHCP_LEN) >> 8, (8 + DHCP_LEN) & 0xff, 0, 0,
	};
	static const uint8_t options[] = { 99, 130, 83, 99, 53, 1, 1, 255 };
	uint8_t f[DHCP + DHCP_LEN] = { 0 };

	head(nd, f, 0);
	memcpy(f + ETH, ip, sizeof(ip));
	f[DHCP] = 1;
	f[DHCP + 1] = 1;
	f[DHCP + 2] = 6;
	memcpy(f + DHCP_XID, &xid, 4);
	f[DHCP + 10] = 0x80;           /* to everyone: no address is ours yet */
	memcpy(f + DHCP + 28, nd->mac, 6);
	memcpy(f + DHCP + 236, options, sizeof(options));
	send(nd, f, sizeof(f));
}

/* Whether `f` answers either question. */
static bool is_answer(const struct frame *f, uint32_t xid, uint32_t gw)
{
	const uint8_t *p = f->data;

	if (f->len >= ARP_LEN && p[12] == 8 && p[13] == 6)
		return p[21] == 2 && load32(p + 28) == gw && gw;
	return f->len >= DHCP + 8 && p[12] == 8 && p[13] == 0 && p[ETH] == 0x45 &&
	       p[ETH + 9] == 17 && p[IP + 3] == 68 && p[DHCP] == 2 && load32(p + DHCP_XID) == xid;
}

static bool has_answer(struct netdev *nd, unsigned link_ms)
{
	ktime now = clock_now(), ask = now, until = now + MILLIS(link_ms);
	uint32_t ip, gw, xid;
	bool given = address_given(&ip, &gw), up = false;
	struct frame *f;

	random_bytes(&xid, sizeof(xid));
	for (; now < until; now = clock_now()) {
		if (!up && nd->ops->link(nd)) {
			up = true;
			until = now + MILLIS(ANSWER_MS);
		}
		if (up && now >= ask) {
			ask = now + MILLIS(ASK_AGAIN_MS);
			if (given)
				ask_gateway(nd, ip, gw);
			else
				discover(nd, xid);
		}
		while ((f = nd->ops->recv(nd)) != NULL) {
			bool answer = is_answer(f, xid, given ? gw : 0);

			nd->ops->release(nd, f);
			if (answer)
				return true;
		}
		nd->ops->flush(nd);
	}
	return false;
}

/* ---- The choice --------------------------------------------------------------- */

static int open(struct netdev *nd, const struct candidate *c)
{
	opened++;
	*nd = (struct netdev){ .ops = c->ops, .mtu_wanted = nd->mtu_wanted };
	return c->ops->open(nd, c->dev);
}

/* The last word of where it is: 00:03.0, or its address. */
static void place(const struct device *dev, char *buf, size_t len)
{
	if (dev->kind == DEV_PCI_FUNCTION) {
		pci_name(dev, buf, len);
		memmove(buf, buf + 4, strlen(buf + 4) + 1);
	} else {
		snprintf(buf, len, "0x%llx", (unsigned long long)dev->base);
	}
}

/* Devices that may be NICs, in the order of the machine; with a place in nic=, that one. */
static unsigned find(struct candidate *c)
{
	bool mac = strlen(wanted) == 17, all = !wanted[0] || mac;
	unsigned n = 0;
	char at[NAME_MAX_LEN];

	for (unsigned d = 0; d < machine.dev_count; d++) {
		for (const struct netdev_ops *const *ops = board_netdevs; *ops; ops++) {
			const struct device *dev = &machine.dev[d];

			if (dev->kind != (*ops)->kind || !(*ops)->is(dev) || n == TRIED_MAX)
				continue;
			place(dev, at, sizeof(at));
			if (all || strcmp(at, wanted) == 0)
				c[n++] = (struct candidate){ .ops = *ops, .dev = dev };
		}
	}
	return n;
}

static void mac_text(const struct netdev *nd, char text[NAME_MAX_LEN])
{
	const uint8_t *m = nd->mac;

	snprintf(text, NAME_MAX_LEN, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4],
		 m[5]);
}

static bool is_wanted(const struct netdev *nd)
{
	char mac[NAME_MAX_LEN];

	mac_text(nd, mac);
	return strlen(wanted) != 17 || strcasecmp(mac, wanted) == 0;
}

void nic_settle(struct netdev *nd)
{
	struct candidate c[TRIED_MAX];
	unsigned n = netconf_read() ? find(c) : 0, best = NETCONF_NONE;
	char mac[NAME_MAX_LEN] = "";

	for (unsigned i = 0; i < n && best != 0; i++) {
		uintptr_t mark = mem_dma_mark();
		unsigned rank;

		if (open(nd, &c[i]) == 0) {
			rank = is_wanted(nd) ? netconf_rank(nd->mac) : NETCONF_NONE;
			if (rank < best)
				mac_text(nd, mac);
			best = MIN(rank, best);
			if (nd->ops->close(nd) < 0)
				continue;
		}
		mem_dma_release(mark);
	}
	netconf_apply(best, wanted);
	if (*mac)
		memcpy(wanted, mac, sizeof(wanted));
}

/* Tries them in turn, where it is `late` those alone that had no link, while one more can be opened
 * behind them: the one that is good, open; or -ENODEV with all of them closed, and *next best, if
 * there was one. */
static int try_all(struct netdev *nd, struct candidate *c, unsigned n, unsigned *next, bool late)
{
	for (unsigned i = 0; i < n; i++) {
		uintptr_t mark = mem_dma_mark();
		bool up;

		if ((late && (c[i].linked || opened + 1 >= OPENED_MAX)) || open(nd, &c[i]) < 0) {
			mem_dma_release(mark);
			continue;
		}
		if (wanted[0] ? is_wanted(nd)
			      : n == 1 || has_answer(nd, late ? LINK_LATE_MS : LINK_MS))
			return 0;
		up = nd->ops->link(nd);
		if (*next == n || (up && !c[*next].linked))
			*next = i;
		c[i].linked = up;
		if (!wanted[0])
			log_info("net: %s at %s: %s", nd->ops->name, nd->where,
				 up ? "no answer" : "no link");
		if (nd->ops->close(nd) == 0)
			mem_dma_release(mark);
	}
	return -ENODEV;
}

static void log_none(void)
{
	unsigned at = 0, pci = 0, slots = 0;
	char list[LINE] = "";

	for (unsigned d = 0; d < machine.dev_count; d++) {
		uint32_t id = machine.dev[d].arg;

		slots += machine.dev[d].kind == DEV_VIRTIO_MMIO;
		if (machine.dev[d].kind != DEV_PCI_FUNCTION)
			continue;
		pci++;
		if (at + 12 < LINE)
			at += (unsigned)snprintf(list + at, LINE - at, " %04x:%04x",
						 (unsigned)(id >> 16), (unsigned)(id & 0xffff));
	}
	log_error("net: no network card%s%s; %u virtio-mmio slots, %u PCI devices:%s",
		  wanted[0] ? " is nic=" : "", wanted, slots, pci, pci ? list : " none");
}

int nic_open(struct netdev *nd)
{
	struct candidate c[TRIED_MAX];
	unsigned n = find(c), next = n;

	if (try_all(nd, c, n, &next, false) == 0)
		return 0;
	if (!wanted[0] && try_all(nd, c, n, &next, true) == 0)
		return 0;
	/* That one, or any that can still be opened. */
	for (unsigned i = 0; !wanted[0] && next < n && i < n; i++) {
		uintptr_t mark = mem_dma_mark();

		if (open(nd, &c[(next + i) % n]) == 0) {
			log_warn("net: none of %u network cards gets an answer", n);
			return 0;
		}
		mem_dma_release(mark);
	}
	log_none();
	return -ENODEV;
}
