/* SPDX-License-Identifier: MIT */
/* Writes to the registers of a PCI NIC of which a page may be read, for the link: by them it could
 * be told of other memory. Reading them works, writing must fault. bar=1: the second BAR. */
#include "kernel/config.h"
#include "kernel/dev/pci.h"
#include "net/nic.h"
#include "tests/guests/forbidden.h"

static struct netdev nic;
static uint32_t bar;
static uintptr_t registers;
static const struct setting settings[] = {
	{ .key = "bar", .type = SETTING_U32, .value = &bar, .max = 1, .expected = "0 or 1" },
};

void image_boot(void)
{
	const struct device *dev = NULL;

	config_declare(settings, ARRAY_LEN(settings));
	config_apply(machine.cmdline, "command line");
	if (nic_open(&nic) < 0)
		panic("no NIC");
	while ((dev = machine_find(nic.ops->kind, dev)) != NULL && !nic.ops->is(dev))
		;
	registers = pci_read(dev, 0x10 + bar * 4) & ~15u;
}

void image_main(void *unused)
{
	volatile uint32_t *first = (volatile uint32_t *)registers;

	log_info("write_nic: %p reads %x, link %s", (void *)registers, (unsigned)*first,
		 nic.ops->link(&nic) ? "up" : "down");
	*first = 0;
	forbidden_access_succeeded();
}
