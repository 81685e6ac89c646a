# aarch64: compiler and machine flags, for the image and for picolibc alike. Strict alignment
# because boot code runs before the MMU; no outlined atomics, whose set-up wants a C start-up file.
CC      := aarch64-linux-gnu-gcc
OBJCOPY := aarch64-linux-gnu-objcopy
CPU_FLAGS  := -march=armv8-a -mstrict-align -mno-outline-atomics -fno-pic -fno-pie \
	-fno-asynchronous-unwind-tables
FAMILY  := vmsa
GUARD   :=
# What the UEFI stub (linker/efi) is for: the machine in its head, the file that it carries.
PE_MACHINE := 0xaa64
PE_KERNEL  := zeitkern.bin
