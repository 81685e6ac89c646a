# From the ELF file to what a device takes: flat binary, Intel HEX, card image; and the NOTICE.
#
# A board has its settings beside the image: in a page of flash at SETTINGS_AT, or, without that,
# in a file on its card. CONFIG= goes there, so that the image itself is the same for all. Without
# CONFIG= no page is written, and a device that is flashed again keeps its own; a card always has
# the file. Each has a seed of its own, so nothing that holds one is kept from the last time.

# KEY=@FILE in CONFIG= is what FILE holds: linker/settings puts it into a page or file, and here
# into an image.
ifneq ($(findstring =@,$(built_in)),)
built_in := $(shell linker/settings - $(call quote,$(built_in)) 2>&1)
$(if $(filter-out 0,$(.SHELLSTATUS)),$(error $(built_in)))
endif

paged := $(if $(SETTINGS_SIZE),$(if $(SETTINGS_AT),bin hex,sd))
homeless := $(and $(CONFIG),$(paged),$(filter image,$(MAKECMDGOALS)),$(if $(filter \
	$(FORMAT),$(paged)),,yes))
$(if $(homeless),$(error FORMAT=$(FORMAT) has no place for CONFIG=, with BOARD=$(BOARD); it goes \
	into: $(paged)))
page := $(if $(SETTINGS_AT),$(if $(CONFIG),$(OUT)/settings))
place_page = $(if $(page),--add-section .settings=$(page) --change-section-address \
	.settings=$(SETTINGS_AT) --set-section-flags .settings=alloc$(comma)load$(comma)contents)

$(OUT)/settings: FORCE | setup
	@linker/settings $@ $(SETTINGS_SIZE) seed $(call quote,$(CONFIG))
$(OUT)/zeitkern.bin: $(OUT)/zeitkern.elf $(page) $(if $(SETTINGS_AT),FORCE)
	@$(OBJCOPY) -O binary $(if $(page),--gap-fill 0xff) $(place_page) $< $@
$(OUT)/zeitkern.hex: $(OUT)/zeitkern.elf $(page) FORCE
	@$(OBJCOPY) -O ihex $(place_page) $< $@
$(OUT)/zeitkern.sd: $(OUT)/zeitkern.bin $(OUT)/settings build/src/u-boot-sunxi/.sha256
	$(call say,card $@)linker/card $@ build/src/u-boot-sunxi/usr/lib/u-boot/$(UBOOT) $< $(OUT)/settings \
		$(call quote,$(CMDLINE))
$(OUT)/NOTICE: $(OUT)/zeitkern.elf linker/notice FORCE
	@linker/notice $<.map $(if $(filter sd,$(FORMAT)),build/src/u-boot-sunxi) \
		$(foreach name,$(LIBRARIES),$(name)=$($(name)_LICENCE)) >$@
