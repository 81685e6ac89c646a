# A Linux process with a TAP device: for sanitizers, fuzzing, gdb, perf and callgrind.
ARCH      := host
MACHINES  := host
FIRMWARES := none
FORMATS   := elf
BOOT      := elf
DRIVERS   := smbios
NETDEVS   := one tap
