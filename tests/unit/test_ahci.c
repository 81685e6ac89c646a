/* SPDX-License-Identifier: MIT */
/* kernel/dev/ahci.c against a model of a host's registers with disks and CDs behind it, which
 * answer well, late, badly and never. Whatever they do, the host ends without a way to memory, and
 * unless a port is stuck nothing of the DMA pool is taken. */
/* sources: kernel/dev/ahci.c kernel/dev/scsi.c kernel/dev/drive.c tests/unit/fake_mmio.c
 * tests/unit/fake_nic.c tests/unit/fake_kernel.c */
#include "tests/unit/fake_mmio.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/clock.h"
#include "kernel/config_drive.h"
#include "kernel/dev.h"
#include "kernel/dev/pci.h"
#include "kernel/mem.h"
#include "tests/unit/fake_nic.h"

#define CLASS 0x01060100u
#define PORTS 6u                       /* that the host says that it has */
#define CAP_64 (1u << 31)
#define BLOCKS 1000u
#define SECRET 0x5a
#define BUSY_MS 2600                   /* the longest that one stuck port may cost */

enum {
	CAP = 0, GHC = 4, PI = 0xc,
	CLB = 0, CLBU = 4, FB = 8, FBU = 0xc, IS = 0x10, IE = 0x14, CMD = 0x18, TFD = 0x20,
	SIG = 0x24, SSTS = 0x28, SERR = 0x30, CI = 0x38,
};
enum { ST = 1, FRE = 1 << 4, FR = 1 << 14, CR = 1 << 15 };
#define DISK 0x00000101u               /* signatures */
#define CD 0xeb140101u
#define BRIDGE 0xc33c0101u
#define TFES (1u << 30)
#define IFS (1u << 27)

extern const struct source ahci;
static const struct device at = { .kind = DEV_PCI_FUNCTION };

enum how {
	WELL, NEVER, BUSY, RUNS_ON, RECEIVES_ON, LINK_FAILS, FEW, REFUSES, READ_REFUSED, READ_FEW,
	READ_NEVER, EMPTY,
};
struct port {
	uint32_t reg[0x80 / 4];
	enum how how;
	bool halted;                       /* §6.2.2.1: from an error until it is stopped */
	unsigned commands, attentions;     /* one of which stays until it is heard */
};
static struct {
	uint32_t cap, ghc, class, ports;
	bool mapped, enabled, master;
	struct port port[PORTS];
	uint16_t identity[256];
} host;
static uint32_t block_len;
static void (*reader)(struct block *b);
static unsigned readers;
static bool found;                     /* a config drive, elsewhere */

/* ---- Drives ------------------------------------------------------------------- */

static void fill(uint8_t *data, uint64_t first, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		memset(data + (size_t)i * block_len, (int)(first + i + 1), block_len);
}

/* What a CD makes of a packet: bytes of answer, or -1: CHECK CONDITION. */
static int packet(struct port *p, const uint8_t *cdb, uint8_t *data)
{
	uint32_t first = (uint32_t)cdb[2] << 24 | cdb[3] << 16 | cdb[4] << 8 | cdb[5];
	unsigned n = cdb[7] << 8 | cdb[8];

	if (cdb[0] == 0x03) {
		p->attentions -= p->attentions > 0;
		return cdb[4];
	}
	if (p->attentions > 0 || p->how == EMPTY)
		return -1;
	switch (cdb[0]) {
	case 0x00:
		return 0;
	case 0x25:
		memcpy(data, "\0\0\x03\xe7\0\0\x08\0", 8);
		return 8;
	case 0x28:
		assert_true(n > 0 && first + n <= BLOCKS);
		fill(data, first, n);
		return (int)(n * block_len);
	}
	fail_msg("packet %#x", cdb[0]);
	return -1;
}

