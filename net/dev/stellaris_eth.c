/* SPDX-License-Identifier: MIT */
/* Ethernet controller of the Stellaris LM3S6965, with the PHY on the chip.
 *
 * LM3S6965 data sheet, ch. 15: 15.2.1.2 (frames in the FIFOs), 15.3 (set-up), 15.5 and 15.6
 * (registers of MAC and PHY). No DMA: whole frames are copied between two FIFOs of 2 KiB and
 * buffers here, by words, of which the first holds the length before the frame's first two
 * bytes, so that the IP header is aligned. QEMU: on -M lm3s6965evb; its PHY does not answer.
 * Outside: called only from the net loop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/counter.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "net/netdev.h"

#define MACRIS 0x00                    /* and, written, MACIACK */
#define INT_RX (1u << 0)
#define INT_TX_ERROR (1u << 1)
#define INT_TX_EMPTY (1u << 2)
#define INT_RX_OVERRUN (1u << 3)
#define INT_RX_ERROR (1u << 4)
#define INT_ALL 0x7fu
#define MACIM 0x04
#define MACRCTL 0x08
#define RCTL_ON (1u << 0)
#define RCTL_DROP_BAD_CRC (1u << 3)
#define RCTL_RESET_FIFO (1u << 4)
#define MACTCTL 0x0c
#define TCTL_ON (1u << 0 | 1u << 1 | 1u << 2 | 1u << 4)   /* pads, adds the FCS, full duplex */
#define MACDATA 0x10
#define MACIA0 0x14
#define MACIA1 0x18
#define MACMCTL 0x20
#define MCTL_START (1u << 0)
#define MCTL_REG(n) ((n) << 3)
#define MACMDV 0x24
#define MACMRXD 0x30
#define MACNP 0x34
#define NP_MASK 0x3fu
#define MACTR 0x38
#define TR_NEW (1u << 0)

#define MDC_HZ 2500000u
#define PHY_STATUS 1u                  /* IEEE 802.3 §22.2.4.2 */
#define PHY_LINK (1u << 2)
#define PHY_SPINS 1000u                /* a transfer takes 26 us */
#define TX_SPINS 20000u                /* a frame takes 123 us at 100 Mbit/s */

#define ETH_HEADER 14u
#define FRAME_MIN 60u                  /* without FCS */
#define LENGTH_FIELD 2u
#define RX_OVERHEAD (LENGTH_FIELD + 4u)          /* counted in a received frame's length */
#define FIFO_SIZE 2048u
#define BUFFER ALIGN_UP(NETDEV_FRAME_MAX + RX_OVERHEAD, 4u)
#define RX_MAX 16u

enum { RX_FRAMES, RX_BAD, RX_OVERRUN, RX_RESYNC, TX_FRAMES, TX_FULL, TX_BAD };
static struct counter counters[] = {
	[RX_FRAMES] = { .name = "stellaris_rx_frames_total" },
	[RX_BAD] = { .name = "stellaris_rx_bad_total" },
	[RX_OVERRUN] = { .name = "stellaris_rx_overruns_total" },
	[RX_RESYNC] = { .name = "stellaris_rx_resyncs_total" },
	[TX_FRAMES] = { .name = "stellaris_tx_frames_total" },
	[TX_FULL] = { .name = "stellaris_tx_full_total" },
	[TX_BAD] = { .name = "stellaris_tx_bad_total" },
};

/* One NIC per image. */
static struct {
	uintptr_t base;
	bool phy;                      /* it has answered whatever it was asked so far */
	bool starved;                  /* tx_get found the transmitter busy */
	uint16_t rx_count;
	uint16_t lent;                 /* bit i: the stack has buffer i */
	uint32_t *tx;
	uint32_t *rx;                  /* rx_count buffers */
	struct frame frame[RX_MAX];
} nic;

static volatile uint32_t *reg(unsigned offset)
{
	return (volatile uint32_t *)(nic.base + offset);
}

static uint32_t *rx_buffer(unsigned i)
{
	return nic.rx + i * (BUFFER / sizeof(uint32_t));
}

/* ---- Boot ------------------------------------------------------------------- */

