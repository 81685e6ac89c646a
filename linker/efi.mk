# FORMAT=efi: the kernel and the stub that UEFI firmware starts, in one PE file (linker/efi/head.S).
# The image's compiler, without the C library and at no address of its own.
#
# SIGN_KEY= and SIGN_CERT=, PEM files of the user's, sign it for Secure Boot.

ifneq ($(PE_MACHINE),)
EFI_FLAGS = -std=gnu11 -Os $(CPU_FLAGS) -fpie -ffreestanding \
	-fno-stack-protector -fno-jump-tables -fno-tree-loop-distribute-patterns -fno-common \
	-ffile-prefix-map=$(CURDIR)=. -I. -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	-Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
efi := $(wildcard linker/efi/*.c linker/efi/$(ARCH)/*.[cS])
efi_objs := $(addprefix $O/,$(addsuffix .o,$(basename $(efi))))
-include $(efi_objs:.o=.d)

$(if $(SIGN_KEY)$(SIGN_CERT),$(if $(and $(wildcard $(SIGN_KEY)),$(wildcard $(SIGN_CERT))),,$(error \
	SIGN_KEY=$(SIGN_KEY) SIGN_CERT=$(SIGN_CERT): both are files, or neither is given)))

$O/efi-flags: FORCE | setup
	$(call stamp,$(CC) $(shell $(CC) -dumpfullversion -dumpversion) $(EFI_FLAGS) .)
$O/linker/efi/%.o: linker/efi/%.c $O/efi-flags
	$(call say,cc $<)mkdir -p $(@D) && $(CC) $(EFI_FLAGS) -MD -MP -c -o $@ $<
$O/linker/efi/%.o: linker/efi/%.S $O/efi-flags
	$(call say,as $<)mkdir -p $(@D) && $(CC) $(EFI_FLAGS) -MD -MP -c -o $@ $<

define link_efi
@$(CC) -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack -Wl,--no-warn-rwx-segments \
	-Wl,--fatal-warnings -T linker/efi/efi.ld -o $@ $(filter %.o,$^)
@if $(OBJCOPY:%objcopy=%readelf) -rW $(filter-out %head.o,$(filter %.o,$^)) | grep -E '_(ABS)?(64|32|32S) '; then \
	echo 'the program needs relocations'; rm $@; exit 1; fi
endef

$(OUT)/kernel.elf: $(OUT)/zeitkern.elf
	@$(OBJCOPY) -S $< $@
$(OUT)/efi-head.o: linker/efi/head.S $(OUT)/$(PE_KERNEL)
	@$(CC) -DPE_MACHINE=$(PE_MACHINE) -DKERNEL_FILE='"$(OUT)/$(PE_KERNEL)"' -c -o $@ $<
$(OUT)/stub.elf: $(OUT)/efi-head.o $(efi_objs) linker/efi/efi.ld
	$(link_efi)
# What says whether it is signed is not a file, so that it is made each time.
$(OUT)/zeitkern.efi: $(OUT)/stub.elf FORCE
	$(call say,link $@)$(OBJCOPY) -O binary $< $@
	$(if $(SIGN_KEY),@sbsign --key $(SIGN_KEY) --cert $(SIGN_CERT) --output $@ $@)

# For the tests: tests/efi/NAME.c as a program that firmware starts, which carries no kernel.
programs := $(patsubst tests/efi/%.c,$(BUILD)/$(variant)/%,$(wildcard tests/efi/*.c))
-include $(wildcard $O/tests/efi/*.d)

$O/tests/efi/%.o: tests/efi/%.c $O/efi-flags
	$(call say,cc $<)mkdir -p $(@D) && $(CC) $(EFI_FLAGS) -MD -MP -c -o $@ $<
$O/tests/efi/head.o: linker/efi/head.S | setup
	@mkdir -p $(@D) && : >$(@D)/no-kernel
	@$(CC) -DPE_MACHINE=$(PE_MACHINE) -DKERNEL_FILE='"$(@D)/no-kernel"' -c -o $@ $<
$(programs:%=%.elf): $(BUILD)/$(variant)/%.elf: $O/tests/efi/head.o $O/tests/efi/%.o \
		$O/linker/efi/mem.o $O/linker/efi/$(ARCH)/jump.o linker/efi/efi.ld
	$(link_efi)
$(programs:%=%.efi): %.efi: %.elf
	$(call say,link $@)$(OBJCOPY) -O binary $< $@
endif
