# Stellaris LM3S6965 evaluation board: Cortex-M3, 256 KiB of flash, 64 KiB of RAM, Ethernet.
# The last four erase blocks of flash are the settings page: a certificate and its key fit in.
ARCH      := armv7m
BUDGET    := small
MACHINES  := lm3s6965evb
FIRMWARES := none
FORMATS   := elf bin hex
BOOT      := elf
FLASH     := hex
PROBE     := target/stellaris.cfg
DRIVERS   := chip_stellaris uart_pl011 watchdog_sp805
NETDEVS   := one stellaris_eth
FLASH_BASE := 0
FLASH_SIZE := 256K
SETTINGS_AT := 0x3f000
SETTINGS_SIZE := 4K
RAM_BASE  := 0x20000000
RAM_SIZE  := $(or $(RAM_KIB),64)K
BOOT_STACK := 1280
