# Every aarch64 virtual machine: the Linux arm64 boot protocol and a device tree.
ARCH      := aarch64
MACHINES  := virt
FIRMWARES := none
FORMATS   := elf bin
BOOT      := bin
DRIVERS   := uart_pl011 rtc_pl031 power_pl061 virtio virtio_mmio virtio_pci virtio_no_legacy pci pci_ecam rng_virtio \
	fw_cfg fw_cfg_mmio
NETDEVS   := several virtio_net ring e1000 vmxnet3
