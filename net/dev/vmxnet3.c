/* SPDX-License-Identifier: MIT */
/* VMware's paravirtual NIC, revision 1 of its device and UPT interfaces, with one queue
 * each way. There is no public specification; the layout of what is shared with the
 * device is a fact of the interface. QEMU: -device vmxnet3.
 *
 * The device learns at activation from a shared area where rings are. That lies in
 * sealed pages, and the register by which it could be moved is out of the payload's reach.
 * Of its commands the warden sends one, for the link, whose answer can be read. What it
 * completes is told in rings of their own in the DMA pool, where nothing is trusted. */
#include <errno.h>
#include <string.h>

#include "kernel/dev/pci.h"
#include "kernel/mem.h"
#include "net/dev/ring.h"
#include "net/dev/vmxnet3.h"

#define ID 0x15ad07b0u
#define STRIDE(frame) ALIGN_UP(RING_SHIFT + (frame), 64u)
#define SPAN 16384u                    /* what a length of 0 means */
#define WORD_ALL (~0ull)
#define BODY_RING 32u                  /* the second receive ring: it has to be there, empty */
#define LINK_UP 1u

/* One NIC per image. */
static struct {
	volatile uint8_t *pass, *regs;      /* BAR 0 and 1 */
	const volatile uint8_t *shown;      /* BAR 1, to read */
	struct shared *shared;
	struct ring_rx rx;
	struct ring tx;
	struct completion *rx_done, *tx_done;
	uint16_t rx_seen, tx_seen;          /* completions taken */
	int link_gate;
} nic;

static void set(unsigned reg, uint32_t value)
{
	*(volatile uint32_t *)(nic.regs + reg) = value;
}

static uint32_t get(unsigned reg)
{
	return *(volatile uint32_t *)(nic.regs + reg);
}

static uint32_t ask(uint32_t command)
{
	set(COMMAND, command);
	return get(COMMAND);
}

/* ---- Boot ------------------------------------------------------------------- */

static void reset(void)
{
	set(COMMAND, QUIESCE);
	set(COMMAND, RESET);
}

/* Of each interface the first revision is offered and taken. */
static int agree(const char *where)
{
	if (!(get(REVISIONS) & 1) || !(get(UPT_REVISIONS) & 1)) {
		log_error("%s: knows no revision 1", where);
		return -ENOTSUP;
	}
	set(REVISIONS, 1);
	set(UPT_REVISIONS, 1);
	return 0;
}

/* A frame is received into one buffer: one that is longer does not go on in the next, but in the
 * body ring, if anywhere. */
static int make_rings(uint16_t frame_max, const char *where)
{
	const uint16_t stride = (uint16_t)STRIDE(frame_max);
	struct ring_config rx = {
		.stride = stride, .frame_max = frame_max, .span = SPAN,
		.doorbell = nic.pass + RX_PRODUCED, .keep = WORD_ALL, .generation = RX_GENERATION,
	};
	struct ring_config tx = {
		.stride = stride, .frame_max = frame_max, .span = SPAN,
		.doorbell = nic.pass + TX_PRODUCED, .keep = WORD_ALL, .generation = TX_GENERATION,
	};
	struct arch_queue link = {
		.notify = nic.regs + COMMAND, .notify_value = GET_LINK, .notify_width = 4,
		.size = 1,
	};
	int rc;

	rx.size = ring_size(RING_MAX, stride, 2);
	tx.size = ring_size(RING_MAX, stride, 4);
	rc = ring_rx_make(&nic.rx, &rx, frame_max, where);
	if (rc == 0)
		rc = ring_make(&nic.tx, &tx, where);
	if (rc < 0)
		return rc;
	nic.rx_done = mem_dma_alloc(rx.size * sizeof(*nic.rx_done), RING_ALIGN);
	nic.tx_done = mem_dma_alloc(tx.size * sizeof(*nic.tx_done), RING_ALIGN);
	nic.rx_seen = nic.tx_seen = 0;
	if (!nic.rx_done || !nic.tx_done) {
		log_error("%s: no DMA memory for completions", where);
		return -ENOMEM;
	}
	nic.link_gate = arch_queue_add(&link);
	if (nic.link_gate < 0)
		log_error("%s: the warden's queue table is full", where);
	return MIN(nic.link_gate, 0);
}

