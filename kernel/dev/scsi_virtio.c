/* SPDX-License-Identifier: MIT */
/* SCSI host (virtio 1.2 §5.6) with disks and CD drives (SPC-4, SBC-3), read only and at boot only,
 * for the config drive that one of them may hold, as blk_virtio.c: what Proxmox and Nova attach as
 * a CD. The first logical unit of each target up to TARGETS is looked at; commands go one at a time
 * through the first request queue. QEMU: -device virtio-scsi-pci -device scsi-cd,drive=c. */
#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/dev/scsi.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"

#define WAIT_MS 1000                   /* for one command; a device that is later is left */
#define TARGETS 32u
#define ENTRIES 4                      /* of its queue: a request takes 3 */
#define REQUESTS 2u                    /* §5.6.2: behind controlq and eventq */
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

struct host {
	struct scsi scsi;              /* the unit that is looked at */
	uint8_t target;                /* ... which is that one's first */
	struct virtio v;
	struct virtqueue q;
	struct command *command;
	struct result *result;
};

/* struct scsi's. */
static int send(struct scsi *s, const uint8_t *cdb, size_t len)
{
	struct host *h = container_of(s, struct host, scsi);
	volatile struct result *r = h->result;
	int rc;

	memset(h->command, 0, sizeof(*h->command));
	memcpy(h->command->lun, (uint8_t[8]){ 1, h->target, 0x40 }, 8);
	memcpy(h->command->cdb, cdb, SCSI_CDB);
	r->response = r->status = UINT8_MAX;
	h->q.desc[2].len = (uint32_t)MAX(len, 1u);
	h->q.desc[1].flags = VRING_DESC_WRITE | (len ? VRING_DESC_NEXT : 0);
	rc = virtio_ask(&h->q, WAIT_MS);
	if (rc < 0)
		return rc;
	if (r->response != RESPONSE_OK)
		return r->response == RESPONSE_BAD_TARGET ? -ENODEV : -EIO;
	return r->status == 0 ? 0 : r->status == STATUS_CHECK ? -EAGAIN : -EIO;
}

static int look_at_all(struct host *h, unsigned last)
{
	int rc = -ENODEV;

	for (unsigned i = 0; rc == -ENODEV && i <= last; i++) {
		h->target = (uint8_t)i;
		rc = scsi_apply(&h->scsi);
	}
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
	h->scsi.drive.data = mem_dma_alloc(DRIVE_DATA, 64);
	if (h->q.size < 3 || !h->command || !h->result || !h->scsi.drive.data)
		return -ENOMEM;
	h->q.desc[0] = (struct vring_desc){ mem_dma_addr(h->command), sizeof(*h->command),
					    VRING_DESC_NEXT, 1 };
	h->q.desc[1] = (struct vring_desc){ mem_dma_addr(h->result), sizeof(*h->result),
					    VRING_DESC_WRITE, 2 };
	h->q.desc[2] = (struct vring_desc){ mem_dma_addr(h->scsi.drive.data), 1,
					    VRING_DESC_WRITE, 0 };
	virtio_ready(&h->v);
	return 0;
}

static int apply(struct host *h)
{
	uintptr_t mark = mem_dma_mark();
	uint16_t last = 0;
	int rc = start(h);
	bool gone;

	h->scsi.drive.block.where = h->v.where;
	h->scsi.send = send;
	if (rc == 0)
		rc = virtio_config(&h->v, CFG_MAX_TARGET, &last, sizeof(last));
	if (rc < 0)
		log_warn("%s: is not looked at for a config drive: error %d", h->v.where, -rc);
	else
		rc = look_at_all(h, MIN(last, TARGETS - 1));
	/* From its reset on it reaches no memory of ours. One that does not reset keeps it. */
	gone = virtio_reset(&h->v) == 0;
	if (h->scsi.drive.data)
		mem_wipe(h->scsi.drive.data, DRIVE_DATA);
	if (gone) {
		h->v.via->set_status(&h->v, 0);
		mem_dma_release(mark);
	}
	return rc < 0 ? -ENODEV : 0;
}

static int apply_mmio(const struct device *dev)
{
	struct host h = { .target = 0 };
	int rc = virtio_mmio_open(&h.v, dev, VIRTIO_SCSI);

	return rc < 0 ? -ENODEV : apply(&h);
}

static int apply_pci(const struct device *dev)
{
	struct host h = { .target = 0 };
	int rc = virtio_pci_open(&h.v, dev, VIRTIO_SCSI);

	return rc < 0 ? -ENODEV : apply(&h);
}

const struct source scsi_virtio = { .kind = DEV_VIRTIO_MMIO, .apply = apply_mmio };
const struct source scsi_virtio_pci = { .kind = DEV_PCI_FUNCTION, .apply = apply_pci };
