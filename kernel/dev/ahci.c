/* SPDX-License-Identifier: MIT */
/* Disks and CD drives on SATA behind an AHCI host (AHCI 1.3.1; ATA8-ACS for disks, SCSI's commands
 * in packets for CDs), read only and at boot only, for the config drive that one of them may hold:
 * the CD of libvirt, Proxmox and Nova on q35. One command at a time, in the first slot of its port,
 * polled for. At the end each port stands still and the host has no way to memory.
 *
 * The links are as reset or firmware left them, so that a port without a device costs no time. One
 * that does not stop, stays busy or owes an answer ends the look at its host, and keeps the memory
 * that it was given. QEMU: -M q35 -device ide-cd,drive=c; -device ich9-ahci elsewhere. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/clock.h"
#include "kernel/config_drive.h"
#include "kernel/dev.h"
#include "kernel/dev/pci.h"
#include "kernel/dev/scsi.h"
#include "kernel/mem.h"

#define WAIT_MS 1000                   /* for one command; a drive that is later is left */
#define STOP_MS 500                    /* §10.1.2 */
#define CLASS_AHCI 0x010601u           /* PCI: with its programming interface */
#define REGISTERS_BAR 5u
#define PORTS 32u
#define PORT(i) (0x100 + (i) * 0x80)
#define SIGNATURE_DISK 0x00000101u     /* §3.3.9 */
#define SIGNATURE_CD 0xeb140101u

/* Of the host (§3.1), and their bits. */
enum { CAP = 0x00, GHC = 0x04, IMPLEMENTED = 0x0c };
#define CAP_64 (1u << 31)
#define CAP_PORTS 31u                  /* less one */
#define GHC_ENABLE (1u << 31)          /* and no interrupt */

/* Of a port (§3.3), and their bits. */
enum {
	LIST = 0x00, FIS = 0x08, CAUSES = 0x10, INTERRUPTS = 0x14, COMMAND = 0x18,
	TASK_FILE = 0x20, SIGNATURE = 0x24, LINK = 0x28, LINK_ERRORS = 0x30, ISSUE = 0x38,
};
#define CAUSES_FATAL 0x78000000u       /* §6.2: task file, host bus, interface */
#define COMMAND_START 1u
#define COMMAND_RECEIVE (1u << 4)
#define COMMAND_RECEIVING (1u << 14)
#define COMMAND_RUNNING (1u << 15)
#define TASK_FILE_BUSY 0x88u           /* BSY, DRQ */
#define TASK_FILE_ERROR 0x01u
#define LINK_DEVICE 15u                /* mask, and: it is there and heard */
#define LINK_UP 3u

/* What the host reads and writes (§4.2). */
struct header {
	uint32_t flags, bytes;
	uint64_t table;
	uint32_t reserved[4];
};
#define HEADER_FIS 5u                  /* words of a command's FIS */
#define HEADER_PACKET (1u << 5)
#define HEADER_ONE_REGION (1u << 16)

struct shared {
	struct header list[32];
	uint8_t received[256];
	struct {
		uint8_t fis[64], packet[16], reserved[48];
		uint64_t data;
		uint32_t reserved2, bytes;     /* less one */
	} table;
	uint8_t data[DRIVE_DATA] __attribute__((aligned(64)));
} __attribute__((aligned(1024)));

/* A command's FIS (SATA 3.0 §10.3.4) and what it says (ATA8-ACS §7). */
#define FIS_HOST_TO_DEVICE 0x27u
#define FIS_COMMAND 0x80u
enum { READ_EXT = 0x25, PACKET = 0xa0, IDENTIFY = 0xec };
#define FEATURE_DMA 1u                 /* of PACKET */
#define DEVICE_LBA 0x40u
#define IDENTITY 512u                  /* bytes */

struct port {
	struct scsi scsi;              /* of a disk its drive alone */
	char where[32];
	volatile uint32_t *regs;
	struct shared *shared;
	bool stuck;                    /* it does not stop, stays busy or owes an answer */
};

static uint32_t get(const struct port *p, unsigned reg)
{
	return p->regs[reg / 4];
}

static void set(const struct port *p, unsigned reg, uint32_t value)
{
	p->regs[reg / 4] = value;
}

static void set_address(const struct port *p, unsigned reg, const void *at)
{
	uint64_t address = mem_dma_addr(at);

	set(p, reg, (uint32_t)address);
	set(p, reg + 4, (uint32_t)(address >> 32));
}

/* Waits until those bits are 0: 0, or -ETIMEDOUT, and it is stuck. */
static int wait_clear(struct port *p, unsigned reg, uint32_t bits, unsigned ms)
{
	ktime deadline = clock_after_ms(ms), now;

	do {
		now = clock_now();
		if (!(get(p, reg) & bits))
			return 0;
	} while (now <= deadline);
	p->stuck = true;
	return -ETIMEDOUT;
}

