# Xunlong Orange Pi PC: Allwinner H3 (Cortex-A7), 1 GiB of RAM, Ethernet with the PHY on the chip.
# U-Boot, or QEMU, loads a zImage and says how much RAM there is; RAM_SIZE is for those that do not.
ARCH      := armv7a
MACHINES  := orangepi-pc
FIRMWARES := none
FORMATS   := elf bin sd
BOOT      := bin
FLASH     := sd
UBOOT     := orangepi_pc_plus/u-boot-sunxi-with-spl.bin
SETTINGS_SIZE := 16K
DRIVERS   := chip_h3 uart_8250 rtc_sun6i watchdog_sunxi smbios
NETDEVS   := one sun8i_emac
RAM_BASE  := 0x40000000
RAM_SIZE  := 1024M
