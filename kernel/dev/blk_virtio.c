/* SPDX-License-Identifier: MIT */
/* Block device (virtio 1.2 §5.2), read only and at boot only, for the config drive that it may hold
 * (kernel/config_drive.h). Requests are polled for, one at a time; before the seal the device is
 * reset and what it shared is taken back, so that nothing is left that could read or write a disk.
 *
 * Why a driver (and scsi_virtio.c) and not the firmware's own reader: it serves machines that have
 * no firmware, microvm and Firecracker's, and each loader alike. QEMU: -drive
 * if=none,id=c,format=raw,file=cidata.iso -device virtio-blk-pci,drive=c (virtio-blk-device on
 * microvm and virt). */
#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/dev/drive.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"

#define WAIT_MS 1000                   /* for one request; a device that is later is left */
#define ENTRIES 4                      /* of its queue: a request takes 3 */
#define CFG_CAPACITY 0u                /* §5.2.4 */

/* §5.2.6. */
enum { TYPE_IN = 0 };
struct request {
	uint32_t type, reserved;
	uint64_t sector;
	uint8_t status;                /* of the device: a buffer of its own */
};
#define HEADER 16u

struct disk {
	struct drive drive;
	struct virtio v;
	struct virtqueue q;
	struct request *request;
	uint64_t sectors;
};

/* 0, -ETIMEDOUT, or -EIO: the device says so, or nonsense. */
static int fetch(struct drive *drive, uint64_t first, unsigned n)
{
	struct disk *d = container_of(drive, struct disk, drive);
	int rc;

	d->request->type = TYPE_IN;
	d->request->sector = first;
	d->request->status = UINT8_MAX;
	d->q.desc[1].len = n * BLOCK_SECTOR;
	rc = virtio_ask(&d->q, WAIT_MS);
	if (rc < 0)
		return rc;
	return *(volatile uint8_t *)&d->request->status == 0 ? 0 : -EIO;
}

/* §3.1.1, with §5.2.5 as its step 7. */
static int start(struct disk *d)
{
	int rc = virtio_reset(&d->v);

	if (rc < 0)
		return rc;
	rc = virtio_negotiate(&d->v, 0);
	if (rc < 0)
		return rc;
	rc = virtio_config(&d->v, CFG_CAPACITY, &d->sectors, sizeof(d->sectors));
	if (rc < 0)
		return rc;
	rc = virtio_queue(&d->v, &d->q, 0, ENTRIES);
	if (rc < 0)
		return rc;
	d->request = mem_dma_alloc(sizeof(*d->request), 64);
	d->drive.data = mem_dma_alloc(DRIVE_DATA, 64);
	if (d->q.size < 3 || !d->request || !d->drive.data)
		return -ENOMEM;
	d->q.desc[0] = (struct vring_desc){ mem_dma_addr(d->request), HEADER, VRING_DESC_NEXT, 1 };
	d->q.desc[1] = (struct vring_desc){ mem_dma_addr(d->drive.data), BLOCK_SECTOR,
					    VRING_DESC_NEXT | VRING_DESC_WRITE, 2 };
	d->q.desc[2] = (struct vring_desc){ mem_dma_addr(&d->request->status), 1,
					    VRING_DESC_WRITE, 0 };
	virtio_ready(&d->v);
	return 0;
}

/* A disk that cannot be read is no config drive. */
static int apply(struct disk *d)
{
	uintptr_t mark = mem_dma_mark();
	int rc = start(d);
	bool gone;

	d->drive.block.where = d->v.where;
	d->drive.fetch = fetch;
	if (rc == 0)
		rc = drive_apply(&d->drive, d->sectors, BLOCK_SECTOR);
	else
		log_warn("%s: is not looked at for a config drive: error %d", d->v.where, -rc);
	/* From its reset on it reaches no memory of ours. One that does not reset keeps it. */
	gone = virtio_reset(&d->v) == 0;
	if (d->drive.data)
		mem_wipe(d->drive.data, DRIVE_DATA);
	if (gone) {
		d->v.via->set_status(&d->v, 0);
		mem_dma_release(mark);
	}
	return rc < 0 ? -ENODEV : 0;
}

static int apply_mmio(const struct device *dev)
{
	struct disk d = { .sectors = 0 };
	int rc = virtio_mmio_open(&d.v, dev, VIRTIO_BLK);

	return rc < 0 ? -ENODEV : apply(&d);
}

static int apply_pci(const struct device *dev)
{
	struct disk d = { .sectors = 0 };
	int rc = virtio_pci_open(&d.v, dev, VIRTIO_BLK);

	return rc < 0 ? -ENODEV : apply(&d);
}

const struct source blk_virtio = { .kind = DEV_VIRTIO_MMIO, .apply = apply_mmio };
const struct source blk_virtio_pci = { .kind = DEV_PCI_FUNCTION, .apply = apply_pci };
