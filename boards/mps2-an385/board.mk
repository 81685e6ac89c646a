# Arm MPS2 with the Cortex-M3 image AN385: 4 MiB of memory for code, 4 MiB for data, LAN9220.
# The last 4 KiB for code are the settings page.
ARCH      := armv7m
BUDGET    := large
MACHINES  := mps2-an385
FIRMWARES := none
FORMATS   := elf bin hex
BOOT      := elf
FLASH     := hex
PROBE     := ram
DRIVERS   := uart_cmsdk watchdog_sp805 smbios
NETDEVS   := one lan9118
FLASH_BASE := 0
FLASH_SIZE := 4M
SETTINGS_AT := 0x3ff000
SETTINGS_SIZE := 4K
RAM_BASE  := 0x20000000
RAM_SIZE  := $(or $(RAM_KIB),4096)K
BOOT_STACK := 8192
