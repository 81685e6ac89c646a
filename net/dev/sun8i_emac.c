/* SPDX-License-Identifier: MIT */
/* Allwinner's Ethernet controller, as in the H3 with its internal PHY (H3 Datasheet V1.2, §8.4;
 * registers in net/dev/sun8i_emac.h). QEMU: -M orangepi-pc, -nic.
 *
 * Descriptors name the same buffers for ever; after the seal the warden alone writes them, and
 * every register too: what the driver still writes are fixed values, each a doorbell. A frame
 * is copied out of the ring, whose memory is not cached, and its descriptor goes back at once
 * and in order, however long the stack keeps the frame. Nothing that the device writes is
 * trusted. Outside: chip_h3.c has turned its clocks on; its registers fill one page. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/clock.h"
#include "kernel/counter.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "kernel/siphash.h"
#include "net/dev/sun8i_emac.h"
#include "net/netdev.h"

#define PHY 1u                         /* its address, as we set it */
#define FCS 4u
#define FRAME_MIN 14u
#define BUFFER 2048u                   /* of a descriptor: more than its size can say */
#define SHIFT 2u                       /* aligns the IP header */
#define STRIDE 1536u
_Static_assert(SHIFT + NETDEV_FRAME_MAX <= STRIDE, "a frame fits");
#define RX_COUNT 128u
#define TX_COUNT 64u
#define FRAMES 256u
#define WAIT_MS 100
#define PHY_RESET_MS 500

enum { RX_FRAMES, RX_BAD, RX_FULL, TX_FRAMES, TX_FULL, TX_BAD, LATE };
static struct counter counters[] = {
	[RX_FRAMES] = { .name = "sun8i_emac_rx_frames_total" },
	[RX_BAD] = { .name = "sun8i_emac_rx_bad_total" },
	[RX_FULL] = { .name = "sun8i_emac_rx_full_total" },
	[TX_FRAMES] = { .name = "sun8i_emac_tx_frames_total" },
	[TX_FULL] = { .name = "sun8i_emac_tx_full_total" },
	[TX_BAD] = { .name = "sun8i_emac_tx_bad_total" },
	[LATE] = { .name = "sun8i_emac_timeouts_total" },
};

/* What the warden writes when asked, besides the two rings' doorbells. */
enum bell { ASK_BMSR, ASK_ANLPAR, INT_RX_ONLY, INT_RX_TX, SLOW_HALF, SLOW_FULL, FAST_HALF,
	    FAST_FULL, BELLS };

#define ASK (MII_CLOCK_128 | MII_ADDRESS(PHY) | MII_BUSY)
static const struct { uint16_t offset; uint32_t value; } bells[BELLS] = {
	[ASK_BMSR] = { MII_CMD, ASK | MII_REGISTER(BMSR) },
	[ASK_ANLPAR] = { MII_CMD, ASK | MII_REGISTER(ANLPAR) },
	[INT_RX_ONLY] = { INT_EN, INT_RX },
	[INT_RX_TX] = { INT_EN, INT_RX | INT_TX },
	[SLOW_HALF] = { BASIC_CTL0, CTL0_10M },
	[SLOW_FULL] = { BASIC_CTL0, CTL0_10M | CTL0_FULL_DUPLEX },
	[FAST_HALF] = { BASIC_CTL0, CTL0_100M },
	[FAST_FULL] = { BASIC_CTL0, CTL0_100M | CTL0_FULL_DUPLEX },
};

struct ring {
	struct owned_desc *desc;        /* the device's, read-only */
	struct owned_desc *staged;
	uint8_t *buffers;
	unsigned gate;
};

/* One NIC per image. */
static struct {
	uintptr_t base;
	struct ring rx, tx;
	unsigned rx_next, rx_given;     /* looked at; given back to the device */
	bool idle;                      /* nothing came since the last net_arm() */
	unsigned tx_next, tx_given, tx_done;    /* queued; submitted; sent */
	bool starved;                   /* tx_get found no room: wants an interrupt */
	bool link;
	enum bell asked, mode;
	unsigned bell[BELLS];
	unsigned unused_count;
	struct frame *unused[FRAMES];
	bool lent[FRAMES];
	struct frame frame[FRAMES];
} nic;

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(nic.base + offset);
}

