/* SPDX-License-Identifier: MIT */
/* SMSC LAN9118 and LAN9220: Ethernet controllers with a MAC, a PHY and FIFOs but
 * no DMA (LAN9118 data sheet; registers in net/dev/lan9118.h).
 *
 * Frames are copied between the FIFOs and the driver's buffers, whole words at a
 * time and shifted by two bytes, which aligns the IP header. One interrupt, of
 * the receive status FIFO's level. A frame with an error is read and dropped;
 * when both receive FIFOs disagree they are emptied. Every wait is bounded.
 * Outside: registers fill one page of their own, are accessed by 32 bits, and
 * the interrupt line takes an active high level. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/clock.h"
#include "kernel/counter.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "net/dev/lan9118.h"
#include "net/netdev.h"

#define FRAME_MIN 14u
#define SHIFT 2u
#define STRIDE 1536u
_Static_assert(SHIFT + NETDEV_FRAME_MAX + FCS <= STRIDE, "a frame fits");
#define TX_ROOM 1536u                  /* two command words and a frame */
#define TX_ROOM_BLOCK 64u              /* unit of the level that INT_TDFA tells */
#define RX_MAX 64u
#define RX_MIN 2u
#define WAIT_MS 100                    /* an EEPROM takes a third to read */

enum { RX_FRAMES, RX_BAD, RX_DROPPED, RX_RESYNCS, TX_FRAMES, TX_FULL, TX_BAD, TX_RESYNCS, LATE };
static struct counter counters[] = {
	[RX_FRAMES] = { .name = "lan9118_rx_frames_total" },
	[RX_BAD] = { .name = "lan9118_rx_bad_total" },
	[RX_DROPPED] = { .name = "lan9118_rx_dropped_total" },
	[RX_RESYNCS] = { .name = "lan9118_rx_resyncs_total" },
	[TX_FRAMES] = { .name = "lan9118_tx_frames_total" },
	[TX_FULL] = { .name = "lan9118_tx_full_total" },
	[TX_BAD] = { .name = "lan9118_tx_bad_total" },
	[TX_RESYNCS] = { .name = "lan9118_tx_resyncs_total" },
	[LATE] = { .name = "lan9118_timeouts_total" },
};

/* One NIC per image. */
static struct {
	uintptr_t base;
	uint8_t *tx;
	unsigned count, free;           /* receive buffers; how many the stack has not */
	uint32_t wanted;                /* INT_EN */
	bool starved;                   /* tx_get found no room: wants an interrupt */
	bool link, full_duplex;
	bool lent[RX_MAX];
	struct frame frame[RX_MAX];
	struct frame *unused[RX_MAX];
} nic;

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(nic.base + offset);
}

/* §6.1: a FIFO's level is right three bus cycles after an access to it, other
 * registers follow a write after one. */
static void settle(unsigned cycles)
{
	while (cycles-- > 0)
		(void)*reg(BYTE_TEST);
}

/* Waits until the register's bits have that value: 0 or -ETIMEDOUT. */
static int wait_for(unsigned offset, uint32_t bits, uint32_t value)
{
	ktime deadline = clock_after_ms(WAIT_MS);

	settle(1);
	while ((*reg(offset) & bits) != value) {
		if (clock_now() >= deadline) {
			counters[LATE].n++;
			return -ETIMEDOUT;
		}
	}
	return 0;
}

/* ---- MAC and PHY -------------------------------------------------------------- */

/* §5.3.20: an access to a register of the MAC. */
static int mac_read(unsigned r, uint32_t *value)
{
	int rc;

	*reg(MAC_CSR_CMD) = CSR_BUSY | CSR_READ | r;
	rc = wait_for(MAC_CSR_CMD, CSR_BUSY, 0);
	*value = *reg(MAC_CSR_DATA);
	return rc;
}

static int mac_write(unsigned r, uint32_t value)
{
	*reg(MAC_CSR_DATA) = value;
	*reg(MAC_CSR_CMD) = CSR_BUSY | r;
	return wait_for(MAC_CSR_CMD, CSR_BUSY, 0);
}