static int command(struct port *p, const uint8_t *fis, uint8_t *data)
{
	uint64_t first = 0;
	unsigned n = fis[12] | fis[13] << 8;

	assert_int_equal(fis[0] << 8 | fis[1], 0x2780);
	for (unsigned i = 0; i < 3; i++)
		first |= (uint64_t)fis[4 + i] << 8 * i | (uint64_t)fis[8 + i] << (24 + 8 * i);
	switch (fis[2]) {
	case 0xa0:
		assert_int_equal(p->reg[SIG / 4], CD);
		return packet(p, fis + 64, data);
	case 0xec:
		assert_int_equal(p->reg[SIG / 4], DISK);
		memcpy(data, host.identity, 512);
		return 512;
	case 0x25:
		assert_int_equal(fis[7], 0x40);
		assert_true(n > 0 && first + n <= BLOCKS);
		fill(data, first, n);
		return (int)(n * block_len);
	}
	fail_msg("command %#x", fis[2]);
	return -1;
}

/* ---- The host ------------------------------------------------------------------ */

/* §5.3: a command in slot 0, whose memory lies in the pool. */
static void issue(struct port *p)
{
	uint32_t *header = (void *)(uintptr_t)(p->reg[CLB / 4] | (uint64_t)p->reg[CLBU / 4] << 32);
	uint64_t table_at = header[2] | (uint64_t)header[3] << 32;
	const uint8_t *table = (void *)(uintptr_t)table_at;
	uint64_t data;
	uint32_t room;
	bool read;
	int n;

	p->commands++;
	assert_true(host.master && (p->reg[CMD / 4] & (ST | FRE)) == (ST | FRE));
	assert_int_equal(p->reg[IE / 4], 0);
	assert_int_equal(p->reg[TFD / 4] & 0x88, 0);
	assert_true((uintptr_t)header % 1024 == 0 && p->reg[FB / 4] % 256 == 0);
	assert_int_equal(header[0] & 0x1f, 5);
	assert_int_equal(header[0] >> 5 & 1, table[2] == 0xa0);
	assert_true(table_at % 128 == 0 && table_at >= (uintptr_t)pool);
	memcpy(&data, table + 0x80, 8);
	memcpy(&room, table + 0x8c, 4);
	read = table[2] == 0x25 || table[64] == 0x28;
	p->reg[CI / 4] = 1;
	if (p->halted || p->how == NEVER || (p->how == READ_NEVER && read))
		return;
	if (p->how == LINK_FAILS) {
		p->reg[IS / 4] = IFS;
		p->halted = true;
		return;
	}
	n = command(p, table, (uint8_t *)(uintptr_t)data);
	if (n > 0) {
		assert_int_equal(header[0] >> 16, 1);
		assert_true(data >= (uintptr_t)pool && data + room < (uintptr_t)pool + POOL);
		assert_int_equal(room, n - 1);
	} else {
		assert_true(n < 0 || header[0] >> 16 == 0);
	}
	if (n < 0 || p->how == REFUSES || (p->how == READ_REFUSED && read)) {
		p->reg[TFD / 4] = 0x51;
		p->reg[IS / 4] = TFES;
		p->halted = true;
		return;
	}
	header[1] = (uint32_t)n - (p->how == FEW || (p->how == READ_FEW && read) ? 2 : 0);
	p->reg[TFD / 4] = 0x50;
	p->reg[CI / 4] = 0;
}

/* §10.1.2, §10.3.1. */
static void set_command(struct port *p, uint32_t value)
{
	uint32_t was = p->reg[CMD / 4];

	if (value & ST && !(was & ST))
		assert_true(value & FRE && !(p->reg[TFD / 4] & 0x88));
	if (was & CR)
		assert_true(value & FRE);
	if (!(value & ST)) {
		p->reg[CI / 4] = 0;
		p->halted = false;
	}
	value &= ~(uint32_t)(CR | FR);
	value |= value & ST || (p->how == RUNS_ON && was & CR) ? CR : 0;
	value |= value & FRE || (p->how == RECEIVES_ON && was & FR) ? FR : 0;
	p->reg[CMD / 4] = value;
}

static struct port *port_of(unsigned offset)
{
	unsigned i = (offset - 0x100) / 0x80;

	assert_true(offset >= 0x100 && i < PORTS);
	return &host.port[i];
}

static uint32_t host_read(unsigned offset)
{
	assert_true(host.enabled);
	switch (offset) {
	case CAP: return host.cap | (host.ports ? 1 : PORTS - 1);
	case GHC: return host.ghc;
	case PI: return host.ports ? host.ports : UINT32_MAX;   /* more than there are */
	}
	return port_of(offset)->reg[offset % 0x80 / 4];
}

