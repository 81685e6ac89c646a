/* SPDX-License-Identifier: MIT */
/* CD drives on IDE (ATA/ATAPI-6 §9.8, packets by PIO; MMC-3 §6), where a PCI IDE controller has its
 * channels at the ports of a PC, read only and at boot only, for the config drive that one may
 * hold: Proxmox' and Nova's CD on QEMU's pc. QEMU: -M pc -device ide-cd,drive=c. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/clock.h"
#include "kernel/dev.h"
#include "kernel/dev/pci.h"
#include "kernel/dev/scsi.h"
#include "kernel/mem.h"

#define WAIT_MS 1000                   /* for each step of a command */
#define PIECE 2048u                    /* bytes that the drive may hand over at once */
#define CLASS_IDE 0x0101u              /* PCI */
#define NATIVE(channel) (1u << (2 * (channel)))   /* programming interface: ports in BARs */

/* Registers from a channel's base on, and its control port. */
enum { DATA = 0, ERROR = 1, COUNT_LOW = 4, COUNT_HIGH = 5, SELECT = 6, STATUS = 7 };
enum { BUSY = 0x80, REQUEST = 0x08, FAILED = 0x01 };
enum { CONTROL_NO_INTERRUPT = 2 };
enum { IDENTIFY_PACKET = 0xa1, PACKET_COMMAND = 0xa0 };
static const struct { uint16_t base, control; } channels[] = { { 0x1f0, 0x3f6 }, { 0x170, 0x376 } };

struct cd {
	struct scsi scsi;
	char where[24];
	uint16_t base;
	uint8_t select;
};

/* Waits while the drive is busy: its status, or -ETIMEDOUT. */
static int wait(const struct cd *d)
{
	ktime deadline = clock_after_ms(WAIT_MS);
	uint8_t status;

	while ((status = in8(d->base + STATUS)) & BUSY)
		if (clock_now() > deadline)
			return -ETIMEDOUT;
	return status;
}

/* Sends a command: its status, or -ETIMEDOUT. */
static int command(const struct cd *d, uint8_t op)
{
	int rc;

	out8(d->base + SELECT, d->select);
	for (unsigned i = 0; i < 4; i++)
		in8(d->base + STATUS);         /* 400 ns */
	rc = wait(d);
	if (rc < 0)
		return rc;
	out8(d->base + ERROR, 0);              /* features: no DMA */
	out8(d->base + COUNT_LOW, PIECE & 0xff);
	out8(d->base + COUNT_HIGH, PIECE >> 8);
	out8(d->base + STATUS, op);
	for (unsigned i = 0; i < 4; i++)
		in8(d->base + STATUS);
	return wait(d);
}

/* Takes what the drive has to say, of which the first `len` bytes are kept: 0, -EAGAIN: it wants to
 * be heard, -EIO, or -ETIMEDOUT. */
static int take(struct cd *d, size_t len)
{
	size_t at = 0;
	int status;

	while ((status = wait(d)) >= 0 && status & REQUEST) {
		size_t n = in8(d->base + COUNT_LOW) | in8(d->base + COUNT_HIGH) << 8;

		if (n == 0 || n > len - at || n % 2)
			return -EIO;
		for (; n > 0; n -= 2, at += 2) {
			uint16_t word = in16(d->base + DATA);

			memcpy(d->scsi.drive.data + at, &word, 2);
		}
	}
	if (status < 0)
		return status;
	return status & FAILED ? -EAGAIN : at == len ? 0 : -EIO;
}

/* struct scsi's. */
static int send(struct scsi *s, const uint8_t *cdb, size_t len)
{
	struct cd *d = container_of(s, struct cd, scsi);
	int status = command(d, PACKET_COMMAND);

	if (status < 0)
		return status;
	if ((status & (REQUEST | FAILED)) != REQUEST)
		return -EIO;
	for (unsigned i = 0; i < SCSI_CDB; i += 2)
		out16(d->base + DATA, (uint16_t)(cdb[i] | cdb[i + 1] << 8));
	for (unsigned i = 0; i < 4; i++)
		in8(d->base + STATUS);
	return take(d, len);
}

/* 0 when it was the config drive; -ENODEV: it is not, or there is no CD. */
static int look_at(struct cd *d)
{
	int status;

	out8(d->base + SELECT, d->select);
	if (in8(d->base + STATUS) == 0xff)     /* no channel: nobody drives the bus */
		return -ENODEV;
	status = command(d, IDENTIFY_PACKET);
	if (status <= 0 || (status & (REQUEST | FAILED)) != REQUEST)
		return -ENODEV;
	for (unsigned i = 0; i < 256; i++)
		in16(d->base + DATA);
	return scsi_apply(&d->scsi);
}

static int look_at_channel(unsigned channel, uint8_t *data)
{
	int rc = -ENODEV;

	out8(channels[channel].control, CONTROL_NO_INTERRUPT);
	for (unsigned i = 0; i < 2 && rc < 0; i++) {
		struct cd d = {
			.scsi = { .drive.data = data, .send = send },
			.base = channels[channel].base, .select = (uint8_t)(0xa0 | i << 4),
		};

		snprintf(d.where, sizeof(d.where), "ide %u, drive %u", channel, i);
		d.scsi.drive.block.where = d.where;
		rc = look_at(&d);
	}
	return rc;
}

static int apply(const struct device *dev)
{
	uint32_t class = pci_read(dev, 8);
	uint8_t *data;
	int rc = -ENODEV;

	if (class >> 16 != CLASS_IDE)
		return -ENODEV;
	data = malloc(DRIVE_DATA);
	if (!data)
		return -ENODEV;
	pci_enable_ports(dev);
	for (unsigned i = 0; i < ARRAY_LEN(channels) && rc < 0; i++)
		if (!(class >> 8 & NATIVE(i)))
			rc = look_at_channel(i, data);
	mem_wipe(data, DRIVE_DATA);
	free(data);
	return rc < 0 ? -ENODEV : 0;
}

const struct source atapi = { .kind = DEV_PCI_FUNCTION, .apply = apply };
