# ARMv7-M: compiler and machine flags, for the image and for picolibc alike. For size, because
# flash is small; the CPU waits for its NIC anyway.
CC      := arm-none-eabi-gcc
OBJCOPY := arm-none-eabi-objcopy
CPU_FLAGS  := -mcpu=cortex-m3 -mthumb -mfloat-abi=soft
OPTIMIZE := -Os
GUARD   :=
