# ARMv7-M: compiler and machine flags, for the image and for picolibc alike. For size, because
# flash is small; the CPU waits for its NIC anyway. Without frame pointers, which cost a twentieth:
# kernel/arch/arm finds return addresses otherwise. Where memory lies, board.mk says.
CC      := arm-none-eabi-gcc
OBJCOPY := arm-none-eabi-objcopy
CPU_FLAGS  := -mcpu=cortex-m3 -mthumb -mfloat-abi=soft
FAMILY  := arm
OPTIMIZE := -Os
FRAME   := -fomit-frame-pointer
GUARD   :=
PLACE   = $(foreach w,FLASH_BASE FLASH_SIZE RAM_BASE RAM_SIZE SETTINGS_SIZE BOOT_STACK,\
	-Wl,--defsym=$w=$($w))
