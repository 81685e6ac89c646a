# Every x86_64 virtual machine: PVH (QEMU -kernel, Firecracker, Cloud Hypervisor) and UEFI.
ARCH      := x86_64
MACHINES  := microvm q35 pc
MACHINES_uefi := q35 pc
FIRMWARES := none uefi
FORMATS   := elf efi
BOOT      := elf
DRIVERS   := uart_16550 rtc_cmos rtc_kvmclock power_acpi power_ged virtio virtio_mmio virtio_pci pci \
	pci_ecam pci_ports rng_virtio vmgenid fw_cfg fw_cfg_ports
NETDEVS   := virtio_net
