/* SPDX-License-Identifier: MIT */
/* Network device (virtio 1.2 §5.1) with one pair of queues, over MMIO or PCI.
 *
 * Receive: descriptor i names buffer i for ever, in a table that nobody can
 * write after the seal; giving a buffer back is writing i into the avail ring.
 * Send: slots are used in turn; a descriptor is staged and the warden copies it
 * (arch_submit). The frame lies right behind its virtio header in one buffer.
 * All buffers lie in the DMA pool. Nothing that the device writes is trusted:
 * a bad completion is counted and passed over, a ring index that jumps stops
 * the NIC. Outside: called only from the net loop. */
#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/counter.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"
#include "kernel/random.h"
#include "net/netdev.h"

/* §5.1.3 feature bits. */
#define F_CSUM (1ull << 0)
#define F_GUEST_CSUM (1ull << 1)
#define F_MTU (1ull << 3)
#define F_MAC (1ull << 5)
#define F_STATUS (1ull << 16)

/* §5.1.4 device configuration. */
enum { CFG_MAC = 0, CFG_STATUS = 6, CFG_MTU = 10 };
#define STATUS_LINK_UP 1u
#define MTU_MIN 68u
#define FRAME_MIN 14u
#define MTU_USUAL (NETDEV_FRAME_MAX - 14u)
#define MTU_MAX 9000u

enum { RXQ = 0, TXQ = 1 };

/* §5.1.6. num_buffers is there with VERSION_1 whether it means something or not. */
struct net_hdr {
	uint8_t flags, gso_type;
	uint16_t hdr_len, gso_size, csum_start, csum_offset, num_buffers;
};
#define HDR_NEEDS_CSUM 1u
#define HDR_DATA_VALID 2u
#define HDR_MODERN ((unsigned)sizeof(struct net_hdr))
#define HDR_LEGACY (HDR_MODERN - 2u)   /* §5.1.6.1: without num_buffers */

/* The IP header, 14 bytes into the frame, is aligned to 4: the frame begins 14 bytes into
 * the buffer, right behind the virtio header. */
#define SHIFT 14u
#define ALIGN 512u
_Static_assert(sizeof(struct net_hdr) == 12, "header with num_buffers");
_Static_assert(SHIFT >= sizeof(struct net_hdr), "fits");
_Static_assert(sizeof(struct net_hdr) + MTU_MAX + FRAME_MIN <= ARCH_REACH, "can be sent");

#define RX_MIN 64u
#define RX_MAX 256u
#define TX_MIN 32u
#define TX_MAX 256u

enum { RX_FRAMES, RX_BAD, TX_FRAMES, TX_FULL, TX_BAD, DOORBELLS, BROKEN };
static struct counter counters[] = {
	[RX_FRAMES] = { .name = "virtio_net_rx_frames_total" },
	[RX_BAD] = { .name = "virtio_net_rx_bad_total" },
	[TX_FRAMES] = { .name = "virtio_net_tx_frames_total" },
	[TX_FULL] = { .name = "virtio_net_tx_full_total" },
	[TX_BAD] = { .name = "virtio_net_tx_bad_total" },
	[DOORBELLS] = { .name = "virtio_net_rx_doorbells_total" },
	[BROKEN] = { .name = "virtio_net_broken" },
};

/* One NIC per image. */
static struct {
	struct virtio dev;
	struct virtqueue rx, tx;
	unsigned hdr;                   /* bytes of the virtio header */
	unsigned frame_max, stride;     /* bytes of a frame, and from one buffer to the next */
	uint8_t *rx_buf, *tx_buf;
	uint16_t rx_bufs, tx_bufs;      /* powers of two, at most the queue's entries */
	struct vring_desc *staged;      /* of the send queue */
	uint16_t tx_staged;             /* queued, not yet submitted */
	bool tx_starved;                /* tx_get found no slot: wants an interrupt */
	bool broken;
	bool link;
	bool lent[RX_MAX];              /* the stack has the buffer, not the device */
	bool busy[TX_MAX];              /* the device has not completed the slot */
	struct frame frame[RX_MAX];
} nic;

static uint8_t *rx_frame(unsigned i)
{
	return nic.rx_buf + i * nic.stride + SHIFT;
}

static struct net_hdr *rx_hdr(unsigned i)
{
	return (struct net_hdr *)(rx_frame(i) - nic.hdr);
}

/* The buffer of a slot, and of what is sent next. */
static unsigned tx_of(unsigned slot)
{
	return slot & (nic.tx_bufs - 1u);
}