/* §5.4.6: starts an access to a register of the PHY and waits for its end. */
static int mii_access(uint32_t command)
{
	ktime deadline = clock_after_ms(WAIT_MS);
	int rc = mac_write(MAC_MII_ACC, MII_PHY | command | MII_BUSY);
	uint32_t acc = MII_BUSY;

	while (rc == 0 && (acc & MII_BUSY)) {
		if (clock_now() >= deadline) {
			counters[LATE].n++;
			return -ETIMEDOUT;
		}
		rc = mac_read(MAC_MII_ACC, &acc);
	}
	return rc;
}

static int mii_read(unsigned r, uint32_t *value)
{
	int rc = mii_access(r << 6);

	return rc < 0 ? rc : mac_read(MAC_MII_DATA, value);
}

static int mii_write(unsigned r, uint32_t value)
{
	int rc = mac_write(MAC_MII_DATA, value);

	return rc < 0 ? rc : mii_access(r << 6 | MII_WRITE);
}

static uint32_t mac_cr(void)
{
	return CR_ON | (nic.full_duplex ? CR_FDPX : CR_RCVOWN);
}

/* What both ends can do best (IEEE 802.3 annex 28B.3). */
static int follow_duplex(void)
{
	uint32_t ours = 0, theirs = 0, both;
	int rc = mii_read(ANAR, &ours);

	if (rc == 0)
		rc = mii_read(ANLPAR, &theirs);
	if (rc < 0)
		return rc;
	both = ours & theirs;
	nic.full_duplex = both & AN_100_FULL || (!(both & AN_100_HALF) && both & AN_10_FULL);
	return mac_write(MAC_CR, mac_cr());
}

/* ---- Receive ------------------------------------------------------------------ */

/* §5.3.11: bits 23:16 frames, 15:0 bytes in the FIFOs. */
static uint32_t rx_level(void)
{
	settle(3);
	return *reg(RX_FIFO_INF);
}

/* §3.13.1.2: stops the receiver, empties both FIFOs, and starts it again. */
static void rx_resync(void)
{
	counters[RX_RESYNCS].n++;
	mac_write(MAC_CR, mac_cr() & ~CR_RXEN);
	wait_for(INT_STS, INT_RXSTOP, INT_RXSTOP);
	*reg(RX_CFG) = RX_CFG_OFFSET(SHIFT) | RX_CFG_DUMP;
	wait_for(RX_CFG, RX_CFG_DUMP, 0);
	*reg(INT_STS) = INT_RXSTOP | INT_RXE;
	mac_write(MAC_CR, mac_cr());
}

/* Reads a frame of that many words into a buffer, FCS and all. */
static struct frame *rx_take(unsigned words, unsigned len)
{
	struct frame *f = nic.unused[--nic.free];
	uint32_t *to = (uint32_t *)(f->data - SHIFT);

	while (words-- > 0)
		*to++ = *reg(RX_DATA);
	f->len = (uint16_t)len;
	nic.lent[f->index] = true;
	counters[RX_FRAMES].n++;
	return f;
}

static void rx_drop(unsigned words)
{
	while (words-- > 0)
		(void)*reg(RX_DATA);
	counters[RX_BAD].n++;
}

/* No more frames than there were at first, so that a flood of broken ones ends. */
static struct frame *net_recv(struct netdev *nd)
{
	uint32_t level = nic.free > 0 ? rx_level() : 0;
	unsigned used = level & 0xffff;

	for (unsigned n = level >> 16 & 0xff; n > 0; n--) {
		uint32_t status = *reg(RX_STATUS);
		unsigned len = status >> 16 & 0x3fff, words = (SHIFT + len + 3) / 4;

		if (len == 0 || words * 4 > used) {
			rx_resync();
			break;
		}
		used -= words * 4;
		if (!(status & RX_UNFIT) && len >= FRAME_MIN + FCS && len <= NETDEV_FRAME_MAX + FCS)
			return rx_take(words, len - FCS);
		rx_drop(words);
	}
	return NULL;
}

static void net_release(struct netdev *nd, struct frame *f)
{
	unsigned i = (unsigned)(f - nic.frame);

	ASSERT(i < nic.count && nic.lent[i]);
	nic.lent[i] = false;
	nic.unused[nic.free++] = f;
}

/* ---- Send --------------------------------------------------------------------- */