/* ---- Any time ----------------------------------------------------------------- */

/* The frame in descriptor d is whole and without an error. */
static bool rx_good(uint32_t status)
{
	uint32_t whole = RX_STATUS_FIRST | RX_STATUS_LAST, len = RX_STATUS_LENGTH(status);

	return (status & (whole | RX_STATUS_ERRORS)) == whole && len >= FRAME_MIN + FCS &&
	       len <= NETDEV_FRAME_MAX + FCS;
}

/* The device has not let go of the n-th descriptor. */
static bool rx_owned(unsigned n)
{
	return nic.rx.desc[n % RX_COUNT].status & OWNED_BY_DEVICE;
}

/* It has let go of one that we have not looked at. */
static bool rx_pending(void)
{
	return nic.rx_next - nic.rx_given < RX_COUNT && !rx_owned(nic.rx_next);
}

static struct frame *net_recv(struct netdev *nd)
{
	while (rx_pending()) {
		unsigned i = nic.rx_next % RX_COUNT;
		uint32_t status = nic.rx.desc[i].status;
		struct frame *f;

		if (nic.unused_count == 0) {
			counters[RX_FULL].n++;
			return NULL;
		}
		nic.rx_next++;
		nic.idle = false;
		if (!rx_good(status)) {
			counters[RX_BAD].n++;
			continue;
		}
		__atomic_thread_fence(__ATOMIC_ACQUIRE);        /* the status before the frame */
		f = nic.unused[--nic.unused_count];
		f->len = (uint16_t)(RX_STATUS_LENGTH(status) - FCS);
		memcpy(f->data, nic.rx.buffers + i * BUFFER, f->len);
		nic.lent[f->index] = true;
		counters[RX_FRAMES].n++;
		return f;
	}
	return NULL;
}

/* The device goes through its descriptors in turn. QEMU 7.2's, once it has used up all, goes on
 * at the first one, and is followed there: what it passed over is given to it anew. The one
 * that would be next is looked at last, for a device that keeps the order uses it first. */
static void rx_follow(void)
{
	unsigned n = 1;

	while (n < RX_COUNT && rx_owned(nic.rx_next + n))
		n++;
	if (n < RX_COUNT && rx_owned(nic.rx_next))
		nic.rx_next += n;
}

static void net_release(struct netdev *nd, struct frame *f)
{
	ASSERT(f->index < FRAMES && f == &nic.frame[f->index] && nic.lent[f->index]);
	nic.lent[f->index] = false;
	nic.unused[nic.unused_count++] = f;
}

static void tx_reclaim(void)
{
	while (nic.tx_done != nic.tx_given) {
		uint32_t status = nic.tx.desc[nic.tx_done % TX_COUNT].status;

		if (status & OWNED_BY_DEVICE)
			return;
		if (status & TX_STATUS_ERRORS)
			counters[TX_BAD].n++;
		nic.tx_done++;
	}
}

static bool tx_room(void)
{
	if (nic.tx_next - nic.tx_done == TX_COUNT)
		tx_reclaim();
	return nic.tx_next - nic.tx_done < TX_COUNT;
}

static void want_tx_interrupt(bool want)
{
	if (nic.starved == want)
		return;
	nic.starved = want;
	arch_notify(nic.bell[want ? INT_RX_TX : INT_RX_ONLY]);
}

static uint8_t *net_tx_get(struct netdev *nd)
{
	if (tx_room())
		return nic.tx.buffers + nic.tx_next % TX_COUNT * BUFFER;
	counters[TX_FULL].n++;
	want_tx_interrupt(true);
	return NULL;
}

