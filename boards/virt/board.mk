# Every aarch64 virtual machine: the Linux arm64 boot protocol and a device tree; UEFI and ACPI.
ARCH      := aarch64
MACHINES  := virt
FIRMWARES := none uefi
FORMATS   := elf bin efi raw qcow2 vmdk vhd gce iso libvirt oci
BOOT      := bin
DRIVERS   := uart_pl011 uart_8250 uart_virtio rtc_pl031 rtc_loader power_pl061 power_ged virtio virtio_mmio virtio_pci \
	virtio_no_legacy pci pci_ecam rng_virtio blk_virtio scsi_virtio ahci scsi drive smbios fw_cfg fw_cfg_mmio
NETDEVS   := several virtio_net ring e1000 vmxnet3
