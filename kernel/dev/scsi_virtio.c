/* SPDX-License-Identifier: MIT */
/* SCSI host (virtio 1.2 §5.6) with disks and CD drives (SPC-4, SBC-3), read only and at boot only,
 * for the config drive that one of them may hold, as blk_virtio.c: what Proxmox and Nova attach as
 * a CD. The first logical unit of each target up to TARGETS is looked at; commands go one at a time
 * through the first request queue. QEMU: -device virtio-scsi-pci -device scsi-cd,drive=c. */
#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/config_drive.h"
#include "kernel/dev.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"

#define WAIT_MS 1000                   /* for one command; a device that is later is left */
#define TARGETS 32u
#define TRIES 3                        /* of a command: a unit first says that it was reset */
#define ENTRIES 4                      /* of its queue: a request takes 3 */
#define REQUESTS 2u                    /* §5.6.2: behind controlq and eventq */
#define UNIT_MAX 4096u                 /* bytes of a logical block */
#define DATA_MAX (2 * UNIT_MAX)        /* what 4 KiB can touch, with any block */
#define CFG_MAX_TARGET 30u             /* §5.6.4 */
#define CDB 32u
#define SENSE 96u

/* §5.6.6.1: what the device reads, and what it writes, before the data. */
struct command {
	uint8_t lun[8], id[8], attr, prio, crn, cdb[CDB];
} __attribute__((packed));

struct result {
	uint32_t sense_len, residual;
	uint16_t qualifier;
	uint8_t status, response, sense[SENSE];
};

enum { RESPONSE_OK = 0, RESPONSE_BAD_TARGET = 3 };
enum { STATUS_CHECK = 2 };             /* SAM-5 §5.3.1 */
enum { TEST_READY = 0x00, READ_CAPACITY = 0x25, READ = 0x28 };

struct host {
	struct block block;            /* the unit that is looked at */
	struct virtio v;
	struct virtqueue q;
	struct command *command;
	struct result *result;
	uint8_t *data;
	uint32_t unit_len;             /* bytes of its logical block */
	uint32_t first, n;             /* what `data` holds: logical blocks */
	bool failed;
};