/* The device computes the checksums of the IP header and of TCP, whole. */
static void net_tx_put(struct netdev *nd, size_t len, struct tx_csum csum)
{
	struct owned_desc *d = &nic.tx.staged[nic.tx_next % TX_COUNT];

	ASSERT(len >= FRAME_MIN && len <= NETDEV_FRAME_MAX && tx_room());
	d->status = OWNED_BY_DEVICE;
	d->size = (uint32_t)len | TX_SIZE_FIRST | TX_SIZE_LAST | TX_SIZE_INTERRUPT |
		  (csum.start ? TX_SIZE_CHECKSUMS : 0);
	nic.tx_next++;
	counters[TX_FRAMES].n++;
	want_tx_interrupt(false);
}

static void net_flush(struct netdev *nd)
{
	int rc = 0;

	if (nic.tx_next != nic.tx_given)
		rc = arch_submit(nic.tx.gate, nic.tx_next - nic.tx_given);
	ASSERT(rc == 0);
	nic.tx_given = nic.tx_next;
	if (nic.rx_next != nic.rx_given)
		rc = arch_submit(nic.rx.gate, nic.rx_next - nic.rx_given);
	ASSERT(rc == 0);
	nic.rx_given = nic.rx_next;
}

/* The interrupt is always on, and taken only while the CPU sleeps. A second call with nothing
 * received between was woken by something else, maybe by a frame in another place. */
static bool net_arm(struct netdev *nd)
{
	if (nic.idle && nic.rx_next == nic.rx_given)
		rx_follow();
	nic.idle = true;
	return (nic.unused_count > 0 && rx_pending()) || (nic.starved && tx_room());
}

/* ---- Link ----------------------------------------------------------------------- */

static void set_mode(uint32_t partner)
{
	enum bell mode = FAST_FULL;

	if (partner & (ANLPAR_100_FULL | ANLPAR_100))
		mode = partner & ANLPAR_100_FULL ? FAST_FULL : FAST_HALF;
	else if (partner & (ANLPAR_10_FULL | ANLPAR_10))
		mode = partner & ANLPAR_10_FULL ? SLOW_FULL : SLOW_HALF;
	if (mode != nic.mode)
		arch_notify(nic.bell[mode]);
	nic.mode = mode;
}

/* Takes what the last call asked the PHY for, and asks for the next: its status, and as long
 * as the link is up, what the other side can do. A PHY without registers counts as up. */
static bool net_link(struct netdev *nd)
{
	uint32_t value;

	if (*reg(MII_CMD) & MII_BUSY)
		return nic.link;
	value = *reg(MII_DATA) & 0xffff;
	if (nic.asked == ASK_ANLPAR)
		set_mode(value);
	else
		nic.link = value & BMSR_LINK || value == 0;
	nic.asked = nic.asked == ASK_BMSR && nic.link ? ASK_ANLPAR : ASK_BMSR;
	arch_notify(nic.bell[nic.asked]);
	return nic.link;
}

/* ---- Boot ----------------------------------------------------------------------- */

/* Waits until these bits of the register are clear: 0 or -ETIMEDOUT. */
static int wait_clear(unsigned offset, uint32_t bits)
{
	ktime deadline = clock_after_ms(WAIT_MS);

	while (*reg(offset) & bits) {
		if (clock_now() >= deadline) {
			counters[LATE].n++;
			log_error("sun8i-emac: register %#x keeps %#x", offset, (unsigned)bits);
			return -ETIMEDOUT;
		}
	}
	return 0;
}

static int mii_write(unsigned r, uint32_t value)
{
	*reg(MII_DATA) = value;
	*reg(MII_CMD) = ASK | MII_WRITE | MII_REGISTER(r);
	return wait_clear(MII_CMD, MII_BUSY);
}

static int mii_read(unsigned r, uint32_t *value)
{
	*reg(MII_CMD) = ASK | MII_REGISTER(r);
	if (wait_clear(MII_CMD, MII_BUSY) < 0)
		return -ETIMEDOUT;
	*value = *reg(MII_DATA) & 0xffff;
	return 0;
}

/* The address that the loader left, or one made of the chip's serial number (`sid`, four words
 * that are zero on a blank chip), or a random one: these are locally administered. */
