/* SPDX-License-Identifier: MIT */
/* Finds out from the device tree, or from ACPI where UEFI gives no tree, what the machine is
 * made of.
 *
 * Devicetree Specification 0.4 and the bindings named in `known`. Two walks: what lies in
 * memory first, because it completes the boot tables; then the devices. Nothing points into
 * the tree afterwards: its memory is given to the kernel with the rest. */
#include <string.h>

#include "kernel/arch/aarch64/handoff.h"
#include "kernel/arch/vmsa/vmsa.h"

#define KEY_POWER 116u                 /* linux,code */
#define VIRTUAL_TIMER_PPI 11u
#define GPIO_MAX 4u
#define PCI_SPACE(hi) ((hi) >> 24 & 3)
#define PCI_MEMORY_32 2u
#define PCI_PINS 16u

static struct fdt fdt SEALED;
static char console_path[CONSOLE_PATH_MAX] SEALED;

/* What refers to nodes that may come later in the tree. */
static struct device gpio[GPIO_MAX] SEALED;      /* arg: phandle */
static unsigned gpio_count SEALED;
static uint32_t power_gpio SEALED, power_line SEALED;
static struct acpi_found found SEALED;

static struct {
	uint32_t address, pin, irq;    /* function << 8 under the mask; 1 to 4; 0: none */
} pins[PCI_PINS] SEALED;
static uint32_t pin_mask SEALED;

/* Opens the tree at `pa`: false when there is none. */
static bool open_tree(uint64_t pa)
{
	const void *blob = (const void *)(uintptr_t)pa;

	fdt.size = 0;
	if (!pa)
		return false;
	boot_map_memory(pa, FDT_HEADER);
	boot_map_memory(pa, MAX(fdt_size(blob), FDT_HEADER));
	return fdt_open(&fdt, blob, fdt_size(blob)) == 0;
}

/* The loader's tree; and where that is UEFI's stub, the firmware's for what it does not have. */
void discover_memory(void)
{
	warden.psci = PSCI_BY_HVC;             /* until it is known */
	machine.name = "aarch64";
	if (open_tree(warden.dtb)) {
		memory_read_tree(&fdt);
		handoff_read(&fdt);
		if (handoff.tree || handoff.rsdp)
			open_tree(handoff.tree);
		if (!fdt.size)
			acpi_discover(handoff.rsdp, &found);
	}
	if (fdt.size)
		memory_read_console(&fdt, console_path);
	memory_remove(warden.load, (uint64_t)(__image_end - __image_start));
	boot_map_all(machine.ram, machine.ram_count);
}

/* ---- Devices ---------------------------------------------------------------- */

/* An interrupt specifier of the GIC: type, number, flags. */
static uint32_t irq_of(const struct fdt_node *n, unsigned i)
{
	uint32_t type = fdt_cell(n, "interrupts", 3 * i, 0);

	return fdt_cell(n, "interrupts", 3 * i + 1, 0) + (type == 0 ? 32 : 16);
}

static void add(const struct device *dev, const struct fdt_node *n)
{
	(void)n;
	machine_add(dev);
}

static void add_uart(const struct device *dev, const struct fdt_node *n)
{
	struct device *first = machine.dev, *last = machine.dev + machine.dev_count;

	machine_add(dev);
	if (last == machine.dev + machine.dev_count)
		return;                    /* it was one too many */
	if (!fdt_at(n, console_path, strlen(console_path)))
		return;
	while (first->kind != dev->kind)
		first++;
	*last = *first;
	*first = *dev;
}

static void add_gpio(const struct device *dev, const struct fdt_node *n)
{
	if (gpio_count < GPIO_MAX) {
		gpio[gpio_count] = *dev;
		gpio[gpio_count++].arg = fdt_cell(n, "phandle", 0, 0);
	}
}

/* interrupt-map (Devicetree Specification 0.4 §2.4.3, IEEE 1275 PCI): a function's address in
 * three cells and its pin; then the GIC, as many cells as its address has, which is seen by
 * where the GIC stands again, and an interrupt specifier. */
static void read_pins(const struct fdt_node *n)
{
	unsigned step = 8;
	uint32_t len = 0;

	fdt_get(n, "interrupt-map", &len);
	while (step < 10 && fdt_cell(n, "interrupt-map", 4, 0) !=
			    fdt_cell(n, "interrupt-map", 4 + step, 1))
		step++;
	pin_mask = fdt_cell(n, "interrupt-map-mask", 0, 0);
	for (unsigned i = 0; i < PCI_PINS && (i + 1) * step * 4 <= len; i++) {
		pins[i].address = fdt_cell(n, "interrupt-map", i * step, 0);
		pins[i].pin = fdt_cell(n, "interrupt-map", i * step + 3, 0);
		pins[i].irq = fdt_cell(n, "interrupt-map", i * step + step - 2, 0) + 32;
	}
}

/* Behind a bridge pins are led on in a way that is not followed. */
uint32_t pci_pin_irq(uint32_t bdf, unsigned pin)
{
	for (unsigned i = 0; i < PCI_PINS && bdf < 0x100; i++)
		if (pins[i].irq && pins[i].pin == pin && pins[i].address == (bdf << 8 & pin_mask))
			return pins[i].irq;
	return 0;
}