static void host_write(unsigned offset, uint32_t value)
{
	struct port *p;

	assert_true(host.enabled);
	if (offset == GHC) {
		assert_int_equal(value, 1u << 31);
		host.ghc = value;
		return;
	}
	p = port_of(offset);
	assert_int_equal(host.ghc, 1u << 31);
	switch (offset % 0x80) {
	case CMD: set_command(p, value); break;
	case CI: assert_int_equal(value, 1); issue(p); break;
	case IS: case SERR: p->reg[offset % 0x80 / 4] &= ~value; break;
	case CLB: case CLBU: case FB: case FBU:
		assert_int_equal(p->reg[CMD / 4] & (ST | FRE | CR | FR), 0);
		/* fallthrough */
	case IE: p->reg[offset % 0x80 / 4] = value; break;
	default: fail_msg("a write to %#x", offset);
	}
}

static const struct fake_mmio model = { host_read, host_write };

/* ---- PCI ----------------------------------------------------------------------- */

uint32_t pci_read(const struct device *fn, unsigned offset)
{
	assert_int_equal(offset, 8);
	return host.class;
}

void pci_name(const struct device *fn, char *buf, size_t len)
{
	snprintf(buf, len, "fake");
}

int pci_enable(const struct device *fn)
{
	host.enabled = true;
	return 0;
}

void pci_master(const struct device *fn)
{
	for (unsigned i = 0; i < PORTS; i++)
		assert_int_equal(host.port[i].reg[CMD / 4] & (ST | FRE | CR | FR), 0);
	host.master = true;
}

void pci_disable(const struct device *fn)
{
	host.enabled = host.master = false;
}

volatile void *pci_map(const struct device *fn, unsigned bar, uint64_t offset, uint64_t len)
{
	static uintptr_t regs;

	assert_true(bar == 5 && offset == 0 && len == 0x1100);
	if (!regs)
		regs = fake_mmio_map_pages(&model, 2);
	return host.mapped ? (volatile void *)regs : NULL;
}

/* ---- Tests --------------------------------------------------------------------- */

bool config_drive_found(void)
{
	return found;
}

int config_drive_apply(struct block *b)
{
	readers++;
	assert_int_equal(b->sectors, (uint64_t)BLOCKS * (block_len / 512));
	if (reader)
		reader(b);
	return reader ? 0 : -ENODEV;
}

static struct port *plug(unsigned i, uint32_t signature, enum how how)
{
	struct port *p = &host.port[i];

	p->reg[SSTS / 4] = 0x113;
	p->reg[SIG / 4] = signature;
	p->how = how;
	return p;
}

static void identity(uint64_t blocks, uint32_t len)
{
	memset(host.identity, 0, sizeof(host.identity));
	host.identity[83] = 0x4400;
	memcpy(&host.identity[100], &blocks, 8);
	if (len != 512) {
		host.identity[106] = 0x5000;
		host.identity[117] = (uint16_t)(len / 2);
		host.identity[118] = (uint16_t)(len / 2 >> 16);
	}
	block_len = len;
}

static int setup(void **state)
{
	fake_nic_new();
	memset(&host, 0, sizeof(host));
	host.cap = CAP_64;
	host.mapped = true;
	host.class = CLASS;
	identity(BLOCKS, 512);
	reader = NULL;
	readers = 0;
	fake_log[0] = '\0';
	return 0;
}

/* `stuck`: whether the host keeps what it was given. */
static int apply(bool stuck)
{
	ktime began = clock_now();
	int rc = ahci.apply(&at);

	assert_in_range((clock_now() - began) / MILLIS(1), 1, BUSY_MS);
	assert_false(host.enabled || host.master);
	if (!stuck)
		for (unsigned i = 0; i < PORTS; i++)
			assert_int_equal(host.port[i].reg[CMD / 4] & (ST | FRE | CR | FR), 0);
	assert_int_equal(mem_dma_mark() != (uintptr_t)pool, stuck);
	for (size_t i = 0; i < POOL; i++)
		if (pool[i] == SECRET)
			fail_msg("what was read is still there");
	return rc;
}

