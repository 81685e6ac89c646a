/* sources: kernel/aml.c kernel/acpi.c kernel/arch/x86_64/acpi.c kernel/machine.c
 * tests/unit/fake_kernel.c */
/* SPDX-License-Identifier: MIT */
/* kernel/aml.c on byte code as QEMU writes it, on every shortening of it and on many
 * spoilt copies, each in a block of its exact size so that a sanitizer sees one byte too far; then
 * acpi.c on whole sets of tables, which must lie where a machine could have them. */
#define _GNU_SOURCE
#include "tests/unit/fake_kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "kernel/acpi.h"
#include "kernel/arch/x86_64/x86.h"

#define SPOILT 20000
#define TABLES 0x10000000u
#define TABLES_SIZE 0x10000u
#define BIOS 0xe0000u                  /* where a BIOS has its root pointer */
#define BIOS_SIZE 0x20000u
#define PRIVATE (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE)

/* What acpi.c asks of its neighbours. */
struct warden_step warden_off[WARDEN_STEPS], warden_reset[WARDEN_STEPS];

void mmu_boot_map(uint64_t pa, uint64_t len)
{
}

void irq_override(unsigned source, uint32_t gsi, unsigned flags)
{
}

uint64_t pci_window(void)
{
	return 0xc0000000;
}

static bool ram_is_everywhere;

bool ram_touches(uint64_t start, uint64_t end)
{
	return ram_is_everywhere;
}

/* ---- Byte code -------------------------------------------------------------------- */

static const uint8_t s5[] = { 8, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 0, 0, 0 };

static const uint8_t virtio[] = {
	8, '_', 'H', 'I', 'D', 0x0d, 'L', 'N', 'R', 'O', '0', '0', '0', '5', 0,
	8, '_', 'C', 'R', 'S', 0x11, 0x1a, 0x0a, 0x17,
	0x86, 9, 0, 1, 0x00, 0x2e, 0xb0, 0xfe, 0x00, 0x02, 0, 0,
	0x89, 6, 0, 1, 1, 0x2f, 0, 0, 0, 0x79, 0,
};

static const uint8_t ged[] = {
	8, '_', 'H', 'I', 'D', 0x0d, 'A', 'C', 'P', 'I', '0', '0', '1', '3', 0,
	8, '_', 'C', 'R', 'S', 0x11, 0x0e, 0x0a, 0x0b, 0x89, 6, 0, 3, 1, 9, 0, 0, 0, 0x79, 0,
	0x5b, 0x80, 'E', 'R', 'E', 'G', 0, 0x0c, 0x00, 0x00, 0xa0, 0xfe, 0x0a, 4,
};

static const uint8_t bridge[] = {
	0x14, 0x0c, '_', 'C', 'B', 'A', 0, 0xa4, 0x0c, 0x00, 0x00, 0x00, 0xe0,
	8, '_', 'C', 'R', 'S', 0x11, 0x30, 0x0a, 0x2d,
	0x88, 0x0d, 0, 2, 0x0c, 0, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 1,
	0x87, 0x17, 0, 0, 0x0c, 1, 0, 0, 0, 0, 0, 0, 0, 0xc0, 0xff, 0xff, 0xff, 0xdf,
	0, 0, 0, 0, 0, 0, 0, 0x20, 0x79, 0,
};

/* QEMU's, shortened where it says nothing; and ADDR as a package, as others have it. */
static const uint8_t vgia[] = {
	8, 'V', 'G', 'I', 'A', 0x0c, 0x00, 0xf0, 0xfd, 0x07,
	0x10, 0x40, '\\', '_', 'S', 'B', '_', 0x5b, 0x82, 0x39, 'V', 'G', 'E', 'N',
	8, '_', 'H', 'I', 'D', 0x0d, 'Q', 'E', 'M', 'U', 'V', 'G', 'I', 'D', 0,
	8, '_', 'C', 'I', 'D', 0x0d,
	'V', 'M', '_', 'G', 'e', 'n', '_', 'C', 'o', 'u', 'n', 't', 'e', 'r', 0,
	0x14, 0x18, 'A', 'D', 'D', 'R', 0, 0x70, 0x12, 2, 2, 0x60,
};

static const uint8_t package[] = {
	8, '_', 'C', 'I', 'D', 0x0d,
	'V', 'M', '_', 'G', 'e', 'n', '_', 'C', 'o', 'u', 'n', 't', 'e', 'r', 0,
	8, 'A', 'D', 'D', 'R', 0x12, 12, 2, 0x0c, 0x00, 0x10, 0x00, 0xe0, 0x0a, 3,
};

