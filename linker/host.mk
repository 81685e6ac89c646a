# BOARD=host: this machine's own compiler and C library. CLANG=1 (make fuzz) takes clang, whose
# libFuzzer gcc lacks.
CC      := $(if $(CLANG),clang,gcc)
OBJCOPY := objcopy
CPU_FLAGS  := -fno-pie
GUARD   :=