static uint8_t *tx_frame(unsigned i)
{
	return nic.tx_buf + i * nic.stride + SHIFT;
}

static struct net_hdr *tx_hdr(unsigned i)
{
	return (struct net_hdr *)(tx_frame(i) - nic.hdr);
}

/* ---- Boot ------------------------------------------------------------------- */

static int negotiate(struct netdev *nd)
{
	uint64_t want = F_CSUM | F_GUEST_CSUM | F_MAC | F_STATUS | F_MTU | VIRTIO_F_EVENT_IDX;
	const uint16_t most = (uint16_t)(nic.frame_max - FRAME_MIN);
	uint16_t mtu = most, status;
	int rc;

	/* §5.1.4.2: MTU is taken only if our buffers hold that much. */
	if (nic.dev.offered & F_MTU) {
		rc = virtio_config(&nic.dev, CFG_MTU, &mtu, sizeof(mtu));
		if (rc < 0)
			return rc;
		if (mtu < MTU_MIN || mtu > most) {
			want &= ~F_MTU;
			mtu = most;
		}
	}
	rc = virtio_negotiate(&nic.dev, want);
	if (rc < 0)
		return rc;

	/* §5.1.5: address, or one of our own, locally administered. */
	if (nic.dev.features & F_MAC) {
		rc = virtio_config(&nic.dev, CFG_MAC, nd->mac, sizeof(nd->mac));
		if (rc < 0)
			return rc;
	} else {
		random_bytes(nd->mac, sizeof(nd->mac));
		nd->mac[0] = (nd->mac[0] & ~1u) | 2u;
	}

	/* §5.1.5: without STATUS the link is taken to be up. */
	nic.link = true;
	if (nic.dev.features & F_STATUS) {
		rc = virtio_config(&nic.dev, CFG_STATUS, &status, sizeof(status));
		if (rc < 0)
			return rc;
		nic.link = status & STATUS_LINK_UP;
	}
	nd->mtu = mtu;
	nd->tx_csum = nic.dev.features & F_CSUM;
	nd->rx_csum = nic.dev.features & F_GUEST_CSUM;
	return 0;
}

/* Buffers for frames of that MTU, or of the usual one where there is no room for such. */
static void set_size(unsigned mtu)
{
	nic.frame_max = MIN(MAX(mtu, MTU_USUAL), MTU_MAX) + FRAME_MIN;
	nic.stride = ALIGN_UP(SHIFT + nic.frame_max, ALIGN);
	if ((uint64_t)(RX_MIN + TX_MIN) * nic.stride > mem_dma_pool().size / 2 && mtu > MTU_USUAL)
		set_size(MTU_USUAL);
}

/* A power of two between least and most whose buffers fill at most `share`. */
static unsigned count_for(uint64_t share, unsigned least, unsigned most)
{
	unsigned n = most;

	while (n > least && (uint64_t)n * nic.stride > share)
		n /= 2;
	return n;
}

static int no_buffers(unsigned n)
{
	log_error("%s: no DMA memory for %u buffers", nic.dev.where, n);
	return -ENOMEM;
}

static int make_rx(void)
{
	unsigned want = count_for(mem_dma_pool().size / 2, RX_MIN, RX_MAX);
	int rc = virtio_queue(&nic.dev, &nic.rx, RXQ, want);

	if (rc < 0)
		return rc;
	nic.rx_bufs = MIN(nic.rx.size, want);
	nic.rx_buf = mem_dma_alloc(nic.rx_bufs * nic.stride, 64);
	if (!nic.rx_buf)
		return no_buffers(nic.rx_bufs);

	/* §5.1.6.3.1: buffers for the header and a whole frame. */
	for (unsigned i = 0; i < nic.rx_bufs; i++) {
		nic.rx.desc[i] = (struct vring_desc){
			.addr = mem_dma_addr(rx_hdr(i)),
			.len = nic.hdr + nic.frame_max,
			.flags = VRING_DESC_WRITE,
		};
		nic.frame[i] = (struct frame){ .data = rx_frame(i), .index = (uint16_t)i };
		nic.lent[i] = false;
		virtq_post(&nic.rx, (uint16_t)i);
	}
	return virtio_queue_gate(&nic.rx, NULL);
}

