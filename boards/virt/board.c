/* SPDX-License-Identifier: MIT */
/* Every aarch64 virtual machine: what drivers its image carries. Which of the
 * devices are there, the device tree or ACPI says. */
#include "kernel/dev.h"
#include "net/netdev.h"

extern const struct bus pci_ecam;
extern const struct uart uart_pl011, uart_8250, uart_virtio, uart_virtio_pci;
extern const struct rtc rtc_pl031, rtc_loader;
extern const struct entropy rng_virtio, rng_virtio_pci;
extern const struct source ahci, blk_virtio, blk_virtio_pci, scsi_virtio, scsi_virtio_pci;
extern const struct source fw_cfg_mmio, smbios_strings;
extern const struct button power_pl061, power_ged;
extern const struct netdev_ops virtio_net, virtio_net_pci, e1000, vmxnet3;

const struct bus *const board_buses[] = { &pci_ecam, NULL };
const struct uart *const board_uarts[] = {
	&uart_pl011, &uart_8250, &uart_virtio, &uart_virtio_pci, NULL
};
const struct rtc *const board_rtcs[] = { &rtc_pl031, &rtc_loader, NULL };
const struct entropy *const board_entropy[] = { &rng_virtio, &rng_virtio_pci, NULL };
const struct button *const board_buttons[] = { &power_pl061, &power_ged, NULL };
const struct watchdog *const board_watchdogs[] = { NULL };
const struct source *const board_sources[] = {
	&blk_virtio, &blk_virtio_pci, &scsi_virtio, &scsi_virtio_pci, &ahci,
	&smbios_strings, &fw_cfg_mmio, NULL
};
const struct netdev_ops *const board_netdevs[] = {
	&virtio_net, &virtio_net_pci, &e1000, &vmxnet3, NULL
};
