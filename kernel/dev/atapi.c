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
#include "kernel/config_drive.h"
#include "kernel/dev.h"
#include "kernel/dev/pci.h"
#include "kernel/mem.h"

#define WAIT_MS 1000                   /* for each step of a command */
#define TRIES 3                        /* of a command: a drive first says that it was reset */
#define UNIT 2048u                     /* bytes of a CD's block */
#define UNITS_MAX 3u                   /* what 4 KiB can touch */
#define PACKET 12u
#define CLASS_IDE 0x0101u              /* PCI */
#define NATIVE(channel) (1u << (2 * (channel)))   /* programming interface: ports in BARs */

/* Registers from a channel's base on, and its control port. */
enum { DATA = 0, ERROR = 1, COUNT_LOW = 4, COUNT_HIGH = 5, SELECT = 6, STATUS = 7 };
enum { BUSY = 0x80, REQUEST = 0x08, FAILED = 0x01 };
enum { CONTROL_NO_INTERRUPT = 2 };
enum { IDENTIFY_PACKET = 0xa1, PACKET_COMMAND = 0xa0 };
enum { TEST_READY = 0x00, READ_CAPACITY = 0x25, READ = 0x28 };
static const struct { uint16_t base, control; } channels[] = { { 0x1f0, 0x3f6 }, { 0x170, 0x376 } };

struct drive {
	struct block block;
	char where[24];
	uint16_t base;
	uint8_t select;
	uint8_t *data;
	uint32_t first, n;             /* what it holds: blocks */
	bool failed;
};

/* Waits while the drive is busy: its status, or -ETIMEDOUT. */
static int wait(const struct drive *d)
{
	ktime deadline = clock_after_ms(WAIT_MS);
	uint8_t status;

	while ((status = in8(d->base + STATUS)) & BUSY)
		if (clock_now() > deadline)
			return -ETIMEDOUT;
	return status;
}

/* Sends a command: its status, or -ETIMEDOUT. */
static int command(const struct drive *d, uint8_t op)
{
	int rc;

	out8(d->base + SELECT, d->select);
	for (unsigned i = 0; i < 4; i++)
		in8(d->base + STATUS);         /* 400 ns */
	rc = wait(d);
	if (rc < 0)
		return rc;
	out8(d->base + ERROR, 0);              /* features: no DMA */
	out8(d->base + COUNT_LOW, UNIT & 0xff);
	out8(d->base + COUNT_HIGH, UNIT >> 8);
	out8(d->base + STATUS, op);
	for (unsigned i = 0; i < 4; i++)
		in8(d->base + STATUS);
	return wait(d);
}

/* Takes what the drive has to say, of which the first `len` bytes are kept: 0, -EAGAIN: it wants to
 * be heard, or -EIO. */
static int take(struct drive *d, size_t len)
{
	size_t at = 0;
	int status;

	while ((status = wait(d)) >= 0 && status & REQUEST) {
		size_t n = in8(d->base + COUNT_LOW) | in8(d->base + COUNT_HIGH) << 8;

		if (n == 0 || n > len - at || n % 2)
			return -EIO;
		for (; n > 0; n -= 2, at += 2) {
			uint16_t word = in16(d->base + DATA);

			memcpy(d->data + at, &word, 2);
		}
	}
	if (status < 0 || (status & FAILED) == 0)
		return status >= 0 && at == len ? 0 : -EIO;
	return -EAGAIN;
}

static int packet_once(struct drive *d, const uint8_t *packet, size_t len)
{
	int status = command(d, PACKET_COMMAND);

	if (status < 0)
		return status;
	if ((status & (REQUEST | FAILED)) != REQUEST)
		return -EIO;
	for (unsigned i = 0; i < PACKET; i += 2)
		out16(d->base + DATA, (uint16_t)(packet[i] | packet[i + 1] << 8));
	for (unsigned i = 0; i < 4; i++)
		in8(d->base + STATUS);
	return take(d, len);
}

/* A command of SCSI's, with `len` bytes in answer, again while the drive wants to be heard. */
static int packet(struct drive *d, uint8_t op, uint32_t block, uint8_t blocks, size_t len)
{
	const uint8_t bytes[PACKET] = {
		op, 0, (uint8_t)(block >> 24), (uint8_t)(block >> 16), (uint8_t)(block >> 8),
		(uint8_t)block, 0, 0, blocks,
	};
	int rc = -EAGAIN;

	for (unsigned i = 0; i < TRIES && rc == -EAGAIN; i++)
		rc = packet_once(d, bytes, len);
	return rc;
}

static const uint8_t *read_sectors(struct block *b, uint64_t first, unsigned n)
{
	struct drive *d = container_of(b, struct drive, block);
	unsigned each = UNIT / BLOCK_SECTOR;
	uint32_t from = (uint32_t)(first / each);
	uint32_t blocks = (uint32_t)((first + n - 1) / each) - from + 1;

	ASSERT(n >= 1 && n <= BLOCK_READ_MAX && first < b->sectors && n <= b->sectors - first);
	if (d->failed)
		return NULL;
	if (d->n != blocks || d->first != from)
		d->failed = packet(d, READ, from, (uint8_t)blocks, blocks * UNIT) < 0;
	d->first = from;
	d->n = d->failed ? 0 : blocks;
	if (d->failed)
		log_warn("%s: cannot be read", b->where);
	return d->failed ? NULL : d->data + first % each * BLOCK_SECTOR;
}

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* 0 when it was the config drive; -ENODEV: it is not, or there is no CD. */
static int look_at(struct drive *d)
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
	if (packet(d, TEST_READY, 0, 0, 0) < 0 || packet(d, READ_CAPACITY, 0, 0, 8) < 0 ||
	    be32(d->data + 4) != UNIT)
		return -ENODEV;
	d->block.sectors = ((uint64_t)be32(d->data) + 1) * (UNIT / BLOCK_SECTOR);
	return config_drive_apply(&d->block);
}

static int look_at_channel(unsigned channel, uint8_t *data)
{
	int rc = -ENODEV;

	out8(channels[channel].control, CONTROL_NO_INTERRUPT);
	for (unsigned i = 0; i < 2 && rc < 0; i++) {
		struct drive d = {
			.block = { .read = read_sectors }, .base = channels[channel].base,
			.select = (uint8_t)(0xa0 | i << 4), .data = data,
		};

		snprintf(d.where, sizeof(d.where), "ide %u, drive %u", channel, i);
		d.block.where = d.where;
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
	data = malloc(UNITS_MAX * UNIT);
	if (!data)
		return -ENODEV;
	pci_enable_ports(dev);
	for (unsigned i = 0; i < ARRAY_LEN(channels) && rc < 0; i++)
		if (!(class >> 8 & NATIVE(i)))
			rc = look_at_channel(i, data);
	mem_wipe(data, UNITS_MAX * UNIT);
	free(data);
	return rc;
}

const struct source atapi = { .kind = DEV_PCI_FUNCTION, .apply = apply };
