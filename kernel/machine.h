/* SPDX-License-Identifier: MIT */
/* CONTRACT board -> kernel: what the machine is made of.
 *
 * A virtual machine's description is found at boot by arch_discover() (PVH,
 * ACPI, device tree, command line); a board's is constant data in
 * boards/NAME/board.c. From arch_seal() on it is read-only. */
#pragma once

#include <stdint.h>

#include "kernel/budget.h"
#include "kernel/kernel.h"

#define MACHINE_RAM_MAX BUDGET_RAM_REGIONS
#define MACHINE_DEV_MAX BUDGET_DEVICES
#define MACHINE_CMDLINE_MAX BUDGET_CMDLINE

enum device_kind {
	DEV_NONE,
	DEV_UART_16550,   /* base is an I/O port below 0x10000, else MMIO, arg: 1 for registers of
	                   * a byte, else of a word */
	DEV_UART_PL011,
	DEV_UART_CMSDK,   /* arg: clock, Hz */
	DEV_IOAPIC,       /* irq: its first global interrupt */
	DEV_GICV2,        /* base: distributor, base2: CPU interface */
	DEV_GICV3,        /* base: distributor, base2: redistributors */
	DEV_VIRTIO_MMIO,
	DEV_PCI_ECAM,     /* size: of the ECAM window; base2/size2: 32-bit MMIO for BARs */
	DEV_PCI_PORTS,    /* 0xcf8/0xcfc; base2/size2 as above */
	DEV_PCI_FUNCTION, /* found by kernel/dev/pci.c; fields as kernel/dev/pci.h says */
	DEV_RTC_CMOS,
	DEV_RTC_PL031,
	DEV_RTC_SUN6I,    /* Allwinner H3 */
	DEV_RTC_LOADER,   /* base: Unix time, ns, when the CPU's counter was base2 */
	DEV_RTC_KVMCLOCK, /* KVM's paravirtual wall clock */
	DEV_FW_CFG_PORTS, /* QEMU's fw_cfg: selector at I/O port base, data behind it */
	DEV_FW_CFG_MMIO,  /* data at base, selector at base + 8 */
	DEV_SMBIOS,       /* base, size: its table of structures */
	DEV_VMGENID,      /* base: 16 bytes that change when the machine is cloned */
	DEV_PMTIMER,      /* ACPI PM timer, I/O port base */
	DEV_POWER_GED,    /* ACPI generic event device (microvm): power button */
	DEV_POWER_ACPI,   /* PM1a event block at base: power button; base2: PM1a control */
	DEV_POWER_PL061,  /* GPIO line `arg` is the power button */
	DEV_PSCI,         /* arg: 0 smc, 1 hvc */
	DEV_WATCHDOG_LUMINARY, /* Stellaris, arg: clock, Hz; base2: system control, 0: is clocked */
	DEV_WATCHDOG_CMSDK,    /* arg: clock, Hz */
	DEV_WATCHDOG_SUNXI,    /* Allwinner H3 */
	DEV_STELLARIS_ETH,
	DEV_LAN9118,
	DEV_SUN8I_EMAC,   /* base2: the system controller's EMAC clock register */
	DEV_HOST_TAP,     /* BOARD=host: irq is the file descriptor */
	DEV_HOST_CONSOLE, /* BOARD=host: standard input and output */
	DEV_HOST_RTC,     /* BOARD=host: CLOCK_REALTIME, in seconds like any RTC */
	DEV_HOST_POWER,   /* BOARD=host: SIGTERM and SIGINT are the power button */
};

struct region {
	uint64_t base, size;                   /* bytes, page aligned inwards */
};

struct device {
	enum device_kind kind;
	uint32_t irq;                          /* GSI, or GIC interrupt id (SPI n is 32 + n) */
	uint64_t base, size;
	uint64_t base2, size2;
	uint32_t arg;
};

struct machine {
	const char *name;              /* from SMBIOS, device tree or boot protocol */
	struct region ram[MACHINE_RAM_MAX];  /* usable, without image, boot tables or firmware */
	unsigned ram_count;
	struct device dev[MACHINE_DEV_MAX];  /* the first NIC is tried first */
	unsigned dev_count;
	char cmdline[MACHINE_CMDLINE_MAX];   /* a copy, cut with a warning when longer */
	struct region dma;             /* RAM for devices, whole 2 MiB, not in `ram`; size 0: any */
	struct region settings;        /* a settings page or file, size 0: none: settings.h */
	bool settings_copied;          /* they lie in RAM, put there by a loader: to be wiped */
	const char *settings_text;     /* what to call them when they are plain words; or NULL */
	uint64_t stacks;               /* address space for task stacks, 0: where they lie in RAM */
	uint32_t stack_times;          /* how often image_stack each has, 0: once */
	uint8_t seed[64];              /* a loader's; wiped once used */
	unsigned seed_len;
	const char *seed_name;         /* where it is from; NULL: the device tree */
};

extern struct machine machine;

/* A board whose parts are known when it is built: boards/NAME/board.c, for that
 * architecture's arch_discover(). Where RAM lies, the linker script says. */
struct board {
	const char *name;
	const struct device *devices;  /* ended by DEV_NONE */
	uint32_t clock_hz;             /* of the CPU, once start() has returned; 0: it can tell */
	void (*start)(void);           /* what the chip needs before its parts work, or NULL */
	struct region settings;        /* as machine.settings */
};

extern const struct board board;

/* Next device of `kind` after `prev` (NULL: the first), or NULL. */
const struct device *machine_find(enum device_kind kind, const struct device *prev);

/* Adds a device during discovery; a full table is logged and dropped. */
void machine_add(const struct device *dev);

/* During discovery: leaves out the regions of machine.ram that do not hold what is written to their
 * ends, each with a line; what was there is there again. `evict` writes a word to memory, out of
 * the cache. Where looking is a fault, what has been looked at is all that there is for its report:
 * that starts with the region at `sure`. */
void machine_check_ram(uint64_t sure, void (*evict)(volatile uint64_t *word));
