# x86_64: compiler and machine flags, for the image and for picolibc alike. Without a red zone
# (a trap would write over it), without what needs an operating system: PIC, CET, unwind tables.
CC      := x86_64-linux-gnu-gcc
OBJCOPY := x86_64-linux-gnu-objcopy
CPU_FLAGS  := -march=x86-64 -mno-red-zone -mcmodel=small -fno-pic -fno-pie -fcf-protection=none \
	-fno-asynchronous-unwind-tables
GUARD   := -mstack-protector-guard=global
# What the UEFI stub (linker/efi) is for: the machine in its head, the file that it carries.
PE_MACHINE := 0x8664
PE_KERNEL  := kernel.elf