static uint8_t code[512];
static uint32_t code_len;

static void add_code(const void *part, size_t len)
{
	memcpy(code + code_len, part, len);
	code_len += (uint32_t)len;
}

static int setup(void **state)
{
	memset(&machine, 0, sizeof(machine));
	memset(warden_off, 0, sizeof(warden_off));
	memset(warden_reset, 0, sizeof(warden_reset));
	code_len = 0;
	add_code(s5, sizeof(s5));
	add_code(virtio, sizeof(virtio));
	add_code(virtio, sizeof(virtio));
	code[sizeof(s5) + sizeof(virtio) + 41] = 0x2e;
	add_code(ged, sizeof(ged));
	add_code(bridge, sizeof(bridge));
	return 0;
}

static void test_aml(void **state)
{
	struct aml aml = { code, code_len };
	struct device dev = { .kind = DEV_PCI_ECAM };
	uint64_t select = 0;
	uint32_t gsi = 0;

	assert_int_equal(aml_s5(aml), 5);
	aml_virtio(aml);
	assert_int_equal(machine.dev_count, 2);
	assert_int_equal(machine.dev[0].base, 0xfeb02e00);
	assert_int_equal(machine.dev[0].irq, 0x2f);
	assert_int_equal(machine.dev[1].irq, 0x2e);
	assert_int_equal(aml_ged(aml, &select, &gsi), 0);
	assert_int_equal(select, 0xfea00000);
	assert_int_equal(gsi, 9);
	assert_int_equal(aml_pci(aml, &dev), 0);
	assert_int_equal(dev.base, 0xe0000000);
	assert_int_equal(dev.size, 1 << 20);
	assert_int_equal(dev.base2, 0xc0000000);
	assert_int_equal(dev.size2, 0x20000000);
}

static void test_vmgenid(void **state)
{
	uint8_t spoilt[sizeof(vgia)];
	uint64_t address = 0;

	assert_int_equal(aml_vmgenid((struct aml){ vgia, sizeof(vgia) }, &address), 0);
	assert_int_equal(address, 0x07fdf000 + 40);
	assert_int_equal(aml_vmgenid((struct aml){ package, sizeof(package) }, &address), 0);
	assert_true(address == 0x3e0001000);
	assert_int_equal(aml_vmgenid((struct aml){ code, code_len }, &address), -ENOENT);

	memcpy(spoilt, vgia, sizeof(vgia));
	spoilt[6] = 1;                         /* not aligned */
	assert_int_equal(aml_vmgenid((struct aml){ spoilt, sizeof(vgia) }, &address), -ENOTSUP);
	memset(spoilt + 6, 0, 4);              /* the firmware has not filled it in */
	assert_int_equal(aml_vmgenid((struct aml){ spoilt, sizeof(vgia) }, &address), -ENOTSUP);
	memset(spoilt + 6, 0xff, 4);           /* beyond 32 bits */
	assert_int_equal(aml_vmgenid((struct aml){ spoilt, sizeof(vgia) }, &address), -ENOTSUP);
	spoilt[1] = 'X';                       /* neither form */
	assert_int_equal(aml_vmgenid((struct aml){ spoilt, sizeof(vgia) }, &address), -ENOTSUP);
}

static void test_nothing(void **state)
{
	struct aml none = { NULL, 0 };
	struct device dev = { 0 };
	uint64_t select;
	uint32_t gsi;

	assert_int_equal(aml_s5(none), -ENOENT);
	assert_int_equal(aml_ged(none, &select, &gsi), -ENOENT);
	assert_int_equal(aml_pci(none, &dev), -ENOENT);
	assert_int_equal(aml_vmgenid(none, &select), -ENOENT);
	aml_virtio(none);
	assert_int_equal(machine.dev_count, 0);
}

/* All of it on a copy that ends where the table ends. */
static void scan(const uint8_t *bytes, uint32_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	struct aml aml = { copy, len };
	struct device dev = { 0 };
	uint64_t select;
	uint32_t gsi;

	memcpy(copy, bytes, len);
	machine.dev_count = 0;
	assert_true(aml_s5(aml) < 8);
	aml_virtio(aml);
	assert_true(machine.dev_count <= 4);
	aml_ged(aml, &select, &gsi);
	if (aml_pci(aml, &dev) == 0)
		assert_true(dev.base && dev.base < PHYSICAL_END && dev.size2);
	if (aml_vmgenid(aml, &select) == 0)
		assert_true(select && select % 8 == 0 && select < PHYSICAL_END - 16);
	free(copy);
}