static void said(const char *line)
{
	assert_int_equal(fake_log_lines, line != NULL);
	if (line)
		assert_string_equal(fake_log, line);
	fake_log_lines = 0;
}

static void read_well(struct block *b)
{
	unsigned each = block_len / 512;

	for (uint64_t first = 0; first + 8 <= b->sectors; first += 5) {
		const uint8_t *p = b->read(b, first, 8);

		for (unsigned i = 0; i < 8; i++)
			assert_int_equal(p[i * 512], (uint8_t)((first + i) / each + 1));
	}
	assert_int_equal(*b->read(b, (SECRET - 1) * (uint64_t)each, 1), SECRET);
}

static void test_disk(void **state)
{
	for (uint32_t len = 512; len <= 4096; len *= 2) {
		identity(BLOCKS, len);
		reader = read_well;
		plug(3, DISK, WELL);
		assert_int_equal(apply(false), 0);
		said(NULL);
	}
	reader = NULL;
	assert_int_equal(apply(false), -ENODEV);
	said(NULL);
	assert_int_equal(readers, 5);
}

static void test_cd(void **state)
{
	block_len = 2048;
	reader = read_well;
	plug(5, CD, WELL)->attentions = 2;
	plug(0, BRIDGE, WELL);
	plug(1, CD, EMPTY);
	assert_int_equal(apply(false), 0);
	said(NULL);
	assert_int_equal(readers, 1);
	assert_int_equal(host.port[0].commands, 0);
	host.port[5].attentions = 100;
	assert_int_equal(apply(false), -ENODEV);
	said(NULL);
	assert_int_equal(readers, 1);
}

/* Two ports, and which: they need not be the first two. */
static void test_sparse(void **state)
{
	host.ports = 1u << 1 | 1u << 4;
	reader = read_well;
	plug(0, DISK, WELL);
	plug(4, DISK, WELL);
	assert_int_equal(apply(false), 0);
	assert_int_equal(readers, 1);
	assert_int_equal(host.port[0].commands, 0);
}

/* Who has its config drive asks no further one; the ports stand still all the same. */
static void test_found(void **state)
{
	plug(0, DISK, WELL);
	found = true;
	assert_int_equal(apply(false), -ENODEV);
	found = false;
	said(NULL);
	assert_int_equal(host.port[0].commands, 0);
}

static void test_no_device(void **state)
{
	ktime began = clock_now();

	for (unsigned i = 0; i < PORTS; i++)
		host.port[i].reg[SSTS / 4] = i == 3 ? 15 : i % 3;
	assert_int_equal(apply(false), -ENODEV);
	assert_true(clock_now() - began < MILLIS(5));
	host.class = 0x01018000;
	assert_int_equal(apply(false), -ENODEV);
	assert_int_equal(host.ghc, 1u << 31);
	said(NULL);
	host.class = CLASS;
	host.mapped = false;
	assert_int_equal(apply(false), -ENODEV);
	said("fake: no registers of AHCI");
}

/* As firmware leaves it. */
static void test_firmware(void **state)
{
	reader = read_well;
	plug(0, DISK, WELL);
	for (unsigned i = 0; i < 3; i++)
		host.port[i].reg[CMD / 4] = i == 1 ? FRE | FR : ST | FRE | CR | FR;
	assert_int_equal(apply(false), 0);
	for (enum how how = RUNS_ON; how <= RECEIVES_ON; how++) {
		host.port[1].how = how;
		host.port[1].reg[CMD / 4] = ST | FRE | CR | FR;
		assert_int_equal(ahci.apply(&at), -ENODEV);
		said("fake, port 1: is not looked at for a config drive: error 110");
		assert_false(host.enabled || host.master);
	}
	assert_int_equal(readers, 1);
}