static void choose_address(struct netdev *nd, uintptr_t sid)
{
	uint32_t low = *reg(ADDR_LOW), high = *reg(ADDR_HIGH);
	uint32_t serial[4] = { 0 };
	uint64_t hash;

	memcpy(nd->mac, &low, 4);
	memcpy(nd->mac + 4, &high, 2);
	if (!(low & 1) && (low | (high & 0xffff)) && low != UINT32_MAX)
		return;
	for (unsigned i = 0; i < ARRAY_LEN(serial) && sid; i++)
		serial[i] = ((const volatile uint32_t *)sid)[i];
	hash = siphash24((const uint64_t[2]){ 0, 0 }, serial, sizeof(serial));
	if (serial[0] | serial[1] | serial[2] | serial[3])
		memcpy(nd->mac, &hash, sizeof(nd->mac));
	else
		random_bytes(nd->mac, sizeof(nd->mac));
	nd->mac[0] = (nd->mac[0] & 0xfc) | 2;
}

static void set_address(const struct netdev *nd)
{
	uint32_t low, high = 0;

	memcpy(&low, nd->mac, 4);
	memcpy(&high, nd->mac + 4, 2);
	*reg(ADDR_HIGH) = high;
	*reg(ADDR_LOW) = low;
}

/* IEEE 802.3, 22.2.4.1.1: the reset may take half a second. */
static int reset_phy(void)
{
	ktime deadline = clock_after_ms(PHY_RESET_MS);
	uint32_t control = BMCR_RESET;
	int rc = mii_write(BMCR, BMCR_RESET);

	while (rc == 0 && (control & BMCR_RESET)) {
		if (clock_now() >= deadline) {
			counters[LATE].n++;
			log_error("sun8i-emac: the PHY stays in reset");
			return -ETIMEDOUT;
		}
		rc = mii_read(BMCR, &control);
	}
	return rc;
}

/* Left to negotiate; the link comes up seconds later, and net_link() sees it. */
static int start_phy(uintptr_t system_control)
{
	volatile uint32_t *clock = (volatile uint32_t *)system_control;
	uint32_t status = 0;
	int rc;

	*clock = SYSCON_PHY_ADDRESS(PHY) | SYSCON_CLOCK_24M | SYSCON_LED_LOW | SYSCON_INTERNAL;
	*reg(BASIC_CTL1) = CTL1_RESET;
	rc = wait_clear(BASIC_CTL1, CTL1_RESET);
	*reg(BASIC_CTL1) = CTL1_BURST_8;
	if (rc == 0)
		rc = reset_phy();
	rc = rc == 0 ? mii_write(BMCR, BMCR_AUTO | BMCR_RESTART) : rc;
	if (rc == 0)
		rc = mii_read(BMSR, &status);
	nic.link = rc == 0 && (status & BMSR_LINK || status == 0);
	return rc;
}

static int make_ring(struct ring *r, unsigned count, uint32_t status, uint32_t size)
{
	size_t table = ALIGN_UP(count * sizeof(*r->desc), (size_t)PAGE_SIZE);

	r->desc = mem_sealed_pages((unsigned)(table / PAGE_SIZE));
	r->staged = mem_take(count * sizeof(*r->staged));
	r->buffers = mem_dma_alloc((size_t)count * BUFFER, BUFFER);
	if (!r->desc || !r->staged || !r->buffers)
		return -ENOMEM;
	for (unsigned i = 0; i < count; i++) {
		r->desc[i] = (struct owned_desc){
			.status = status,
			.size = size,
			.buffer = (uint32_t)mem_dma_addr(r->buffers + i * BUFFER),
			.next = (uint32_t)mem_dma_addr(&r->desc[(i + 1) % count]),
		};
		r->staged[i] = (struct owned_desc){ .status = status, .size = size };
	}
	return 0;
}

static int make_frames(struct netdev *nd)
{
	uint8_t *at = mem_take(FRAMES * STRIDE);

	if (!at)
		return -ENOMEM;
	for (unsigned i = 0; i < FRAMES; i++, at += STRIDE) {
		nic.frame[i] = (struct frame){ .data = at + SHIFT, .index = (uint16_t)i };
		nic.unused[i] = &nic.frame[i];
		nic.lent[i] = false;
	}
	nic.unused_count = FRAMES;
	nd->rx_count = FRAMES;
	return 0;
}