static void test_shortened(void **state)
{
	for (uint32_t len = 0; len < code_len; len++)
		scan(code, len);
	for (uint32_t len = 0; len < sizeof(vgia); len++)
		scan(vgia, len);
	for (uint32_t len = 0; len < sizeof(package); len++)
		scan(package, len);
}

static void test_spoilt(void **state)
{
	uint8_t spoilt[sizeof(code)];

	srand(5);
	for (unsigned i = 0; i < SPOILT; i++) {
		memcpy(spoilt, code, code_len);
		for (int k = rand() % 4; k >= 0; k--)
			spoilt[(unsigned)rand() % code_len] = (uint8_t)rand();
		scan(spoilt, code_len);
		memcpy(spoilt, vgia, sizeof(vgia));
		memcpy(spoilt + sizeof(vgia), package, sizeof(package));
		for (int k = rand() % 4; k >= 0; k--)
			spoilt[(unsigned)rand() % sizeof(vgia)] = (uint8_t)rand();
		scan(spoilt, sizeof(vgia) + sizeof(package));
	}
}

/* ---- Tables ------------------------------------------------------------------------ */

enum {
	RSDP = 0, XSDT = 0x100, FADT = 0x400, MADT = 0x600, MCFG = 0x700, DSDT = 0x800,
	SSDT = 0xc00, SPCR = 0xe00, ENDLESS = 0x2000,
};

static uint8_t *at(uint32_t offset)
{
	return (uint8_t *)(uintptr_t)TABLES + offset;
}

static void put(uint32_t offset, uint64_t value, unsigned bytes)
{
	memcpy(at(offset), &value, bytes);
}

static void header(uint32_t offset, const char *signature, uint32_t len)
{
	memcpy(at(offset), signature, 4);
	put(offset + 4, len, 4);
}

static void sum_rsdp(void)
{
	uint8_t sum = 0;

	*at(RSDP + 8) = 0;
	for (unsigned i = 0; i < 20; i++)
		sum += *at(RSDP + i);
	*at(RSDP + 8) = (uint8_t)-sum;
}

/* A hardware-reduced machine: `fadts` times the FADT, and what else is asked for. */
static void tables(unsigned fadts, bool with_mcfg)
{
	unsigned n = 0;

	memset(at(0), 0, TABLES_SIZE);
	memcpy(at(RSDP), "RSD PTR ", 8);
	*at(RSDP + 15) = 2;
	put(RSDP + 24, TABLES + XSDT, 8);
	sum_rsdp();
	for (; n < fadts; n++)
		put(XSDT + 36 + 8 * n, TABLES + FADT, 8);
	put(XSDT + 36 + 8 * n++, TABLES + MADT, 8);
	put(XSDT + 36 + 8 * n++, 0xfffffffffffff000, 8);
	if (with_mcfg)
		put(XSDT + 36 + 8 * n++, TABLES + MCFG, 8);
	header(XSDT, "XSDT", 36 + 8 * n);

	header(FADT, "FACP", 276);
	put(FADT + 40, TABLES + DSDT, 4);
	put(FADT + 112, 1 << 20 | 1 << 10, 4);
	put(FADT + 120, 0xfea00202, 8);
	put(FADT + 128, 0x42, 1);
	put(FADT + 140, TABLES + DSDT, 8);
	put(FADT + 248, 0xfea00200, 8);
	header(DSDT, "DSDT", 36 + code_len);
	memcpy(at(DSDT + 36), code, code_len);

	header(MADT, "APIC", 44 + 12);
	put(MADT + 36, 0xfee00000, 4);
	put(MADT + 44, 12 << 8 | 1, 2);
	put(MADT + 48, 0xfec00000, 4);
	header(MCFG, "MCFG", 44 + 16);
	put(MCFG + 44, 0xb0000000, 8);
	*at(MCFG + 55) = 255;
}

static void test_tables(void **state)
{
	tables(1, false);
	assert_int_equal(acpi_discover(TABLES), 0xfee00000);
	assert_int_equal(machine_find(DEV_IOAPIC, NULL)->base, 0xfec00000);
	assert_int_equal(machine_find(DEV_POWER_GED, NULL)->base, 0xfea00000);
	assert_int_equal(machine_find(DEV_PCI_ECAM, NULL)->base, 0xe0000000);
	assert_int_equal(warden_off[0].kind, STEP_MEMORY8);
	assert_int_equal(warden_off[0].value, 5 << 2 | 1 << 5);
	assert_int_equal(warden_reset[0].value, 0x42);
	assert_int_equal(warden_reset[1].kind, STEP_END);
}