/* §10.1.2 step 3. 0, or -ETIMEDOUT. */
static int stop(struct port *p)
{
	uint32_t command = get(p, COMMAND);
	int rc;

	if (!(command & (COMMAND_START | COMMAND_RECEIVE | COMMAND_RECEIVING | COMMAND_RUNNING)))
		return 0;
	set(p, COMMAND, command & ~COMMAND_START);
	rc = wait_clear(p, COMMAND, COMMAND_RUNNING, STOP_MS);
	if (rc == 0) {
		set(p, COMMAND, command & ~(COMMAND_START | COMMAND_RECEIVE));
		rc = wait_clear(p, COMMAND, COMMAND_RECEIVING, STOP_MS);
	}
	return rc;
}

/* §10.1.2 steps 5 to 7 and §10.3.1, of a port that is stopped. 0, or -ETIMEDOUT: the drive stays
 * busy. */
static int start(struct port *p)
{
	int rc;

	set_address(p, LIST, p->shared->list);
	set_address(p, FIS, p->shared->received);
	set(p, INTERRUPTS, 0);
	set(p, COMMAND, get(p, COMMAND) | COMMAND_RECEIVE);
	set(p, LINK_ERRORS, UINT32_MAX);       /* which writing 1 clears */
	rc = wait_clear(p, TASK_FILE, TASK_FILE_BUSY, WAIT_MS);
	if (rc == 0)
		set(p, COMMAND, get(p, COMMAND) | COMMAND_START);
	return rc;
}

/* Runs the command in the table, which wants `len` bytes of data: 0; -EAGAIN: the drive refuses it
 * or has something to say; -EIO: the link failed, or the drive gave another number of bytes;
 * -ETIMEDOUT. */