/* The number of a queue or doorbell, or -errno. */
static int add_gate(const struct ring *r, unsigned count, unsigned offset, uint32_t value)
{
	struct arch_queue q = {
		.kind = QUEUE_OWNED, .staged = r ? r->staged : NULL, .desc = r ? r->desc : NULL,
		.notify = reg(offset), .notify_value = value, .size = (uint16_t)count,
		.notify_width = 4,
	};

	return arch_queue_add(&q);
}

static int add_gates(void)
{
	int n = add_gate(&nic.tx, TX_COUNT, TX_CTL1, TX_CTL1_START | TX_CTL1_DMA | TX_CTL1_WHOLE);

	nic.tx.gate = (unsigned)n;
	if (n >= 0)
		n = add_gate(&nic.rx, RX_COUNT, RX_CTL1,
			     RX_CTL1_START | RX_CTL1_DMA | RX_CTL1_WHOLE);
	nic.rx.gate = (unsigned)n;
	for (unsigned i = 0; i < BELLS && n >= 0; i++) {
		n = add_gate(NULL, 1, bells[i].offset, bells[i].value);
		nic.bell[i] = (unsigned)n;
	}
	return MIN(n, 0);
}

static void start(uint32_t irq)
{
	*reg(TX_DMA_DESC_LIST) = (uint32_t)mem_dma_addr(nic.tx.desc);
	*reg(RX_DMA_DESC_LIST) = (uint32_t)mem_dma_addr(nic.rx.desc);
	*reg(RX_FRM_FLT) = RX_ALL_MULTICAST;   /* and our address, and broadcast */
	*reg(INT_STA) = UINT32_MAX;
	arch_irq_enable(irq, reg(INT_STA), reg(INT_STA));
	nic.mode = FAST_FULL;
	nic.asked = ASK_BMSR;
	arch_notify(nic.bell[FAST_FULL]);
	arch_notify(nic.bell[ASK_BMSR]);
	arch_notify(nic.bell[INT_RX_ONLY]);
	*reg(TX_CTL1) = TX_CTL1_DMA | TX_CTL1_WHOLE;
	*reg(TX_CTL0) = TX_CTL0_ON;
	*reg(RX_CTL0) = RX_CTL0_ON | RX_CTL0_CHECK;
	arch_notify(nic.rx.gate);
}

static int net_open(struct netdev *nd, const struct device *dev)
{
	int rc;

	if (dev->base & (PAGE_SIZE - 1))
		return -EINVAL;
	nic.base = (uintptr_t)dev->base;
	nic.rx_next = nic.rx_given = nic.tx_next = nic.tx_given = nic.tx_done = 0;
	nic.starved = false;
	nic.idle = false;
	choose_address(nd, dev->arg);
	rc = start_phy((uintptr_t)dev->base2);
	if (rc == 0)
		rc = make_ring(&nic.rx, RX_COUNT, OWNED_BY_DEVICE, OWNED_SIZE_MAX);
	if (rc == 0)
		rc = make_ring(&nic.tx, TX_COUNT, 0, 0);
	if (rc == 0)
		rc = make_frames(nd);
	if (rc == 0)
		rc = add_gates();
	if (rc < 0)
		return rc;
	set_address(nd);
	nd->mtu = NETDEV_FRAME_MAX - FRAME_MIN;
	nd->tx_csum = nd->tx_csum_ip4 = true;
	snprintf(nd->where, sizeof(nd->where), "0x%lx", (unsigned long)dev->base);
	counters_add(counters, ARRAY_LEN(counters));
	arch_map(nic.base, nic.base, PAGE_SIZE, PROT_R | PROT_DEVICE);
	start(dev->irq);
	return 0;
}

const struct netdev_ops sun8i_emac = {
	.name = "sun8i-emac",
	.kind = DEV_SUN8I_EMAC,
	.open = net_open,
	.recv = net_recv,
	.release = net_release,
	.tx_get = net_tx_get,
	.tx_put = net_tx_put,
	.flush = net_flush,
	.arm = net_arm,
	.link = net_link,
};