/* The address that the board's maker left in two words of flash, or one of our own. */
static void choose_mac(struct netdev *nd, const struct device *dev)
{
	const volatile uint32_t *user = (const volatile uint32_t *)(uintptr_t)dev->base2;
	static const uint8_t none[6];

	for (unsigned i = 0; user && i < 6; i++)
		nd->mac[i] = (uint8_t)(user[i / 3] >> 8 * (i % 3));
	if (!(nd->mac[0] & 1) && memcmp(nd->mac, none, sizeof(none)) != 0)
		return;
	random_bytes(nd->mac, sizeof(nd->mac));
	nd->mac[0] = (nd->mac[0] & ~1u) | 2u;
}

/* What fits the NIC's memory beside the buffer to send from. */
static int make_buffers(struct netdev *nd)
{
	size_t n = mem_dma_pool().size / ALIGN_UP(BUFFER, 64u);

	if (n < 2)
		return -ENOMEM;
	nic.rx_count = (uint16_t)MIN(n - 1, RX_MAX);
	nic.tx = mem_dma_alloc(BUFFER, 4);
	nic.rx = mem_dma_alloc(nic.rx_count * BUFFER, 4);
	if (!nic.rx || !nic.tx)
		return -ENOMEM;
	for (unsigned i = 0; i < nic.rx_count; i++)
		nic.frame[i] = (struct frame){
			.data = (uint8_t *)rx_buffer(i) + LENGTH_FIELD, .index = (uint16_t)i,
		};
	nd->rx_count = nic.rx_count;
	return 0;
}

/* Empties the receiver's FIFO: how it is brought back into step, and started. */
static void restart_receiver(void)
{
	*reg(MACRCTL) = RCTL_DROP_BAD_CRC;
	*reg(MACRCTL) = RCTL_DROP_BAD_CRC | RCTL_RESET_FIFO;
	*reg(MACRCTL) = RCTL_DROP_BAD_CRC | RCTL_ON;
}

static int stellaris_open(struct netdev *nd, const struct device *dev)
{
	int rc;

	nic.base = (uintptr_t)dev->base;
	nic.phy = true;
	nic.starved = false;
	nic.lent = 0;
	*reg(MACIM) = 0;
	*reg(MACRCTL) = RCTL_RESET_FIFO;
	*reg(MACTCTL) = 0;
	rc = make_buffers(nd);
	if (rc < 0)
		return rc;
	choose_mac(nd, dev);
	*reg(MACIA0) = (uint32_t)nd->mac[0] | (uint32_t)nd->mac[1] << 8 |
		       (uint32_t)nd->mac[2] << 16 | (uint32_t)nd->mac[3] << 24;
	*reg(MACIA1) = (uint32_t)nd->mac[4] | (uint32_t)nd->mac[5] << 8;
	*reg(MACMDV) = dev->arg / (2 * MDC_HZ);
	*reg(MACTCTL) = TCTL_ON;
	restart_receiver();
	*reg(MACRIS) = INT_ALL;

	arch_map(nic.base, nic.base, dev->size, PROT_R | PROT_W | PROT_DEVICE);
	arch_irq_enable(dev->irq, NULL, NULL);
	nd->mtu = NETDEV_FRAME_MAX - ETH_HEADER;
	snprintf(nd->where, sizeof(nd->where), "%#x", (unsigned)nic.base);
	counters_add(counters, ARRAY_LEN(counters));
	return 0;
}

/* ---- Receiving ---------------------------------------------------------------- */

/* Errors are counted by their bits, so one for several of a kind in a row. */
static void count_errors(void)
{
	uint32_t ris = *reg(MACRIS) & (INT_RX_OVERRUN | INT_RX_ERROR | INT_TX_ERROR);

	if (!ris)
		return;
	*reg(MACRIS) = ris;
	counters[RX_OVERRUN].n += !!(ris & INT_RX_OVERRUN);
	counters[RX_BAD].n += !!(ris & INT_RX_ERROR);
	counters[TX_BAD].n += !!(ris & INT_TX_ERROR);
}

/* The next frame of the FIFO into a buffer: its length, or 0 if it is not one of ours. */
static uint16_t take_frame(uint32_t *to)
{
	uint32_t first = *reg(MACDATA);
	unsigned total = first & 0xffff, len = total - RX_OVERHEAD;

	if (total <= RX_OVERHEAD || total > FIFO_SIZE) {
		restart_receiver();            /* out of step: no telling where the next begins */
		counters[RX_RESYNC].n++;
		return 0;
	}
	if (len < FRAME_MIN || len > NETDEV_FRAME_MAX) {
		for (unsigned left = total; left > 4; left -= MIN(left, 4u))
			(void)*reg(MACDATA);
		counters[RX_BAD].n++;
		return 0;
	}
	to[0] = first;
	for (unsigned at = 1; at * 4 < total; at++)
		to[at] = *reg(MACDATA);
	return (uint16_t)len;
}

