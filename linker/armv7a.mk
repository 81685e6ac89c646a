# ARMv7-A (Cortex-A7): compiler and machine flags, for the image and for picolibc alike. Strict
# alignment because boot code runs before the MMU.
CC      := arm-none-eabi-gcc
OBJCOPY := arm-none-eabi-objcopy
CPU_FLAGS  := -mcpu=cortex-a7 -mthumb -mfloat-abi=hard -mfpu=neon-vfpv4 -mno-unaligned-access
GUARD   :=
