/* SPDX-License-Identifier: MIT */
/* Every x86_64 virtual machine: what drivers its image carries. Which of the
 * devices are there, the loader, ACPI and PCI say. */
#include "kernel/dev.h"
#include "net/netdev.h"

extern const struct bus pci_ecam, pci_ports;
extern const struct uart uart_16550, uart_8250, uart_virtio, uart_virtio_pci;
extern const struct rtc rtc_kvmclock, rtc_cmos;
extern const struct entropy rng_virtio, rng_virtio_pci, vmgenid;
extern const struct source ahci, atapi, blk_virtio, blk_virtio_pci, scsi_virtio, scsi_virtio_pci;
extern const struct source fw_cfg_ports, smbios_strings;
extern const struct button power_ged, power_acpi;
extern const struct netdev_ops virtio_net, virtio_net_pci, e1000, vmxnet3;

const struct bus *const board_buses[] = { &pci_ecam, &pci_ports, NULL };
const struct uart *const board_uarts[] = {
	&uart_16550, &uart_8250, &uart_virtio, &uart_virtio_pci, NULL
};
const struct rtc *const board_rtcs[] = { &rtc_kvmclock, &rtc_cmos, NULL };
const struct entropy *const board_entropy[] = {
	&vmgenid, &rng_virtio, &rng_virtio_pci, NULL
};
const struct button *const board_buttons[] = { &power_ged, &power_acpi, NULL };
const struct watchdog *const board_watchdogs[] = { NULL };
const struct source *const board_sources[] = {
	&blk_virtio, &blk_virtio_pci, &scsi_virtio, &scsi_virtio_pci, &atapi,
	&ahci, &smbios_strings, &fw_cfg_ports, NULL
};
const struct netdev_ops *const board_netdevs[] = {
	&virtio_net, &virtio_net_pci, &e1000, &vmxnet3, NULL
};