/* What MCFG says counts, wherever in the list it stands. */
static void test_mcfg(void **state)
{
	tables(1, true);
	acpi_discover(TABLES);
	assert_int_equal(machine_find(DEV_PCI_ECAM, NULL)->base, 0xb0000000);
	assert_int_equal(machine_find(DEV_PCI_ECAM, NULL)->size, 256 << 20);
	assert_null(machine_find(DEV_PCI_ECAM, machine_find(DEV_PCI_ECAM, NULL)));
}

/* The ID's table, `times` in the list. */
static void add_ssdt(unsigned times)
{
	uint32_t len;

	memcpy(&len, at(XSDT + 4), 4);
	for (unsigned n = 0; n < times; n++, len += 8)
		put(XSDT + len, TABLES + SSDT, 8);
	put(XSDT + 4, len, 4);
	header(SSDT, "SSDT", 36 + sizeof(vgia));
	memcpy(at(SSDT + 36), vgia, sizeof(vgia));
}

/* In RAM that is ours it could not be mapped for the payload; one that says it is huge is none. */
static void test_vmgenid_tables(void **state)
{
	tables(1, false);
	add_ssdt(3);
	acpi_discover(TABLES);
	assert_int_equal(machine_find(DEV_VMGENID, NULL)->base, 0x07fdf000 + 40);
	assert_null(machine_find(DEV_VMGENID, machine_find(DEV_VMGENID, NULL)));

	setup(NULL);
	ram_is_everywhere = true;
	tables(1, false);
	add_ssdt(1);
	acpi_discover(TABLES);
	ram_is_everywhere = false;
	assert_null(machine_find(DEV_VMGENID, NULL));
	assert_string_equal(fake_log, "acpi: VMGENID is not where it can be read, "
				      "clones do not show by it");

	setup(NULL);
	tables(1, false);
	add_ssdt(1);
	put(SSDT + 4, UINT32_MAX, 4);
	acpi_discover(TABLES);
	assert_null(machine_find(DEV_VMGENID, NULL));
	put(SSDT + 4, 35, 4);
	acpi_discover(TABLES);
	assert_null(machine_find(DEV_VMGENID, NULL));
}

/* The lists of steps end with an end, however many tables ask for one more. */
static void test_many_fadts(void **state)
{
	tables(20, false);
	acpi_discover(TABLES);
	assert_int_equal(warden_off[WARDEN_STEPS - 1].kind, STEP_END);
	assert_int_equal(warden_reset[WARDEN_STEPS - 1].kind, STEP_END);
}

/* A root table that names itself, and the same tables without end; entries that end nowhere: each
 * is read a bounded number of times, and of what there is only one of, the first counts. */
static void test_endless(void **state)
{
	unsigned lines = fake_log_lines;

	tables(1, true);
	put(RSDP + 24, TABLES + ENDLESS, 8);
	for (uint32_t i = ENDLESS + 36; i + 8 <= TABLES_SIZE; i += 8)
		put(i, TABLES + (i / 8 % 2 ? ENDLESS : MADT), 8);
	header(ENDLESS, "XSDT", (1u << 20) - 1);
	put(MADT + 4, 0x1000, 4);
	assert_true(acpi_discover(TABLES) < PHYSICAL_END);
	assert_true(fake_log_lines - lines <= 1);
	setup(NULL);
	*at(MADT + 45) = 0;
	assert_int_equal(acpi_discover(TABLES), 0xfee00000);
	*at(MADT + 45) = 1;
	assert_int_equal(acpi_discover(TABLES), 0xfee00000);
	assert_null(machine_find(DEV_IOAPIC, NULL));
}

/* The console that SPCR names comes before COM1; one that makes no sense changes nothing. */
static void test_spcr(void **state)
{
	static const struct device com1 = { .kind = DEV_UART_16550, .base = 0x3f8 };

	for (unsigned space = 0; space < 2; space++) {
		setup(NULL);
		machine_add(&com1);
		tables(1, false);
		put(XSDT + 36, TABLES + SPCR, 8);
		header(SPCR, "SPCR", 80);
		*at(SPCR + 40) = (uint8_t)space;
		put(SPCR + 44, 0x2f8, 8);
		acpi_discover(TABLES);
		assert_int_equal(machine.dev[0].base, space ? 0x2f8 : 0x3f8);
		assert_int_equal(machine_find(DEV_UART_16550, &machine.dev[0]) != NULL, space);
	}
}

