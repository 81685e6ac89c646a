# Every x86_64 virtual machine: PVH (QEMU -kernel, Firecracker, Cloud Hypervisor), UEFI, or a disk.
ARCH      := x86_64
MACHINES  := microvm q35 pc
MACHINES_bios := q35 pc
MACHINES_uefi := q35 pc
MACHINES_libvirt := q35 pc
FIRMWARES := none bios uefi
FORMATS   := elf efi raw qcow2 vmdk vhd gce ova iso libvirt oci
BOOT      := elf
DRIVERS   := uart_16550 uart_8250 uart_virtio rtc_cmos rtc_kvmclock power_acpi power_ged virtio virtio_mmio virtio_pci virtio_legacy pci \
	pci_ecam pci_ports rng_virtio blk_virtio scsi_virtio atapi ahci scsi drive vmgenid smbios \
	fw_cfg fw_cfg_ports
NETDEVS   := several virtio_net ring e1000 vmxnet3