/* `own_vector`: completions of what is sent may have a vector that stays masked. */
static void fill_shared(struct shared *s, bool own_vector)
{
	uint64_t queues = mem_dma_addr(s) + offsetof(struct shared, tx);

	*s = (struct shared){
		.magic = MAGIC,
		.driver_version = DRIVER_VERSION,
		.guest = GUEST_LINUX_64,
		.revisions = 1,
		.upt_revisions = 1,
		.features = FEATURE_RX_SUM,
		.queues_at = queues,
		.queues_len = sizeof(s->tx) + sizeof(s->rx),
		.mtu = nic.tx.frame_max - RING_FRAME_MIN,
		.tx_queues = 1,
		.rx_queues = 1,
		.interrupts = own_vector ? 2 : 1,
		.rx_mode = MODE_UNICAST | MODE_BROADCAST | MODE_ALL_MULTICAST,
	};
	s->tx.ring_at = mem_dma_addr(nic.tx.desc);
	s->tx.done_at = mem_dma_addr(nic.tx_done);
	s->tx.size = s->tx.done_size = nic.tx.size;
	s->tx.interrupt = own_vector;
	s->rx.ring_at[0] = mem_dma_addr(nic.rx.ring.desc);
	s->rx.ring_at[1] = mem_dma_addr(s->body);
	s->rx.done_at = mem_dma_addr(nic.rx_done);
	s->rx.size[0] = nic.rx.ring.size;
	s->rx.size[1] = BODY_RING;
	s->rx.done_size = nic.rx.ring.size;
}

static int start(struct netdev *nd, const struct device *dev)
{
	enum pci_irq irq = pci_interrupt(dev, nic.regs + ICR, false);
	uint64_t at = mem_dma_addr(nic.shared);

	nd->polled = irq == PCI_POLLED;
	fill_shared(nic.shared, irq == PCI_MSIX);
	set(SHARED_LOW, (uint32_t)at);
	set(SHARED_HIGH, (uint32_t)(at >> 32));
	if (ask(ACTIVATE) != 0) {
		log_error("%s: refuses to be activated", nd->where);
		return -EIO;
	}
	ring_flush(&nic.rx.ring);
	set(COMMAND, UPDATE_RX_MODE);
	*(volatile uint32_t *)(nic.pass + MASK) = irq == PCI_POLLED;
	return 0;
}

static bool vmxnet3_is(const struct device *dev)
{
	return dev->arg == ID;
}

static int vmxnet3_open(struct netdev *nd, const struct device *dev)
{
	const uint16_t frame_max = ring_frame_max(nd->mtu_wanted, STRIDE(nd->mtu_wanted + 14u));
	uint32_t low, high;
	int rc;

	if (dev->arg != ID)
		return -ENODEV;
	pci_name(dev, nd->where, sizeof(nd->where));
	rc = pci_enable(dev);
	if (rc < 0)
		return rc;
	nic.pass = pci_map(dev, 0, 0, PAGE_SIZE);
	nic.regs = pci_map(dev, 1, 0, PAGE_SIZE);
	nic.shown = pci_show(dev, 1, 0);
	if (!nic.pass || !nic.regs || !nic.shown) {
		log_error("%s: its registers cannot be mapped", nd->where);
		return -ENOTSUP;
	}
	reset();
	pci_master(dev);
	rc = agree(nd->where);
	if (rc < 0)
		return rc;
	low = get(MAC_LOW);
	high = get(MAC_HIGH);
	memcpy(nd->mac, &low, 4);
	memcpy(nd->mac + 4, &high, 2);
	_Static_assert(sizeof(struct shared) <= PAGE_SIZE, "one page");
	nic.shared = mem_sealed_pages(1);
	if (!nic.shared) {
		log_error("%s: no sealed page", nd->where);
		return -ENOMEM;
	}
	rc = make_rings(frame_max, nd->where);
	if (rc == 0)
		rc = start(nd, dev);
	if (rc < 0)
		return rc;
	nd->mtu = frame_max - RING_FRAME_MIN;
	nd->rx_count = nic.rx.ring.size - 1u;
	nd->rx_csum = nd->tx_csum = true;
	return 0;
}

static int vmxnet3_close(struct netdev *nd)
{
	reset();
	return 0;
}

/* ---- Any time --------------------------------------------------------------- */

/* Whether completion `seen` of a ring of `size` is there: then its generation bit is that
 * of this turn. */
static bool done(const struct completion *ring, uint16_t size, uint16_t seen)
{
	uint32_t word = *(const volatile uint32_t *)&ring[seen & (size - 1)].last;
	bool is = (word >> 31) == !(seen & size);

	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return is;
}

