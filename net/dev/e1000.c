/* SPDX-License-Identifier: MIT */
/* Intel's gigabit NICs as hypervisors emulate them: 82540EM and its kin (8254x Software
 * Developer's Manual 317453, "SDM") and 82574L (its datasheet, section 10), by the
 * legacy descriptors that all of them know. QEMU: -device e1000, e1000e.
 *
 * Interrupts are always on; reading ICR (§13.4.17) takes them away, which the warden does
 * when one wakes the CPU. None comes for what was sent. Checksums of what is sent
 * are not left to the NIC: that takes descriptors without an address in them. After the
 * seal one page of registers can be read, for the link, and none written. */
#include <errno.h>
#include <string.h>

#include "kernel/clock.h"
#include "kernel/counter.h"
#include "kernel/dev/pci.h"
#include "kernel/mem.h"
#include "net/dev/ring.h"

/* Registers, SDM §13.4. */
enum {
	CTRL = 0x0000,
	STATUS = 0x0008,
	EERD = 0x0014,
	ICR = 0x00c0,
	ITR = 0x00c4,
	IMS = 0x00d0,
	IMC = 0x00d8,
	RCTL = 0x0100,
	TCTL = 0x0400,
	TIPG = 0x0410,
	RDBAL = 0x2800, RDBAH = 0x2804, RDLEN = 0x2808, RDH = 0x2810, RDT = 0x2818,
	RDTR = 0x2820,
	TDBAL = 0x3800, TDBAH = 0x3804, TDLEN = 0x3808, TDH = 0x3810, TDT = 0x3818,
	RXCSUM = 0x5000,
	RAL0 = 0x5400,
	RAH0 = 0x5404,
	REGS_SIZE = 0x6000,
};

#define CTRL_LRST (1u << 3)
#define CTRL_ASDE (1u << 5)            /* speed as the PHY found it */
#define CTRL_SLU (1u << 6)             /* the link is wanted */
#define CTRL_ILOS (1u << 7)
#define CTRL_RST (1u << 26)
#define CTRL_VME (1u << 30)
#define CTRL_PHY_RST (1u << 31)
#define STATUS_LU (1u << 1)
#define IRQ_LSC (1u << 2)
#define IRQ_RXDMT0 (1u << 4)
#define IRQ_RXO (1u << 6)
#define IRQ_RXT0 (1u << 7)
#define RCTL_EN (1u << 1)
#define RCTL_MPE (1u << 4)             /* every multicast */
#define RCTL_LPE (1u << 5)             /* frames of more than 1522 bytes */
#define RCTL_BAM (1u << 15)
#define RCTL_BSIZE_16384 (1u << 16 | 1u << 25)      /* else 2048 */
#define RCTL_SECRC (1u << 26)          /* no FCS in the buffer */
#define TCTL_EN (1u << 1)
#define TCTL_PSP (1u << 3)
#define TCTL_COLLISIONS (15u << 4 | 64u << 12)
#define TIPG_COPPER (8u | 8u << 10 | 6u << 20)
#define RXCSUM_OFFLOAD (1u << 8 | 1u << 9)
#define RAH_VALID (1u << 31)
#define EERD_START 1u

/* Receive descriptor, SDM §3.2.3: length, checksum, status, errors. */
#define RX_LEN(w) ((unsigned)(w) & 0xffff)
#define RX_DD (1ull << 32)
#define RX_EOP (1ull << 33)
#define RX_NO_SUMS (1ull << 34)
#define RX_TCP_SUM (1ull << 37)
#define RX_ERRORS (0x97ull << 40)      /* CE, SE, SEQ, CXE, RXE */
#define RX_TCP_WRONG (1ull << 45)
#define RX_IP_WRONG (1ull << 46)

/* Transmit descriptor, SDM §3.3.3: length, command, status. */
#define TX_LEN (nic.buffer - 1u)       /* what a length that is kept can say */
#define TX_EOP (1ull << 24)
#define TX_FCS (1ull << 25)
#define TX_REPORT (1ull << 27)
#define TX_DD (1ull << 32)

#define BUFFER 2048u
#define BUFFER_LARGE 16384u            /* LPE lets in no frame that is longer */
#define RESET_MS 100
#define RESET_PAUSE_US 10              /* §13.4.1: no access before */
#define EEPROM_MS 10

/* Which they are, and where EERD (§13.4.4) has its address and its "done". */
static const struct card {
	uint32_t id;
	uint8_t address, done;
} cards[] = {
	{ 0x8086100e, 8, 4 },          /* 82540EM */
	{ 0x8086100f, 8, 4 },          /* 82545EM */
	{ 0x80861008, 8, 4 },          /* 82544EI */
	{ 0x808610d3, 2, 1 },          /* 82574L */
};