static int make_tx(void)
{
	unsigned want = count_for(mem_dma_pool().size / 4, TX_MIN, TX_MAX);
	int rc = virtio_queue(&nic.dev, &nic.tx, TXQ, want);

	if (rc < 0)
		return rc;
	nic.tx_bufs = MIN(nic.tx.size, want);
	/* Behind the last buffer, too, lies as much as a descriptor can reach. */
	nic.tx_buf = mem_dma_alloc(nic.tx_bufs * nic.stride + ARCH_REACH, 64);
	nic.staged = mem_dma_alloc(nic.tx.size * sizeof(struct vring_desc), 64);
	if (!nic.tx_buf || !nic.staged)
		return no_buffers(nic.tx_bufs);

	/* Only len changes later on. */
	for (unsigned i = 0; i < nic.tx.size; i++) {
		nic.staged[i] = (struct vring_desc){ .addr = mem_dma_addr(tx_hdr(tx_of(i))) };
		nic.busy[tx_of(i)] = false;
	}
	return virtio_queue_gate(&nic.tx, nic.staged);
}

static int end_queues(void)
{
	int rc = virtio_reset(&nic.dev);

	if (rc == 0) {
		virtio_queue_end(&nic.dev, &nic.rx);
		virtio_queue_end(&nic.dev, &nic.tx);
	}
	nic.rx.desc = nic.tx.desc = NULL;
	return rc;
}

/* §3.1.1, with the device-specific part of §5.1.5 as its step 7. */
static int start(struct netdev *nd)
{
	int rc = virtio_reset(&nic.dev);

	if (rc < 0)
		return rc;
	/* Before negotiate(): by it, too, a legacy device's configuration moves. */
	rc = nic.dev.via->interrupt(&nic.dev);
	if (rc < 0)
		return virtio_fail(&nic.dev, rc);
	nic.hdr = nic.dev.legacy ? HDR_LEGACY : HDR_MODERN;
	set_size(nd->mtu_wanted);
	rc = negotiate(nd);
	if (rc < 0)
		return virtio_fail(&nic.dev, rc);
	rc = make_rx();
	if (rc == 0)
		rc = make_tx();
	if (rc < 0) {
		end_queues();
		return virtio_fail(&nic.dev, rc);
	}
	nic.tx_staged = 0;
	nic.tx_starved = nic.broken = false;
	nd->rx_count = nic.rx_bufs;
	nd->polled = nic.dev.polled;
	memcpy(nd->where, nic.dev.where, sizeof(nd->where));

	virtio_ready(&nic.dev);
	if (virtq_publish(&nic.rx))
		arch_notify((unsigned)nic.rx.gate);
	counters_add(counters, ARRAY_LEN(counters));
	log_debug("%s: virtio features %#llx, %u receive and %u send buffers", nd->where,
		  (unsigned long long)nic.dev.features, nic.rx_bufs, nic.tx_bufs);
	return 0;
}

static bool is_mmio(const struct device *dev)
{
	return virtio_mmio_is(dev, VIRTIO_NET);
}

static bool is_pci(const struct device *dev)
{
	return virtio_pci_is(dev, VIRTIO_NET);
}

static int open_mmio(struct netdev *nd, const struct device *dev)
{
	int rc = virtio_mmio_open(&nic.dev, dev, VIRTIO_NET);

	return rc < 0 ? rc : start(nd);
}

static int open_pci(struct netdev *nd, const struct device *dev)
{
	int rc = virtio_pci_open(&nic.dev, dev, VIRTIO_NET);

	return rc < 0 ? rc : start(nd);
}

/* ---- Any time --------------------------------------------------------------- */

static void give_up(const char *ring)
{
	if (nic.broken)
		return;
	nic.broken = true;
	counters[BROKEN].n = 1;
	log_error("%s: the %s ring's index jumped: NIC stopped", nic.dev.where, ring);
}

/* The frame that completion `e` brings; NULL when it is nonsense. */
static struct frame *rx_check(struct vring_used_elem e)
{
	struct frame *f;

	if (e.id >= nic.rx_bufs || nic.lent[e.id])
		goto bad;
	if (e.len < nic.hdr + FRAME_MIN || e.len > nic.hdr + nic.frame_max) {
		virtq_post(&nic.rx, (uint16_t)e.id);
		goto bad;
	}
	f = &nic.frame[e.id];
	f->len = (uint16_t)(e.len - nic.hdr);
	/* §5.1.6.4: either flag vouches; neither may be set without GUEST_CSUM. */
	f->csum_ok = (nic.dev.features & F_GUEST_CSUM) &&
		     (rx_hdr(e.id)->flags & (HDR_NEEDS_CSUM | HDR_DATA_VALID));
	nic.lent[e.id] = true;
	counters[RX_FRAMES].n++;
	return f;
bad:
	counters[RX_BAD].n++;
	return NULL;
}