/* Looks at no more than the FIFO can hold, so that a flood of broken frames ends. */
static struct frame *stellaris_recv(struct netdev *nd)
{
	unsigned i = (unsigned)__builtin_ctz(~(uint32_t)nic.lent);

	if (i >= nic.rx_count)
		return NULL;
	for (unsigned n = NP_MASK; n > 0 && (*reg(MACNP) & NP_MASK); n--) {
		nic.frame[i].len = take_frame(rx_buffer(i));
		if (nic.frame[i].len > 0) {
			nic.lent |= (uint16_t)(1u << i);
			counters[RX_FRAMES].n++;
			return &nic.frame[i];
		}
	}
	return NULL;
}

static void stellaris_release(struct netdev *nd, struct frame *f)
{
	unsigned i = (unsigned)(f - nic.frame);

	ASSERT(i < nic.rx_count && (nic.lent & 1u << i));
	nic.lent &= (uint16_t)~(1u << i);
}

/* ---- Sending -------------------------------------------------------------------- */

static uint8_t *stellaris_tx_get(struct netdev *nd)
{
	unsigned spins = nic.starved ? 1 : TX_SPINS;

	while (*reg(MACTR) & TR_NEW) {
		if (--spins == 0) {
			nic.starved = true;
			counters[TX_FULL].n++;
			return NULL;
		}
	}
	nic.starved = false;
	return (uint8_t *)nic.tx + LENGTH_FIELD;
}

/* The length does not count the Ethernet header. */
static void stellaris_tx_put(struct netdev *nd, size_t len, struct tx_csum csum)
{
	ASSERT(len >= ETH_HEADER && len <= NETDEV_FRAME_MAX);
	if (len < FRAME_MIN) {
		memset((uint8_t *)nic.tx + LENGTH_FIELD + len, 0, FRAME_MIN - len);
		len = FRAME_MIN;
	}
	nic.tx[0] = (nic.tx[0] & 0xffff0000u) | (uint32_t)(len - ETH_HEADER);
	for (unsigned at = 0; at * 4 < LENGTH_FIELD + len; at++)
		*reg(MACDATA) = nic.tx[at];
	*reg(MACTR) = TR_NEW;
	counters[TX_FRAMES].n++;
}

static void stellaris_flush(struct netdev *nd)
{
}

/* ---- Waiting ---------------------------------------------------------------------- */

/* With all buffers lent, their release is what is waited for. */
static bool stellaris_arm(struct netdev *nd)
{
	count_errors();
	*reg(MACRIS) = INT_RX | INT_TX_EMPTY;
	*reg(MACIM) = INT_RX | INT_RX_OVERRUN | (nic.starved ? INT_TX_EMPTY : 0);
	if (nic.starved && !(*reg(MACTR) & TR_NEW))
		return true;
	return nic.lent != (1u << nic.rx_count) - 1 && (*reg(MACNP) & NP_MASK);
}

/* A PHY that does not answer, or with zeros, cannot tell. */
static bool stellaris_link(struct netdev *nd)
{
	unsigned spins = PHY_SPINS;
	uint32_t status;

	if (!nic.phy)
		return true;
	*reg(MACMCTL) = MCTL_REG(PHY_STATUS) | MCTL_START;
	while (*reg(MACMCTL) & MCTL_START)
		if (--spins == 0)
			break;
	status = *reg(MACMRXD) & 0xffff;
	nic.phy = spins > 0 && status != 0;
	return !nic.phy || (status & PHY_LINK);
}

const struct netdev_ops stellaris_eth = {
	.name = "stellaris",
	.kind = DEV_STELLARIS_ETH,
	.open = stellaris_open,
	.recv = stellaris_recv,
	.release = stellaris_release,
	.tx_get = stellaris_tx_get,
	.tx_put = stellaris_tx_put,
	.flush = stellaris_flush,
	.arm = stellaris_arm,
	.link = stellaris_link,
};