/* Takes what has been said about frames sent: true when there is room for one. */
static bool tx_room(void)
{
	uint32_t level;

	settle(3);
	level = *reg(TX_FIFO_INF);      /* §5.3.12: bits 23:16 states, 15:0 bytes free */
	for (unsigned n = level >> 16 & 0xff; n > 0; n--)
		if (*reg(TX_STATUS) & TX_ERROR)
			counters[TX_BAD].n++;
	return (level & 0xffff) >= TX_ROOM;
}

/* §3.12.8: stops the transmitter, empties both FIFOs, and starts it again. */
static void tx_resync(void)
{
	counters[TX_RESYNCS].n++;
	*reg(TX_CFG) = TX_CFG_SAO | TX_CFG_STOP;
	wait_for(INT_STS, INT_TXSTOP, INT_TXSTOP);
	*reg(TX_CFG) = TX_CFG_SAO | TX_CFG_DUMP;
	wait_for(TX_CFG, TX_CFG_DUMP, 0);
	*reg(INT_STS) = INT_TXSTOP | INT_TXE | INT_TDFO;
	*reg(TX_CFG) = TX_CFG_SAO | TX_CFG_ON;
}

static uint8_t *net_tx_get(struct netdev *nd)
{
	nic.starved = !tx_room();
	if (nic.starved) {
		counters[TX_FULL].n++;
		return NULL;
	}
	return nic.tx + SHIFT;
}

static void net_tx_put(struct netdev *nd, size_t len, struct tx_csum csum)
{
	const uint32_t *from = (const uint32_t *)nic.tx;

	ASSERT(len >= FRAME_MIN && len <= NETDEV_FRAME_MAX);
	*reg(TX_DATA) = CMD_A(SHIFT, (uint32_t)len);
	*reg(TX_DATA) = CMD_B((uint32_t)len);
	for (size_t words = (SHIFT + len + 3) / 4; words > 0; words--)
		*reg(TX_DATA) = *from++;
	counters[TX_FRAMES].n++;
}

/* The FIFO has it already. */
static void net_flush(struct netdev *nd)
{
}

/* ---- Waiting, and once a second ------------------------------------------------- */

static void recover(uint32_t causes)
{
	if (causes & INT_RXE)
		rx_resync();
	if (causes & (INT_TXE | INT_TDFO))
		tx_resync();
}

/* Forgets what was signalled before it looks, so nothing is lost in between.
 * Without a free buffer, frames wait in the FIFO and nobody for them. */
static bool net_arm(struct netdev *nd)
{
	uint32_t want = (nic.free > 0 ? INT_RSFL : 0) | (nic.starved ? INT_TDFA : 0);

	*reg(INT_STS) = INT_RSFL | INT_TDFA;
	if (want != nic.wanted)
		*reg(INT_EN) = nic.wanted = want;
	return (nic.free > 0 && rx_level() >> 16 > 0) || (nic.starved && tx_room());
}

/* A PHY without registers counts as up. While it cannot be asked, as before. */
static bool net_link(struct netdev *nd)
{
	uint32_t status;
	bool up;

	recover(*reg(INT_STS) & INT_ERRORS);
	counters[RX_DROPPED].n += *reg(RX_DROP);
	if (mii_read(BMSR, &status) < 0)
		return nic.link;
	status &= 0xffff;
	up = status & BMSR_LINK || status == 0;
	if (up && !nic.link && follow_duplex() < 0)
		return false;
	return nic.link = up;
}

/* ---- Boot --------------------------------------------------------------------- */

/* Which chip it is: 0 or -errno. */
static int identify(void)
{
	uint32_t id;

	/* §3.10: it wakes up by this write; its byte order is little-endian by wiring. */
	*reg(BYTE_TEST) = 0;
	if (*reg(BYTE_TEST) != BYTE_TEST_VALUE)
		return -ENODEV;
	if (wait_for(PMT_CTRL, PMT_READY, PMT_READY) < 0)
		return -ETIMEDOUT;
	id = *reg(ID_REV) >> 16;
	if (id == ID_LAN9118 || id == ID_LAN9220)
		return 0;
	log_error("lan9118: %04x is not the id of a LAN9118 or LAN9220", (unsigned)id);
	return -ENODEV;
}

