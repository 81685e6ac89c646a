# What virtual machines and clouds boot: a GPT disk with loaders for BIOS and UEFI (linker/disk), and
# the forms it is taken in (linker/convert). CONFIG= lies on it in zeitkern.conf, a text that can be
# edited there; so does CMDLINE= of make image, while make run hands it over.

disks := raw iso qcow2 vmdk vhd gce ova oci
described := $(filter libvirt,$(FORMAT))
of_disk := $(if $(described),$(filter bios uefi,$(FIRMWARE)))
on_disk := $(or $(filter $(disks),$(FORMAT)),$(filter bios,$(FIRMWARE)),$(of_disk))
BOOT := $(or $(if $(filter bios,$(FIRMWARE)),raw),$(if $(filter uefi,$(FIRMWARE)),efi),$(BOOT))

# The BIOS loader is for 32 bits, and for 16 where it must be.
BIOS_FLAGS = -std=gnu11 -m32 -march=i686 -Os -ffreestanding -fno-pic -fno-pie -fcf-protection=none \
	-fno-stack-protector -fno-asynchronous-unwind-tables -fno-common -nostdinc \
	-isystem $(shell $(CC) -print-file-name=include) -ffile-prefix-map=$(CURDIR)=. -I. \
	-Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
BIOS_LINK = $(CC) -m32 -nostdlib -static -no-pie -Wl,--build-id=none -Wl,-z,noexecstack \
	-Wl,--fatal-warnings
bios_dir := $O/linker/boot
bios := $(if $(filter x86_64,$(ARCH)),$(bios_dir)/mbr.bin $(bios_dir)/loader.bin)
-include $(wildcard $(bios_dir)/*.d)

$O/bios-flags: FORCE | setup
	$(call stamp,$(CC) $(shell $(CC) -dumpfullversion -dumpversion) $(BIOS_FLAGS) .)
$(bios_dir)/%.o: linker/boot/%.c $O/bios-flags
	$(call say,cc $<)mkdir -p $(@D) && $(CC) $(BIOS_FLAGS) -MD -MP -c -o $@ $<
$(bios_dir)/%.o: linker/boot/%.S $O/bios-flags
	$(call say,as $<)mkdir -p $(@D) && $(CC) $(BIOS_FLAGS) -MD -MP -c -o $@ $<
$(bios_dir)/mbr.elf: $(bios_dir)/mbr.o
	@$(BIOS_LINK) -Wl,-Ttext=0x600 -Wl,-e,mbr -o $@ $^
$(bios_dir)/loader.elf: $(bios_dir)/start.o $(bios_dir)/bios.o linker/boot/bios.ld
	@$(BIOS_LINK) -T linker/boot/bios.ld -o $@ $(filter %.o,$^)
$(bios_dir)/%.bin: $(bios_dir)/%.elf
	@$(OBJCOPY) -O binary $< $@

# What UEFI starts.
pe := $(OUT)/zeitkern.efi
pe_name := $(if $(filter aarch64,$(ARCH)),BOOTAA64.EFI,BOOTX64.EFI)

$(OUT)/zeitkern.conf: FORCE | setup
	@linker/settings $@ 16383 plain $(call quote,$(if $(described),,$(CONFIG)) $(if $(filter image,$(MAKECMDGOALS)),$(CMDLINE)))

# Azure takes no disk of less than 20 MiB, Google's cloud whole GiB.
$(OUT)/zeitkern.vhd: MIB := 20
$(OUT)/zeitkern.gce: MIB := 1024
$(patsubst %,$(OUT)/zeitkern.%,$(filter-out oci,$(disks))): linker/disk linker/convert $(OUT)/zeitkern.elf $(OUT)/zeitkern.conf \
		$(bios) $(pe)
	$(call say,disk $@)linker/disk $@.part --settings $(OUT)/zeitkern.conf \
		$(if $(bios),--bios $(bios) $(OUT)/zeitkern.elf) --efi $(pe_name) $(pe) \
		$(if $(MIB),--mib $(MIB)) $(if $(filter %.iso,$@),--iso) && \
		linker/convert $@.part $@ $(if $(bios),bios,efi)

# libvirt's definition of a machine, beside what it boots: the kernel, or with firmware the disk.
# CONFIG= goes into it.
$(OUT)/zeitkern.libvirt: $(OUT)/zeitkern.$(if $(of_disk),qcow2,$(BOOT)) linker/libvirt FORCE
	@words=$$(linker/settings - $(call quote,$(CONFIG))) && \
		linker/libvirt $@ $< --name zeitkern-$(APP) --machine $(MACHINE) --firmware $(FIRMWARE) \
		--accel $(ACCEL) --mem $(MEM) --smp $(SMP) --net $(NET) --port $(PORT) \
		--settings="$$words" --cmdline=$(call quote,$(CMDLINE))

# For KubeVirt, and beside it how Kubernetes is to run it.
IMAGE ?= zeitkern-$(APP):latest
oci_firmware := $(or $(filter uefi bios,$(FIRMWARE)),$(if $(bios),bios,uefi))
$(OUT)/zeitkern.oci: $(OUT)/zeitkern.qcow2 linker/oci linker/kubevirt.yaml FORCE
	$(call say,disk $@)linker/oci $@ $< zeitkern-$(APP) $(call quote,$(IMAGE)) $(oci_firmware) \
		$(if $(filter aarch64,$(ARCH)),arm64,amd64) $(MEM)
