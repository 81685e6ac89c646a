/* SPDX-License-Identifier: MIT */
/* What the loader handed over: struct hvm_start_info (Xen public header
 * arch-x86/hvm/start_info.h, version 1) with command line, memory map (ram.c)
 * and the ACPI root pointer; then ACPI, the command line's
 * virtio_mmio.device= words (Linux admin-guide/kernel-parameters), and what
 * every PC has. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arch/x86_64/port.h"
#include "kernel/arch/x86_64/pvh.h"
#include "kernel/arch/x86_64/x86.h"
#include "kernel/mem.h"

#define CMDLINE_MAX 65536u                 /* bytes of it that are looked at */
#define MODULES_MAX 8u
#define MODULE_NAME 16u                    /* bytes, with the NUL */
#define SETTINGS_MAX 65536u
#define COM1 0x3f8
#define CMOS 0x70
#define FW_CFG 0x510
#define PCI_ADDRESS 0xcf8
#define PCI_ENABLE 0x80000000u
#define IOAPIC_USUAL 0xfec00000u
#define LAPIC_USUAL 0xfee00000u

/* The loader's copy is wiped: there may be a secret in it. */
static void cmdline_discover(uint64_t at)
{
	char *words;
	size_t len;

	if (!at)
		return;
	mmu_boot_map(at, CMDLINE_MAX);
	words = (char *)at;
	len = strnlen(words, CMDLINE_MAX);
	if (len >= MACHINE_CMDLINE_MAX)
		log_warn("command line: cut at %d bytes", MACHINE_CMDLINE_MAX - 1);
	memcpy(machine.cmdline, words, MIN(len, (size_t)MACHINE_CMDLINE_MAX - 1));
	mem_wipe(words, len);
}

/* The module that the loader calls `name` (linker/efi/x86_64/hand.c), or NULL. */
static const struct module *module(const struct start_info *info, const char *name)
{
	const struct module *m = (const struct module *)info->modules_at;

	if (!m || info->version < 1)
		return NULL;
	mmu_boot_map(info->modules_at, MODULES_MAX * sizeof(*m));
	for (unsigned i = 0; i < info->modules && i < MODULES_MAX; i++) {
		if (!m[i].name_at)
			continue;
		mmu_boot_map(m[i].name_at, MODULE_NAME);
		if (!strncmp((const char *)m[i].name_at, name, MODULE_NAME))
			return &m[i];
	}
	return NULL;
}

/* What the loader read from the firmware and from its disk for us. */
static void modules_discover(const struct start_info *info)
{
	const struct module *seed = module(info, "seed"), *settings = module(info, "settings");

	if (seed) {
		mmu_boot_map(seed->at, seed->size);
		machine.seed_len = (unsigned)MIN(seed->size, sizeof(machine.seed));
		memcpy(machine.seed, (const void *)seed->at, machine.seed_len);
		mem_wipe((void *)seed->at, seed->size);
		machine.seed_name = "the firmware's";
	}
	if (settings && settings->size <= SETTINGS_MAX) {
		mmu_boot_map(settings->at, settings->size);
		machine.settings = (struct region){ settings->at, settings->size };
		machine.settings_copied = true;
		machine.settings_text = "zeitkern.conf";
	}
}

static const char *number(const char *s, int base, uint64_t *value)
{
	char *end;

	*value = strtoull(s, &end, base);
	if (end == s)
		return NULL;
	return end;
}

/* SIZE[KMG]@BASE:IRQ[:ID]. */
static int virtio_word(const char *s, struct device *dev)
{
	uint64_t irq;

	s = number(s, 0, &dev->size);
	if (!s)
		return -EINVAL;
	if (*s == 'K' || *s == 'k')
		dev->size <<= 10;
	else if (*s == 'M' || *s == 'm')
		dev->size <<= 20;
	s += strcspn(s, "@ ");
	if (*s != '@')
		return -EINVAL;
	s = number(s + 1, 0, &dev->base);
	if (!s || *s != ':' || dev->base % 4 || dev->base >= PHYSICAL_END)
		return -EINVAL;
	s = number(s + 1, 0, &irq);
	if (!s || irq > 255)
		return -EINVAL;
	dev->irq = (uint32_t)irq;
	return 0;
}