/* One NIC per image. */
static struct {
	volatile uint8_t *regs;
	const volatile uint8_t *shown;  /* the first page of them, to read */
	const struct card *card;
	struct ring_rx rx;
	struct ring tx;
	uint16_t buffer;               /* bytes, as RCTL says */
	bool split;                    /* parts of a frame that is too long are coming in */
} nic;

static uint32_t get(unsigned reg)
{
	return *(volatile uint32_t *)(nic.regs + reg);
}

static void set(unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(nic.regs + reg) = value;
}

/* ---- Boot ------------------------------------------------------------------- */

static void pause_us(unsigned us)
{
	ktime until = clock_now() + us * (ktime)1000;

	while (clock_now() < until)
		;
}

/* SDM §14.3; what it did before is over. */
static int reset(const char *where)
{
	ktime deadline = clock_after_ms(RESET_MS);

	set(IMC, ~0u);
	set(RCTL, 0);
	set(TCTL, 0);
	set(CTRL, get(CTRL) | CTRL_RST);
	pause_us(RESET_PAUSE_US);
	while (get(CTRL) & CTRL_RST) {
		if (clock_now() > deadline) {
			log_error("%s: does not come out of its reset", where);
			return -EIO;
		}
	}
	set(IMC, ~0u);
	(void)get(ICR);
	return 0;
}

static int eeprom_word(unsigned i, uint8_t *two)
{
	ktime deadline = clock_after_ms(EEPROM_MS);
	uint32_t v;

	set(EERD, EERD_START | i << nic.card->address);
	while (!((v = get(EERD)) & 1u << nic.card->done))
		if (clock_now() > deadline)
			return -ETIMEDOUT;
	two[0] = (uint8_t)(v >> 16);
	two[1] = (uint8_t)(v >> 24);
	return 0;
}

/* The address that a reset has loaded, or the EEPROM's own (SDM §5.6.1). */
static int read_mac(uint8_t mac[6], const char *where)
{
	uint32_t low = get(RAL0), high = get(RAH0);
	int rc = 0;

	memcpy(mac, &low, 4);
	memcpy(mac + 4, &high, 2);
	for (unsigned i = 0; !(high & RAH_VALID) && i < 3 && rc == 0; i++)
		rc = eeprom_word(i, mac + 2 * i);
	if (rc < 0 || (mac[0] & 1) || (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]) == 0) {
		log_error("%s: has no MAC address", where);
		return -EIO;
	}
	memcpy(&low, mac, 4);
	set(RAL0, low);
	set(RAH0, RAH_VALID | (uint32_t)mac[5] << 8 | mac[4]);
	return 0;
}

/* A frame lies in one buffer, of a size that the chip knows. */
static int make_rings(uint16_t frame_max, const char *where)
{
	struct ring_config rx = {
		.stride = nic.buffer, .frame_max = frame_max, .span = nic.buffer,
		.doorbell = nic.regs + RDT,
	};
	struct ring_config tx = {
		.stride = nic.buffer, .frame_max = frame_max, .span = nic.buffer,
		.doorbell = nic.regs + TDT, .keep = TX_LEN | TX_EOP | TX_FCS | TX_REPORT,
	};
	int rc;

	rx.size = ring_size(RING_MAX, nic.buffer, 2);
	tx.size = ring_size(RING_MAX, nic.buffer, 4);
	rc = ring_rx_make(&nic.rx, &rx, 0, where);
	return rc < 0 ? rc : ring_make(&nic.tx, &tx, where);
}

/* `base`: RDBAL or TDBAL; the other registers of a ring follow. */
static void tell_ring(unsigned base, const struct ring *r)
{
	uint64_t at = mem_dma_addr(r->desc);

	set(base, (uint32_t)at);
	set(base + RDBAH - RDBAL, (uint32_t)(at >> 32));
	set(base + RDLEN - RDBAL, r->size * (uint32_t)sizeof(struct ring_desc));
	set(base + RDH - RDBAL, 0);
	set(base + RDT - RDBAL, 0);
}

/* SDM §14.4 and §14.5. QEMU's 82540EM takes no frame for a second after RCTL is written. */
static void start(struct netdev *nd, const struct device *dev)
{
	set(CTRL, (get(CTRL) & ~(CTRL_LRST | CTRL_ILOS | CTRL_VME | CTRL_PHY_RST)) |
		  CTRL_ASDE | CTRL_SLU);
	tell_ring(RDBAL, &nic.rx.ring);
	tell_ring(TDBAL, &nic.tx);
	set(RDTR, 0);
	set(ITR, 0);
	set(RXCSUM, RXCSUM_OFFLOAD);
	set(TIPG, TIPG_COPPER);
	set(TCTL, TCTL_EN | TCTL_PSP | TCTL_COLLISIONS);
	set(RCTL, RCTL_EN | RCTL_MPE | RCTL_BAM | RCTL_SECRC |
		  (nic.buffer == BUFFER ? 0 : RCTL_LPE | RCTL_BSIZE_16384));
	ring_flush(&nic.rx.ring);
	nd->polled = pci_interrupt(dev, nic.regs + ICR, true) == PCI_POLLED;
	set(IMS, IRQ_RXT0 | IRQ_RXO | IRQ_RXDMT0 | IRQ_LSC);
}