static struct frame *net_recv(struct netdev *nd)
{
	int pending = nic.broken ? 0 : virtq_pending(&nic.rx);

	if (pending < 0)
		give_up("receive");
	/* What arm() asked for has happened; EVENT_IDX ends by itself. */
	if (pending > 0 && !nic.rx.event_idx)
		virtq_quiet(&nic.rx);
	for (; pending > 0; pending--) {
		struct frame *f = rx_check(virtq_take(&nic.rx));

		if (f)
			return f;
	}
	return NULL;
}

static void net_release(struct netdev *nd, struct frame *f)
{
	unsigned i = (unsigned)(f - nic.frame);

	ASSERT(i < nic.rx_bufs && nic.lent[i]);
	nic.lent[i] = false;
	virtq_post(&nic.rx, (uint16_t)i);
}

/* Takes the send completions. The device may finish out of order. */
static void tx_reclaim(void)
{
	int pending = virtq_pending(&nic.tx);

	if (pending < 0)
		give_up("send");
	for (; pending > 0; pending--) {
		uint32_t id = virtq_take(&nic.tx).id;

		if (id < nic.tx.size && nic.busy[tx_of(id)])
			nic.busy[tx_of(id)] = false;
		else
			counters[TX_BAD].n++;
	}
	virtq_quiet(&nic.tx);
}

static uint8_t *net_tx_get(struct netdev *nd)
{
	unsigned i = tx_of(nic.tx.next);

	if (nic.broken)
		return NULL;
	if (nic.busy[i])
		tx_reclaim();
	/* The second: completions of what was never sent must not overfill it. */
	if (nic.busy[i] || nic.tx_staged == nic.tx_bufs) {
		nic.tx_starved = true;
		counters[TX_FULL].n++;
		return NULL;
	}
	return tx_frame(i);
}

static void net_tx_put(struct netdev *nd, size_t len, struct tx_csum csum)
{
	unsigned slot = nic.tx.next & nic.tx.mask, i = tx_of(slot);
	struct net_hdr *hdr = tx_hdr(i);

	ASSERT(len >= FRAME_MIN && len <= nic.frame_max && !nic.busy[i]);

	/* §5.1.6.2: checksum wanted, or none; the rest of the header stays 0. */
	hdr->flags = csum.start ? HDR_NEEDS_CSUM : 0;
	hdr->csum_start = csum.start;
	hdr->csum_offset = csum.offset;
	nic.staged[slot].len = (uint32_t)(nic.hdr + len);
	nic.busy[i] = true;
	nic.tx.next++;
	nic.tx_staged++;
	nic.tx_starved = false;
	counters[TX_FRAMES].n++;
}

static void net_flush(struct netdev *nd)
{
	if (nic.tx_staged) {
		int rc = arch_submit((unsigned)nic.tx.gate, nic.tx_staged);

		ASSERT(rc == 0);
		nic.tx_staged = 0;
	}
	if (nic.rx.next != nic.rx.published && virtq_publish(&nic.rx)) {
		counters[DOORBELLS].n++;
		arch_notify((unsigned)nic.rx.gate);
	}
}

static bool net_arm(struct netdev *nd)
{
	bool more = virtq_arm(&nic.rx);

	if (nic.tx_starved && virtq_arm(&nic.tx))
		more = true;
	return more && !nic.broken;
}

static bool net_link(struct netdev *nd)
{
	return nic.link;
}

static int net_close(struct netdev *nd)
{
	return end_queues();
}

const struct netdev_ops virtio_net = {
	.name = "virtio-net",
	.kind = DEV_VIRTIO_MMIO,
	.is = is_mmio,
	.open = open_mmio,
	.recv = net_recv,
	.release = net_release,
	.tx_get = net_tx_get,
	.tx_put = net_tx_put,
	.flush = net_flush,
	.arm = net_arm,
	.link = net_link,
	.close = net_close,
};

const struct netdev_ops virtio_net_pci = {
	.name = "virtio-net",
	.kind = DEV_PCI_FUNCTION,
	.is = is_pci,
	.open = open_pci,
	.recv = net_recv,
	.release = net_release,
	.tx_get = net_tx_get,
	.tx_put = net_tx_put,
	.flush = net_flush,
	.arm = net_arm,
	.link = net_link,
	.close = net_close,
};