/* The address that the EEPROM holds, or one of our own, locally administered. */
static int set_address(struct netdev *nd)
{
	uint32_t low, high;
	int rc = mac_read(MAC_ADDRL, &low);

	if (rc == 0)
		rc = mac_read(MAC_ADDRH, &high);
	if (rc < 0)
		return rc;
	high &= 0xffff;
	if (!(low & 1) && (low | high)) {
		memcpy(nd->mac, &low, 4);
		memcpy(nd->mac + 4, &high, 2);
		return 0;
	}
	random_bytes(nd->mac, sizeof(nd->mac));
	nd->mac[0] = (nd->mac[0] & 0xfc) | 2;
	memcpy(&low, nd->mac, 4);
	high = 0;
	memcpy(&high, nd->mac + 4, 2);
	rc = mac_write(MAC_ADDRH, high);
	return rc < 0 ? rc : mac_write(MAC_ADDRL, low);
}

/* Left to negotiate as it does by itself, unless something has told it not to. */
static int start_phy(void)
{
	uint32_t control;
	int rc = mii_read(BMCR, &control);

	if (rc == 0 && (control & (BMCR_AUTO | BMCR_POWER_DOWN)) != BMCR_AUTO)
		rc = mii_write(BMCR, BMCR_AUTO | BMCR_RESTART);
	return rc;
}

static int make_buffers(struct netdev *nd)
{
	size_t n = MIN(mem_dma_pool().size / STRIDE, RX_MAX + 1u);
	uint8_t *buffers = n > RX_MIN ? mem_dma_alloc(n * STRIDE, 64) : NULL;

	if (!buffers)
		return -ENOMEM;
	nic.count = (unsigned)n - 1;
	nic.free = 0;
	for (unsigned i = 0; i < nic.count; i++) {
		nic.frame[i] = (struct frame){
			.data = buffers + i * STRIDE + SHIFT, .index = (uint16_t)i,
		};
		nic.lent[i] = false;
		nic.unused[nic.free++] = &nic.frame[i];
	}
	nic.tx = buffers + nic.count * STRIDE;
	nd->rx_count = (uint16_t)nic.count;
	return 0;
}

/* §3.11.1, §5.3.9: soft reset, then the EEPROM's address is loaded. */
static int reset(void)
{
	int rc;

	*reg(HW_CFG) = HW_CFG_SRST;
	rc = wait_for(HW_CFG, HW_CFG_SRST, 0);
	if (rc == 0)
		rc = wait_for(E2P_CMD, E2P_BUSY, 0);
	*reg(HW_CFG) = HW_CFG_SF | HW_CFG_TX_5K;
	*reg(INT_EN) = nic.wanted = 0;
	*reg(INT_STS) = UINT32_MAX;
	*reg(FIFO_INT) = TX_ROOM / TX_ROOM_BLOCK << 24;
	*reg(IRQ_CFG) = IRQ_HIGH_LEVEL;
	return rc;
}

static int net_open(struct netdev *nd, const struct device *dev)
{
	int rc;

	if (dev->base & (PAGE_SIZE - 1))
		return -EINVAL;
	nic.base = dev->base;
	nic.starved = nic.link = nic.full_duplex = false;
	rc = identify();
	if (rc == 0)
		rc = reset();
	if (rc == 0)
		rc = set_address(nd);
	if (rc == 0)
		rc = start_phy();
	if (rc == 0)
		rc = make_buffers(nd);
	if (rc < 0)
		return rc;
	nd->mtu = NETDEV_FRAME_MAX - FRAME_MIN;
	snprintf(nd->where, sizeof(nd->where), "0x%lx", (unsigned long)dev->base);
	counters_add(counters, ARRAY_LEN(counters));
	arch_map(nic.base, nic.base, PAGE_SIZE, PROT_R | PROT_W | PROT_DEVICE);
	arch_irq_enable(dev->irq, NULL, NULL);

	*reg(RX_CFG) = RX_CFG_OFFSET(SHIFT);
	*reg(TX_CFG) = TX_CFG_SAO | TX_CFG_ON;
	return mac_write(MAC_CR, mac_cr());
}

const struct netdev_ops lan9118 = {
	.name = "lan9118",
	.kind = DEV_LAN9118,
	.open = net_open,
	.recv = net_recv,
	.release = net_release,
	.tx_get = net_tx_get,
	.tx_put = net_tx_put,
	.flush = net_flush,
	.arm = net_arm,
	.link = net_link,
};