static void add_pci(const struct device *dev, const struct fdt_node *n)
{
	const struct fdt_level *own = &n->level[n->depth - 1];
	unsigned outer = own[-1].addr_cells;
	uint32_t entry = 4u * (3 + outer + own->size_cells);
	const uint8_t *p = n->fdt->blob + own->ranges;
	struct device d = *dev;

	if (own->addr_cells != 3)
		return;
	read_pins(n);
	for (uint32_t left = own->ranges_len; left >= entry; left -= entry, p += entry) {
		uint64_t bus = fdt_number(p + 4, 2);
		uint64_t cpu = fdt_number(p + 12, outer);

		if (PCI_SPACE(fdt_number(p, 1)) != PCI_MEMORY_32 || bus != cpu || d.size2)
			continue;
		d.base2 = cpu;
		d.size2 = fdt_number(p + 12 + 4 * outer, own->size_cells);
	}
	machine_add(&d);
}

static void add_psci(const struct device *dev, const struct fdt_node *n)
{
	const char *method = fdt_string(n, "method");
	struct device d = *dev;

	d.arg = method && strcmp(method, "hvc") == 0;
	warden.psci = d.arg + 1;
	machine_add(&d);
}

static void set_timer(const struct device *dev, const struct fdt_node *n)
{
	(void)dev;
	found.timer = 16 + fdt_cell(n, "interrupts", 3 * 2 + 1, VIRTUAL_TIMER_PPI);
}

static void set_msi_frame(const struct device *dev, const struct fdt_node *n)
{
	(void)n;
	found.msi_frame = dev->base;
}

/* The first name that a node's `compatible` lists counts. */
static const struct known {
	const char *compatible;
	enum device_kind kind;
	void (*found)(const struct device *dev, const struct fdt_node *n);
} known[] = {
	{ "virtio,mmio", DEV_VIRTIO_MMIO, add },
	{ "arm,pl011", DEV_UART_PL011, add_uart },
	{ "arm,pl031", DEV_RTC_PL031, add },
	{ "arm,pl061", DEV_POWER_PL061, add_gpio },
	{ "arm,cortex-a15-gic", DEV_GICV2, add },
	{ "arm,gic-400", DEV_GICV2, add },
	{ "arm,gic-v3", DEV_GICV3, add },
	{ "arm,gic-v2m-frame", DEV_NONE, set_msi_frame },
	{ "arm,armv8-timer", DEV_NONE, set_timer },
	{ "qemu,fw-cfg-mmio", DEV_FW_CFG_MMIO, add },
	{ "arm,psci-0.2", DEV_PSCI, add_psci },
	{ "arm,psci-1.0", DEV_PSCI, add_psci },
	{ "pci-host-ecam-generic", DEV_PCI_ECAM, add_pci },
};

static void look_at(const struct fdt_node *n)
{
	struct device d = { .kind = DEV_NONE };
	const struct known *k = known;
	struct region r;

	while (k < known + ARRAY_LEN(known) && !fdt_is(n, k->compatible))
		k++;
	if (k == known + ARRAY_LEN(known))
		return;
	d.kind = k->kind;
	d.irq = irq_of(n, 0);
	if (fdt_reg(n, 0, &r) == 0) {
		d.base = r.base;
		d.size = r.size;
	}
	if (fdt_reg(n, 1, &r) == 0) {
		d.base2 = r.base;
		d.size2 = r.size;
	}
	if (k->kind != DEV_PCI_ECAM && MAX(d.base, d.base2) >= IMAGE_VA)
		log_warn("device tree: %s at %#llx is out of reach: left out", fdt_name(n),
			 (unsigned long long)MAX(d.base, d.base2));
	else
		k->found(&d, n);
}

static void walk_devices(void)
{
	struct fdt_node n;
	struct region r;

	fdt_walk(&n, &fdt);
	while (fdt_next(&n)) {
		if (n.depth == 3 && strcmp(n.level[1].name, "reserved-memory") == 0) {
			for (unsigned i = 0; fdt_reg(&n, i, &r) == 0; i++)
				memory_remove(r.base, r.size);
			continue;
		}
		if (fdt_cell(&n, "linux,code", 0, 0) == KEY_POWER) {
			power_gpio = fdt_cell(&n, "gpios", 0, 0);
			power_line = fdt_cell(&n, "gpios", 1, 0);
			continue;
		}
		if (n.depth > 1)
			look_at(&n);
	}
}

/* Caches are the warden's, so what they keep is not told from RAM; where nothing answers at all,
 * the fault comes now, and its report. */
static void keep(volatile uint64_t *p)
{
	(void)p;
}

void arch_discover(void)
{
	uint64_t image_end = warden.load + (uint64_t)(__image_end - __image_start);
	const struct device *uart;

	if (found.timer - 16 >= 16)            /* none of a CPU's own */
		found.timer = 16 + VIRTUAL_TIMER_PPI;
	if (fdt.size)
		walk_devices();
	for (unsigned i = 0; power_gpio && i < gpio_count; i++) {
		if (gpio[i].arg != power_gpio)
			continue;
		gpio[i].arg = power_line;
		machine_add(&gpio[i]);
	}
	uart = machine_find(DEV_UART_PL011, NULL);
	if (uart)
		warden.reg[REG_CONSOLE] = uart->base;
	machine_check_ram(image_end, keep);
	machine.stacks = STACKS_VA;
	irq_init(found.timer, found.msi_frame);
}