static const struct card *card_of(const struct device *dev)
{
	for (unsigned i = 0; i < ARRAY_LEN(cards); i++)
		if (cards[i].id == dev->arg)
			return &cards[i];
	return NULL;
}

static bool e1000_is(const struct device *dev)
{
	return card_of(dev) != NULL;
}

static int e1000_open(struct netdev *nd, const struct device *dev)
{
	const uint16_t frame_max = ring_frame_max(nd->mtu_wanted, BUFFER_LARGE);
	int rc;

	nic.buffer = frame_max == NETDEV_FRAME_MAX ? BUFFER : BUFFER_LARGE;
	nic.card = card_of(dev);
	if (!nic.card)
		return -ENODEV;
	pci_name(dev, nd->where, sizeof(nd->where));
	rc = pci_enable(dev);
	if (rc < 0)
		return rc;
	nic.regs = pci_map(dev, 0, 0, REGS_SIZE);
	nic.shown = pci_show(dev, 0, 0);
	if (!nic.regs || !nic.shown) {
		log_error("%s: its registers cannot be mapped", nd->where);
		return -ENOTSUP;
	}
	rc = reset(nd->where);
	if (rc == 0)
		pci_master(dev);
	if (rc == 0)
		rc = read_mac(nd->mac, nd->where);
	if (rc == 0)
		rc = make_rings(frame_max, nd->where);
	if (rc < 0)
		return rc;
	nic.split = false;
	nd->mtu = frame_max - RING_FRAME_MIN;
	nd->rx_count = nic.rx.ring.size - 1u;
	nd->rx_csum = true;
	start(nd, dev);
	return 0;
}

static int e1000_close(struct netdev *nd)
{
	return reset(nd->where);
}

/* ---- Any time --------------------------------------------------------------- */

static bool rx_ready(void)
{
	return ring_busy(&nic.rx.ring) > 0 &&
	       (nic.rx.ring.desc[nic.rx.ring.tail & nic.rx.ring.mask].word & RX_DD);
}

static struct frame *e1000_recv(struct netdev *nd)
{
	for (unsigned n = nic.rx.ring.size; n > 0 && rx_ready(); n--) {
		uint64_t w = nic.rx.ring.desc[nic.rx.ring.tail & nic.rx.ring.mask].word;
		bool whole = (w & RX_EOP) && !nic.split;
		struct frame *f;

		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		f = ring_rx_take(&nic.rx, RX_LEN(w), whole && !(w & RX_ERRORS));
		nic.split = !(w & RX_EOP);
		if (!f)
			continue;
		/* SDM §3.2.9. */
		f->csum_ok = (w & RX_TCP_SUM) && !(w & (RX_NO_SUMS | RX_TCP_WRONG | RX_IP_WRONG));
		return f;
	}
	return NULL;
}

static void e1000_release(struct netdev *nd, struct frame *f)
{
	ring_rx_release(&nic.rx, f);
}

static bool tx_free(void)
{
	while (ring_busy(&nic.tx) > 0 &&
	       (nic.tx.desc[nic.tx.tail & nic.tx.mask].word & TX_DD))
		nic.tx.tail++;
	return !ring_full(&nic.tx);
}

static uint8_t *e1000_tx_get(struct netdev *nd)
{
	if (ring_full(&nic.tx) && !tx_free()) {
		ring_counters[RING_TX_FULL].n++;
		return NULL;
	}
	return ring_buf(&nic.tx, nic.tx.head & nic.tx.mask);
}

static void e1000_tx_put(struct netdev *nd, size_t len, struct tx_csum csum)
{
	ASSERT(len >= RING_FRAME_MIN && len <= nic.tx.frame_max && csum.start == 0);
	ring_stage(&nic.tx, nic.tx.head & nic.tx.mask, len | TX_EOP | TX_FCS | TX_REPORT);
	ring_counters[RING_TX_FRAMES].n++;
}

static void e1000_flush(struct netdev *nd)
{
	ring_flush(&nic.tx);
	ring_rx_flush(&nic.rx);
}

/* Always asked for. */
static bool e1000_arm(struct netdev *nd)
{
	return rx_ready();
}

static bool e1000_link(struct netdev *nd)
{
	return *(const volatile uint32_t *)(nic.shown + STATUS) & STATUS_LU;
}

const struct netdev_ops e1000 = {
	.name = "e1000",
	.kind = DEV_PCI_FUNCTION,
	.is = e1000_is,
	.open = e1000_open,
	.recv = e1000_recv,
	.release = e1000_release,
	.tx_get = e1000_tx_get,
	.tx_put = e1000_tx_put,
	.flush = e1000_flush,
	.arm = e1000_arm,
	.link = e1000_link,
	.close = e1000_close,
};