static bool rx_ready(void)
{
	return done(nic.rx_done, nic.rx.ring.size, nic.rx_seen);
}

/* The frame of one completion, or NULL. Slots come back in turn; one that is passed over
 * by the device has nothing in it. */
static struct frame *rx_take(const volatile struct completion *c)
{
	uint32_t first = c->first, third = c->third, last = c->last;
	unsigned slot = RX_SLOT(first), skipped = 0;
	bool whole = (first & (RX_SOP | RX_EOP)) == (RX_SOP | RX_EOP);
	struct frame *f;

	skipped = (slot - nic.rx.ring.tail) & nic.rx.ring.mask;
	if (slot >= nic.rx.ring.size || skipped >= ring_busy(&nic.rx.ring)) {
		ring_counters[RING_RX_BAD].n++;
		return NULL;
	}
	for (; skipped > 0; skipped--)
		(void)ring_rx_take(&nic.rx, 0, false);
	f = ring_rx_take(&nic.rx, RX_LEN(third), whole && !(third & RX_ERROR));
	if (f)
		f->csum_ok = !(first & RX_NO_SUM) && (last & RX_SUM_OK) && (last & RX_TCP_UDP) &&
			     !(last & RX_FRAGMENT);
	return f;
}

static struct frame *vmxnet3_recv(struct netdev *nd)
{
	struct frame *f = NULL;

	for (unsigned n = nic.rx.ring.size; n > 0 && !f && rx_ready(); n--)
		f = rx_take(&nic.rx_done[nic.rx_seen++ & nic.rx.ring.mask]);
	return f;
}

static void vmxnet3_release(struct netdev *nd, struct frame *f)
{
	ring_rx_release(&nic.rx, f);
}

/* A completion gives back all slots up to the one that it names. */
static void tx_reclaim(void)
{
	for (unsigned n = nic.tx.size; n > 0 && done(nic.tx_done, nic.tx.size, nic.tx_seen); n--) {
		unsigned slot = nic.tx_done[nic.tx_seen++ & nic.tx.mask].first & SLOT_MASK;
		unsigned more = ((slot - nic.tx.tail) & nic.tx.mask) + 1;

		if (slot < nic.tx.size && more <= ring_busy(&nic.tx))
			nic.tx.tail += (uint16_t)more;
		else
			ring_counters[RING_TX_BAD].n++;
	}
}

static uint8_t *vmxnet3_tx_get(struct netdev *nd)
{
	if (ring_full(&nic.tx))
		tx_reclaim();
	if (ring_full(&nic.tx)) {
		ring_counters[RING_TX_FULL].n++;
		return NULL;
	}
	return ring_buf(&nic.tx, nic.tx.head & nic.tx.mask);
}

static void vmxnet3_tx_put(struct netdev *nd, size_t len, struct tx_csum csum)
{
	uint64_t word = len | TX_EOP | TX_REPORT;

	ASSERT(len >= RING_FRAME_MIN && len <= nic.tx.frame_max);
	if (csum.start)
		word |= TX_SUM | TX_HEADERS(csum.start) | TX_SUM_AT(csum.start + csum.offset);
	ring_stage(&nic.tx, nic.tx.head & nic.tx.mask, word);
	ring_counters[RING_TX_FRAMES].n++;
}

/* Completions of what was sent are taken even while there is room: their ring is no
 * longer than the other. */
static void vmxnet3_flush(struct netdev *nd)
{
	ring_flush(&nic.tx);
	tx_reclaim();
	ring_rx_flush(&nic.rx);
}

/* Always asked for. */
static bool vmxnet3_arm(struct netdev *nd)
{
	return rx_ready();
}

static bool vmxnet3_link(struct netdev *nd)
{
	arch_notify((unsigned)nic.link_gate);
	return *(const volatile uint32_t *)(nic.shown + COMMAND) & LINK_UP;
}

const struct netdev_ops vmxnet3 = {
	.name = "vmxnet3",
	.kind = DEV_PCI_FUNCTION,
	.is = vmxnet3_is,
	.open = vmxnet3_open,
	.recv = vmxnet3_recv,
	.release = vmxnet3_release,
	.tx_get = vmxnet3_tx_get,
	.tx_put = vmxnet3_tx_put,
	.flush = vmxnet3_flush,
	.arm = vmxnet3_arm,
	.link = vmxnet3_link,
	.close = vmxnet3_close,
};