/* A drive that nothing can be learnt from is a line; one that is stuck ends the look. */
static void test_badly(void **state)
{
	static const struct { enum how how; int error; bool stuck; } bad[] = {
		{ NEVER, 110, true }, { BUSY, 110, true }, { RUNS_ON, 0, true },
		{ RECEIVES_ON, 0, true }, { LINK_FAILS, 5, false }, { FEW, 5, false },
		{ REFUSES, 5, false },
	};
	char line[80];

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		setup(NULL);
		plug(2, DISK, bad[i].how)->reg[TFD / 4] = bad[i].how == BUSY ? 0x80 : 0x50;
		plug(4, DISK, WELL);
		assert_int_equal(apply(bad[i].stuck), -ENODEV);
		assert_int_equal(host.port[4].commands > 0, !bad[i].stuck);
		snprintf(line, sizeof(line), "fake, port 2: is not looked at for a config drive: "
			 "error %d", bad[i].error);
		said(bad[i].error ? line : NULL);
	}
	setup(NULL);
	plug(2, CD, LINK_FAILS);
	assert_int_equal(apply(false), -ENODEV);
	said("fake, port 2: is not looked at for a config drive: error 5");
}

static void read_badly(struct block *b)
{
	assert_null(b->read(b, 7, 1));
	assert_null(b->read(b, 7, 1));
	reader = NULL;
}

static void test_reads_badly(void **state)
{
	for (enum how how = READ_REFUSED; how <= READ_NEVER; how++) {
		setup(NULL);
		reader = read_badly;
		plug(2, DISK, how);
		assert_int_equal(apply(how == READ_NEVER), -ENODEV);
		said(how == READ_NEVER ? "fake, port 2: cannot be read (no answer in time)" :
		     "fake, port 2: cannot be read (it says so)");
		assert_int_equal(host.port[2].commands, 2);
	}
}

static void test_absurd_size(void **state)
{
	static const struct { uint64_t blocks; uint32_t len; const char *text; } absurd[] = {
		{ 0, 512, "0 blocks of 512" },
		{ UINT64_MAX, 512, "18446744073709551615 blocks of 512" },
		{ (1ull << 48) + 1, 512, "281474976710657 blocks of 512" },
		{ 1000, 8192, "1000 blocks of 8192" }, { 1000, 520, "1000 blocks of 520" },
		{ 1000, 256, "1000 blocks of 256" }, { 1000, 0, "1000 blocks of 0" },
	};
	char line[128];

	for (unsigned i = 0; i < ARRAY_LEN(absurd); i++) {
		identity(absurd[i].blocks, absurd[i].len);
		plug(0, DISK, WELL);
		assert_int_equal(apply(false), -ENODEV);
		snprintf(line, sizeof(line), "fake, port 0: %s bytes: expected 1 to 2^48, of 512, "
			 "1024, 2048 or 4096", absurd[i].text);
		said(line);
	}
	identity(1000, 512);
	host.identity[106] = 0x5000;           /* words 117 and 118: 512 bytes, and 4 GiB */
	host.identity[117] = 0x0100;
	host.identity[118] = 0x8000;
	assert_int_equal(apply(false), -ENODEV);
	said("fake, port 0: 1000 blocks of 4294967808 bytes: expected 1 to 2^48, of 512, 1024, "
	     "2048 or 4096");
	identity(1000, 512);
	host.identity[83] = 0x4000;            /* no 48-bit addresses */
	assert_int_equal(apply(false), -ENODEV);
	said("fake, port 0: 0 blocks of 512 bytes: expected 1 to 2^48, of 512, 1024, "
	     "2048 or 4096");
	assert_int_equal(readers, 0);
}

static void test_no_memory(void **state)
{
	plug(0, DISK, WELL);
	pool_size = 4096;
	assert_int_equal(apply(false), -ENODEV);
	said("fake, port 0: is not looked at for a config drive: error 12");
	pool_size = POOL;
	host.cap = 0;                          /* and the pool lies beyond 4 GiB */
	assert_true((uintptr_t)pool >> 32);
	assert_int_equal(apply(false), -ENODEV);
	said("fake, port 0: is not looked at for a config drive: error 95");
	assert_int_equal(host.port[0].commands, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mmio_unit_test_setup(test_disk, setup),
		mmio_unit_test_setup(test_cd, setup),
		mmio_unit_test_setup(test_sparse, setup),
		mmio_unit_test_setup(test_found, setup),
		mmio_unit_test_setup(test_no_device, setup),
		mmio_unit_test_setup(test_firmware, setup),
		mmio_unit_test_setup(test_badly, setup),
		mmio_unit_test_setup(test_reads_badly, setup),
		mmio_unit_test_setup(test_absurd_size, setup),
		mmio_unit_test_setup(test_no_memory, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
