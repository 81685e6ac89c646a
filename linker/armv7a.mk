# ARMv7-A (Cortex-A7): compiler and machine flags, for the image and for picolibc alike. Strict
# alignment because boot code runs before the MMU. Without frame pointers: kernel/arch/arm finds
# return addresses otherwise. Where RAM lies, unless the loader says, is in board.mk.
CC      := arm-none-eabi-gcc
OBJCOPY := arm-none-eabi-objcopy
CPU_FLAGS  := -mcpu=cortex-a7 -mthumb -mfloat-abi=hard -mfpu=neon-vfpv4 -mno-unaligned-access
FAMILY  := vmsa arm
FRAME   := -fomit-frame-pointer
GUARD   :=
PLACE   = $(foreach w,RAM_BASE RAM_SIZE,-Wl,--defsym=$w=$($w))