static void put_be32(uint8_t *p, uint32_t n)
{
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(n >> (24 - 8 * i));
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* Sends the command in its place, for `len` bytes: 0; -ENODEV: there is no such unit; -EAGAIN: the
 * unit wants to be heard; -EIO; -ETIMEDOUT. */
static int send(struct host *h, unsigned target, uint32_t len)
{
	volatile struct result *r = h->result;
	int rc;

	memcpy(h->command->lun, (uint8_t[8]){ 1, (uint8_t)target, 0x40 }, 8);
	r->response = r->status = UINT8_MAX;
	h->q.desc[2].len = MAX(len, 1u);
	h->q.desc[1].flags = VRING_DESC_WRITE | (len ? VRING_DESC_NEXT : 0);
	rc = virtio_ask(&h->q, WAIT_MS);
	if (rc < 0)
		return rc;
	if (r->response != RESPONSE_OK)
		return r->response == RESPONSE_BAD_TARGET ? -ENODEV : -EIO;
	return r->status == 0 ? 0 : r->status == STATUS_CHECK ? -EAGAIN : -EIO;
}

/* The same for a command that is the byte `op` and ten bytes long, again while the unit wants to be
 * heard. */
static int run(struct host *h, unsigned target, uint8_t op, uint32_t block, uint16_t blocks,
	       uint32_t len)
{
	int rc = -EAGAIN;

	memset(h->command, 0, sizeof(*h->command));
	h->command->cdb[0] = op;
	put_be32(h->command->cdb + 2, block);
	h->command->cdb[7] = (uint8_t)(blocks >> 8);
	h->command->cdb[8] = (uint8_t)blocks;
	for (unsigned i = 0; i < TRIES && rc == -EAGAIN; i++)
		rc = send(h, target, len);
	return rc;
}

/* SBC-3 §5.11, for whole logical blocks around the sectors. */
static const uint8_t *read_sectors(struct block *b, uint64_t first, unsigned n)
{
	struct host *h = container_of(b, struct host, block);
	uint32_t each = h->unit_len / BLOCK_SECTOR, from = (uint32_t)(first / each);
	uint32_t blocks = (uint32_t)((first + n - 1) / each) - from + 1;
	int rc;

	ASSERT(n >= 1 && n <= BLOCK_READ_MAX && first < b->sectors && n <= b->sectors - first);
	if (h->failed)
		return NULL;
	if (h->n != blocks || h->first != from) {
		rc = run(h, h->command->lun[1], READ, from, (uint16_t)blocks,
			 blocks * h->unit_len);
		h->failed = rc < 0;
		h->first = from;
		h->n = h->failed ? 0 : blocks;
	}
	if (h->failed)
		log_warn("%s: cannot be read", b->where);
	return h->failed ? NULL : h->data + first % each * BLOCK_SECTOR;
}

/* One target's first unit: 0 when it was the config drive, -ENODEV, or -EIO: the host is broken. */
static int look_at(struct host *h, unsigned target)
{
	int rc = run(h, target, TEST_READY, 0, 0, 0);

	if (rc == 0)
		rc = run(h, target, READ_CAPACITY, 0, 0, 8);
	if (rc < 0)
		return rc == -ENODEV || rc == -EAGAIN ? -ENODEV : -EIO;
	h->unit_len = be32(h->data + 4);
	if (h->unit_len < BLOCK_SECTOR || h->unit_len > UNIT_MAX || h->unit_len & (h->unit_len - 1))
		return -ENODEV;
	h->block.sectors = ((uint64_t)be32(h->data) + 1) * (h->unit_len / BLOCK_SECTOR);
	h->n = 0;
	rc = config_drive_apply(&h->block);
	return h->failed ? -EIO : rc;
}

static int look_at_all(struct host *h, unsigned last)
{
	int rc = -ENODEV;

	for (unsigned target = 0; rc == -ENODEV && target <= last; target++)
		rc = look_at(h, target);
	return rc;
}

/* §3.1.1, with §5.6.5 as its step 7. */
static int start(struct host *h)
{
	int rc = virtio_reset(&h->v);

	if (rc < 0)
		return rc;
	rc = virtio_negotiate(&h->v, 0);
	if (rc < 0)
		return rc;
	rc = virtio_queue(&h->v, &h->q, REQUESTS, ENTRIES);
	if (rc < 0)
		return rc;
	h->command = mem_dma_alloc(sizeof(*h->command), 64);
	h->result = mem_dma_alloc(sizeof(*h->result), 64);
	h->data = mem_dma_alloc(DATA_MAX, 64);
	if (h->q.size < 3 || !h->command || !h->result || !h->data)
		return -ENOMEM;
	h->q.desc[0] = (struct vring_desc){ mem_dma_addr(h->command), sizeof(*h->command),
					    VRING_DESC_NEXT, 1 };
	h->q.desc[1] = (struct vring_desc){ mem_dma_addr(h->result), sizeof(*h->result),
					    VRING_DESC_WRITE, 2 };
	h->q.desc[2] = (struct vring_desc){ mem_dma_addr(h->data), 1, VRING_DESC_WRITE, 0 };
	virtio_ready(&h->v);
	return 0;
}

static int apply(struct host *h)
{
	uintptr_t mark = mem_dma_mark();
	uint16_t last = 0;
	int rc = start(h);

	h->block.where = h->v.where;
	h->block.read = read_sectors;
	if (rc == 0)
		rc = virtio_config(&h->v, CFG_MAX_TARGET, &last, sizeof(last));
	if (rc < 0)
		log_warn("%s: is not looked at for a config drive: error %d", h->v.where, -rc);
	else
		rc = look_at_all(h, MIN(last, TARGETS - 1));
	if (h->data)
		mem_wipe(h->data, DATA_MAX);
	/* From its reset on it reaches no memory of ours. One that does not reset keeps it. */
	if (virtio_reset(&h->v) == 0) {
		h->v.via->set_status(&h->v, 0);
		mem_dma_release(mark);
	}
	return rc < 0 ? -ENODEV : 0;
}

static int apply_mmio(const struct device *dev)
{
	struct host h = { .failed = false };
	int rc = virtio_mmio_open(&h.v, dev, VIRTIO_SCSI);

	return rc < 0 ? -ENODEV : apply(&h);
}

static int apply_pci(const struct device *dev)
{
	struct host h = { .failed = false };
	int rc = virtio_pci_open(&h.v, dev, VIRTIO_SCSI);

	return rc < 0 ? -ENODEV : apply(&h);
}

const struct source scsi_virtio = { .kind = DEV_VIRTIO_MMIO, .apply = apply_mmio };
const struct source scsi_virtio_pci = { .kind = DEV_PCI_FUNCTION, .apply = apply_pci };
