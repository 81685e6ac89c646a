# Every aarch64 virtual machine: the Linux arm64 boot protocol and a device tree; UEFI and ACPI.
ARCH      := aarch64
MACHINES  := virt
FIRMWARES := none uefi
FORMATS   := elf bin efi
BOOT      := bin
DRIVERS   := uart_pl011 rtc_pl031 rtc_loader power_pl061 power_ged virtio virtio_mmio virtio_pci pci pci_ecam rng_virtio \
	fw_cfg fw_cfg_mmio
NETDEVS   := virtio_net