static int issue(struct port *p, uint32_t flags, size_t len)
{
	struct header *h = &p->shared->list[0];
	ktime deadline = clock_after_ms(WAIT_MS), now;
	uint32_t causes, status;
	bool owes;

	h->flags = HEADER_FIS | flags | (len ? HEADER_ONE_REGION : 0);
	h->bytes = 0;
	h->table = mem_dma_addr(&p->shared->table);
	p->shared->table.data = mem_dma_addr(p->shared->data);
	p->shared->table.bytes = len ? (uint32_t)len - 1 : 0;
	set(p, CAUSES, UINT32_MAX);            /* as LINK_ERRORS */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	set(p, ISSUE, 1);
	do {
		now = clock_now();
		causes = get(p, CAUSES);
		owes = !(causes & CAUSES_FATAL) && (get(p, ISSUE) & 1);
	} while (owes && now <= deadline);
	if (owes) {
		p->stuck = true;
		return -ETIMEDOUT;
	}
	status = get(p, TASK_FILE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	causes |= get(p, CAUSES);
	if (!(causes & CAUSES_FATAL) && !(status & TASK_FILE_ERROR))
		return *(volatile uint32_t *)&h->bytes == len ? 0 : -EIO;
	/* §6.2.2.1: from an error on it stands until it is started again. */
	if (stop(p) < 0 || start(p) < 0)
		return -ETIMEDOUT;
	return status & TASK_FILE_ERROR ? -EAGAIN : -EIO;
}

/* A command whose parameters are a block and how many. */
static int disk_command(struct port *p, uint8_t op, uint64_t block, unsigned n, size_t len)
{
	const uint8_t fis[] = {
		FIS_HOST_TO_DEVICE, FIS_COMMAND, op, 0,
		(uint8_t)block, (uint8_t)(block >> 8), (uint8_t)(block >> 16), DEVICE_LBA,
		(uint8_t)(block >> 24), (uint8_t)(block >> 32), (uint8_t)(block >> 40), 0,
		(uint8_t)n, (uint8_t)(n >> 8),
	};
	int rc;

	memset(&p->shared->table, 0, sizeof(p->shared->table));
	memcpy(p->shared->table.fis, fis, sizeof(fis));
	rc = issue(p, 0, len);
	return rc == -EAGAIN ? -EIO : rc;
}

static int fetch(struct drive *d, uint64_t first, unsigned n)
{
	struct port *p = container_of(d, struct port, scsi.drive);

	return disk_command(p, READ_EXT, first, n, n * d->len);
}

/* struct scsi's: a packet (ATA8-ACS §7.18). */
static int send(struct scsi *s, const uint8_t *cdb, size_t len)
{
	struct port *p = container_of(s, struct port, scsi);
	const uint8_t fis[] = {
		FIS_HOST_TO_DEVICE, FIS_COMMAND, PACKET, len ? FEATURE_DMA : 0,
	};

	memset(&p->shared->table, 0, sizeof(p->shared->table));
	memcpy(p->shared->table.fis, fis, sizeof(fis));
	memcpy(p->shared->table.packet, cdb, SCSI_CDB);
	return issue(p, HEADER_PACKET, len);
}

static int left(const struct port *p, int rc)
{
	log_warn("%s: is not looked at for a config drive: error %d", p->where, -rc);
	return -EIO;
}

/* ATA8-ACS §7.16.7: how large it is, and its blocks. Without 48-bit addresses, which all on SATA
 * have, it has no blocks that could be read. */
static int look_at_disk(struct port *p)
{
	uint64_t blocks = 0, len = BLOCK_SECTOR;
	int rc = disk_command(p, IDENTIFY, 0, 0, IDENTITY);
	uint16_t id[IDENTITY / 2];

	if (rc < 0)
		return left(p, rc);
	memcpy(id, p->shared->data, sizeof(id));
	if (id[83] & 1u << 10)
		memcpy(&blocks, &id[100], sizeof(blocks));
	if ((id[106] & 0xd000) == 0x5000)
		len = ((uint64_t)id[118] << 16 | id[117]) * 2;
	p->scsi.drive.fetch = fetch;
	return drive_apply(&p->scsi.drive, blocks, len);
}

/* A port with a device on its link: 0 when that was the config drive, -ENODEV, or -EIO, said. */
static int look_at(struct port *p, bool reaches_all)
{
	uintptr_t mark = mem_dma_mark();
	int rc = -ENOMEM;

	p->shared = mem_dma_alloc(sizeof(*p->shared), _Alignof(struct shared));
	if (p->shared && !reaches_all && mem_dma_addr(p->shared + 1) >> 32)
		rc = -ENOTSUP;
	else if (p->shared)
		rc = start(p);
	if (rc < 0) {
		rc = left(p, rc);
	} else {
		p->scsi = (struct scsi){
			.drive = { .block.where = p->where, .data = p->shared->data },
			.send = send,
		};
		switch (get(p, SIGNATURE)) {
		case SIGNATURE_DISK: rc = look_at_disk(p); break;
		case SIGNATURE_CD: rc = scsi_apply(&p->scsi); break;
		default: rc = -ENODEV;
		}
	}
	stop(p);
	if (p->shared)
		mem_wipe(p->shared->data, DRIVE_DATA);
	if (!p->stuck)
		mem_dma_release(mark);
	return rc;
}

static struct port port_at(volatile uint32_t *host, unsigned i)
{
	return (struct port){ .regs = host + PORT(i) / 4 };
}

static void set_name(struct port *p, const char *host, unsigned i)
{
	snprintf(p->where, sizeof(p->where), "%s, port %u", host, i);
}

/* The ports that there are (§3.1.4), not always the first; of more than it has, the first. */
static uint32_t implemented(volatile uint32_t *host, uint32_t cap)
{
	uint32_t ports = host[IMPLEMENTED / 4];
	unsigned most = (cap & CAP_PORTS) + 1;

	return (unsigned)__builtin_popcount(ports) > most ? UINT32_MAX >> (PORTS - most) : ports;
}

/* Before the host reaches memory no port runs any more, whoever started it. */
static int look_at_all(const struct device *dev, volatile uint32_t *host, const char *name)
{
	uint32_t cap = host[CAP / 4], ports = implemented(host, cap), devices = 0;
	bool stuck = false;
	int rc = -ENODEV;

	host[GHC / 4] = GHC_ENABLE;
	for (unsigned i = 0; i < PORTS; i++) {
		struct port p = port_at(host, i);

		if (!(ports >> i & 1))
			continue;
		if (stop(&p) < 0) {
			set_name(&p, name, i);
			return left(&p, -ETIMEDOUT);
		}
		if ((get(&p, LINK) & LINK_DEVICE) == LINK_UP)
			devices |= 1u << i;
	}
	if (config_drive_found())
		devices = 0;
	if (devices)
		pci_master(dev);
	for (unsigned i = 0; i < PORTS && rc < 0 && !stuck; i++) {
		struct port p = port_at(host, i);

		if (!(devices >> i & 1))
			continue;
		set_name(&p, name, i);
		rc = look_at(&p, cap & CAP_64);
		stuck = p.stuck;
	}
	return rc;
}

static int apply(const struct device *dev)
{
	volatile uint32_t *host = NULL;
	char name[16];
	int rc = -ENODEV;

	if (pci_read(dev, 8) >> 8 != CLASS_AHCI)
		return -ENODEV;
	pci_name(dev, name, sizeof(name));
	if (pci_enable(dev) == 0)
		host = pci_map(dev, REGISTERS_BAR, 0, PORT(PORTS));
	if (host)
		rc = look_at_all(dev, host, name);
	else
		log_warn("%s: no registers of AHCI", name);
	pci_disable(dev);
	return rc < 0 ? -ENODEV : 0;
}

const struct source ahci = { .kind = DEV_PCI_FUNCTION, .apply = apply };