/* Registers in memory, a byte or a word each; not where RAM is. */
static void test_spcr_memory(void **state)
{
	static const struct { uint64_t base, first; uint8_t bits; bool ram; } cases[] = {
		{ 0xfe032000, 0xfe032000, 8, false }, { 0xfe032000, 0xfe032000, 32, false },
		{ 0xfe032000, 0x3f8, 8, true }, { PHYSICAL_END, 0x3f8, 8, false },
	};
	static const struct device com1 = { .kind = DEV_UART_16550, .base = 0x3f8 };

	for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
		setup(NULL);
		machine_add(&com1);
		tables(1, false);
		put(XSDT + 36, TABLES + SPCR, 8);
		header(SPCR, "SPCR", 80);
		*at(SPCR + 36) = 18;
		*at(SPCR + 41) = cases[i].bits;
		put(SPCR + 44, cases[i].base, 8);
		ram_is_everywhere = cases[i].ram;
		acpi_discover(TABLES);
		ram_is_everywhere = false;
		assert_int_equal(machine.dev[0].base, cases[i].first);
		assert_int_equal(machine.dev[0].arg, i == 0);
	}
}

static void test_no_tables(void **state)
{
	tables(1, false);
	put(RSDP + 24, PHYSICAL_END, 8);
	assert_int_equal(acpi_discover(TABLES), 0);
	*at(RSDP + 9) ^= 1;
	assert_int_equal(acpi_discover(TABLES), 0);
	assert_int_equal(acpi_discover(PHYSICAL_END), 0);
	assert_int_equal(machine.dev_count, 0);
}

/* The BIOS's root pointer, where the loader names none, or one that leads nowhere. */
static void test_bios_tables(void **state)
{
	static const uint64_t named[] = { 0, PHYSICAL_END };

	for (unsigned i = 0; i < ARRAY_LEN(named); i++) {
		setup(NULL);
		tables(1, false);
		memcpy((void *)(uintptr_t)(BIOS + 0x1230), at(RSDP), 36);
		acpi_discover(named[i]);
		memset((void *)(uintptr_t)BIOS, 0, BIOS_SIZE);
		assert_true(machine.dev_count > 0);
	}
}

/* Lengths and contents that mean nothing; addresses stay what they are, the test has no other
 * memory there. */
static void test_spoilt_tables(void **state)
{
	static const uint32_t offsets[] = { XSDT, FADT, MADT, MCFG, DSDT, SSDT };

	srand(6);
	for (unsigned i = 0; i < SPOILT; i++) {
		uint32_t table = offsets[(unsigned)rand() % ARRAY_LEN(offsets)];

		setup(NULL);
		tables(1, true);
		add_ssdt(1);
		put(table + 4, (unsigned)rand() % 300, 4);
		if (table != XSDT)
			*at(table + 44 + (unsigned)rand() % 92) = (uint8_t)rand();
		*at(FADT + 114) |= 1 << 4;       /* fixed hardware would touch ports */
		acpi_discover(TABLES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_aml, setup),
		cmocka_unit_test_setup(test_vmgenid, setup),
		cmocka_unit_test_setup(test_nothing, setup),
		cmocka_unit_test_setup(test_shortened, setup),
		cmocka_unit_test_setup(test_spoilt, setup),
		cmocka_unit_test_setup(test_tables, setup),
		cmocka_unit_test_setup(test_mcfg, setup),
		cmocka_unit_test_setup(test_vmgenid_tables, setup),
		cmocka_unit_test_setup(test_many_fadts, setup),
		cmocka_unit_test_setup(test_no_tables, setup),
		cmocka_unit_test_setup(test_bios_tables, setup),
		cmocka_unit_test_setup(test_endless, setup),
		cmocka_unit_test_setup(test_spcr, setup),
		cmocka_unit_test_setup(test_spcr_memory, setup),
		cmocka_unit_test_setup(test_spoilt_tables, setup),
	};

	if (mmap((void *)(uintptr_t)TABLES, TABLES_SIZE, PROT_READ | PROT_WRITE, PRIVATE, -1, 0) ==
	    MAP_FAILED || mmap((void *)(uintptr_t)BIOS, BIOS_SIZE, PROT_READ | PROT_WRITE, PRIVATE,
			       -1, 0) == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