static void virtio_words(const char *s)
{
	static const char key[] = "virtio_mmio.device=";

	while ((s = strstr(s, key)) != NULL) {
		struct device dev = { .kind = DEV_VIRTIO_MMIO };

		s += sizeof(key) - 1;
		if (virtio_word(s, &dev) < 0)
			log_warn("command line: virtio_mmio.device= is SIZE@BASE:IRQ");
		else
			machine_add(&dev);
	}
}

uint64_t pci_window(void)
{
	uint64_t top = 0x80000000;

	for (unsigned i = 0; i < machine.ram_count; i++) {
		uint64_t end = machine.ram[i].base + machine.ram[i].size;

		if (end < PCI_WINDOW_END)
			top = MAX(top, end);
	}
	return MIN(ALIGN_UP(top, 1ull << 28), PCI_WINDOW_END);
}

/* PCI by ports where there is no ECAM; BARs below 4 GiB lie above all RAM. */
static void pci_discover(void)
{
	struct device dev = { .kind = DEV_PCI_PORTS, .base = PCI_ADDRESS, .size = 8 };

	if (machine_find(DEV_PCI_ECAM, NULL))
		return;
	out32(PCI_ADDRESS, PCI_ENABLE);
	if (in32(PCI_ADDRESS) != PCI_ENABLE || in32(PCI_ADDRESS + 4) == UINT32_MAX)
		return;
	dev.base2 = pci_window();
	dev.size2 = PCI_WINDOW_END - dev.base2;
	machine_add(&dev);
}

static void legacy_discover(void)
{
	static const struct device cmos = { .kind = DEV_RTC_CMOS, .base = CMOS, .size = 2 };
	static const struct device fw_cfg = { .kind = DEV_FW_CFG_PORTS, .base = FW_CFG, .size = 2 };
	static const struct device ioapic = { .kind = DEV_IOAPIC, .base = IOAPIC_USUAL };

	machine_add(&cmos);
	machine_add(&fw_cfg);
	if (!machine_find(DEV_IOAPIC, NULL))
		machine_add(&ioapic);
}

/* SeaBIOS calls a machine that brings no table of its own "Bochs Bochs". */
static const char *name(const struct start_info *info)
{
	const struct module *table = module(info, "smbios");
	const char *smbios = smbios_name(table ? table->at : 0);

	if (smbios && strcmp(smbios, "Bochs Bochs"))
		return smbios;
	if (!strcmp(cpu.hypervisor, HYPERVISOR_QEMU))
		return "QEMU (PVH)";
	return !strcmp(cpu.hypervisor, HYPERVISOR_KVM) ? "KVM (PVH)" : "a PVH machine";
}

void arch_discover(void)
{
	static const struct device uart = { .kind = DEV_UART_16550, .base = COM1, .size = 8 };
	const struct start_info *info = (const struct start_info *)(uintptr_t)boot_start_info;
	uint64_t lapic;

	machine_add(&uart);                /* first, so that a panic can be read */
	mmu_boot_map(boot_start_info, sizeof(*info));
	if (info->magic != START_MAGIC)
		panic("discover: not started by PVH");
	ram_discover(info);
	cmdline_discover(info->cmdline_at);
	modules_discover(info);
	lapic = acpi_discover(info->rsdp_at);
	if (!machine_find(DEV_VIRTIO_MMIO, NULL))
		virtio_words(machine.cmdline);
	legacy_discover();
	pci_discover();
	irq_init(lapic ? lapic : LAPIC_USUAL);
	tsc_start();
	machine.stacks = STACKS_VA;
	machine.name = name(info);
	mmu_boot_pool(NULL);
}
