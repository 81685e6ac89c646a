# SPDX-License-Identifier: MIT
# The front door; a bare `make` prints what it can do. One flat file: settings, their check, what
# the image is made of, rules, commands. boards/BOARD/board.mk says what a board is,
# linker/ARCH.mk how a CPU is compiled for; longer recipes are scripts in linker/ and tests/.

MAKEFLAGS += -rR --no-print-directory -j$(shell nproc)
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# ---- What a user may set --------------------------------------------------------------------

public := BOARD APP MACHINE FIRMWARE ACCEL MEM SMP PORT NET CMDLINE QEMU_ARGS FORMAT CONFIG TLS \
	DISTFILES DEV SIGN_KEY SIGN_CERT IMAGE
# For the tests: a guest of tests/guests instead of an app, another output folder, sanitizers or
# clang for BOARD=host, V=1 to see the commands, how long each fuzzer runs, less RAM than a
# microcontroller has.
private := GUEST BUILD SANITIZE CLANG V FUZZ_SECONDS RAM_KIB
commands := help run test test-full image flash debug symbols bench soak fuzz size lint clean

BOARD ?= pc
APP ?= time
# MACHINES_FIRMWARE, MACHINES_FORMAT in board.mk: those that these run on, unless all do.
machines = $(or $(MACHINES_$(FIRMWARE)),$(MACHINES_$(FORMAT)),$(MACHINES))
MACHINE ?= $(firstword $(machines))
FIRMWARE ?= none
ACCEL ?= tcg
MEM ?= $(if $(filter uefi,$(FIRMWARE)),256,64)
SMP ?= 1
PORT ?= 8080
NET ?= user
TLS ?= yes
BUILD ?= build
FUZZ_SECONDS ?= 60
export DISTFILES

# ---- A misspelt variable or value is one line -----------------------------------------------

given := $(foreach v,$(.VARIABLES),$(if $(findstring command line,$(origin $v)),$v))
unknown := $(filter-out $(public) $(private),$(given))
$(if $(unknown),$(error there is no variable $(firstword $(unknown)); there are: $(public)))
unknown := $(filter-out $(commands) $(BUILD)/%,$(MAKECMDGOALS))
$(if $(unknown),$(error there is no command $(firstword $(unknown)); there are: $(commands)))

# one_of VARIABLE,VALUES; is_number VARIABLE
one_of = $(if $(findstring |$($1)|,$(patsubst %,|%|,$2)),,$(error \
	$1=$($1) is not possible$(if $(filter-out BOARD APP GUEST,$1), with BOARD=$(BOARD)); there are: $2))
strip_digits = $(subst 9,,$(subst 8,,$(subst 7,,$(subst 6,,$(subst 5,,$(subst 4,,$(subst \
	3,,$(subst 2,,$(subst 1,,$(subst 0,,$1))))))))))
is_number = $(if $(or $(call strip_digits,$($1)),$(if $($1),,empty)),$(error \
	$1=$($1) is not possible; it is a number))

$(call one_of,BOARD,$(patsubst boards/%/board.mk,%,$(sort $(wildcard boards/*/board.mk))))
$(call one_of,APP,$(patsubst app/%/,%,$(sort $(wildcard app/*/))))
include boards/$(BOARD)/board.mk
include linker/$(ARCH).mk
BUDGET ?= large
OPTIMIZE ?= -O2
FRAME ?= -fno-omit-frame-pointer
FORMAT ?= $(if $(GUEST),$(BOOT),elf)
$(call one_of,FIRMWARE,$(FIRMWARES))
$(call one_of,MACHINE,$(machines))
$(call one_of,FORMAT,$(FORMATS))
$(call one_of,ACCEL,tcg kvm)
$(call one_of,TLS,yes no)
$(call is_number,MEM)
$(call is_number,SMP)
$(call is_number,PORT)
$(if $(shell [ $(PORT) -ge 1 ] 2>&- && [ $(PORT) -le 65172 ] || echo no),$(error \
	PORT=$(PORT) is not possible; it is a number from 1 to 65172))
network := $(if $(filter libvirt,$(FORMAT)),network:)
$(if $(or $(filter user,$(NET)),$(strip $(foreach k,tap: $(network),$(patsubst $k%,%,$(filter $k%,$(NET)))))),,$(error \
	NET=$(NET) is not possible; there are: user tap:IFNAME$(network:%:= %:NAME)))
$(if $(GUEST),$(call one_of,GUEST,$(patsubst tests/guests/%.c,%,$(sort $(wildcard tests/guests/*.c)))))

# ---- What the image is made of --------------------------------------------------------------

comma := ,
variant := $(BOARD)$(addprefix -,$(subst $(comma),-,$(SANITIZE)))$(if $(filter no,$(TLS)),-plain)
O := $(BUILD)/$(variant)/obj
OUT := $(BUILD)/$(variant)/$(if $(GUEST),guest-$(GUEST),$(APP))
include linker/libs.mk
include linker/disk.mk
kernel := $(wildcard kernel/*.c $(patsubst %,kernel/arch/%/*.[cS],$(ARCH) $(FAMILY))) \
	$(DRIVERS:%=kernel/dev/%.c)
ifeq ($(ARCH),host)
kernel := $(filter-out kernel/libc.c,$(kernel)) kernel/arch/$(shell uname -m)/switch.S \
	$(if $(SANITIZE),$(wildcard kernel/arch/host/asan/*.c))
endif
layers := port tcp dns ntp json http wsgi reactor client
net := $(wildcard net/*.c $(layers:%=net/%/*.c) net/tls/$(if $(filter no,$(TLS)),none/)*.c \
		net/tls/client/$(if $(filter no,$(TLS))$(filter small,$(BUDGET)),none/)*.c \
		$(if $(filter small,$(BUDGET)),net/ip6/none/*.c net/metadata/none/*.c,net/ip6/*.c \
		net/metadata/*.c net/netconf/*.c net/bsd/*.c net/postgres/*.c \
		net/postgres/$(if $(filter no,$(TLS)),none,crypto)/*.c)) \
	$(TLS_MORE) $(NETDEVS:%=net/dev/%.c)
net += $(wildcard $(LIBRARIES:%=net/%/*.c))
app := $(if $(GUEST),tests/guests/$(GUEST).c,$(wildcard app/*.c app/$(APP)/*.c))
ours := $(basename $(sort $(kernel) $(net) $(app) boards/$(BOARD)/board.c))
objs := $(ours:%=$O/%.o) $(lwip:%=$O/lwip/%.o) $(OUT)/config.o

# ---- Flags ----------------------------------------------------------------------------------

# Every warning is an error in our code. lwIP comes as it comes: its headers count as the
# system's, its files are compiled without these.
WARN := -Wall -Wextra -Wshadow -Wundef -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	-Wno-unused-parameter -Werror
CFLAGS = -std=gnu11 $(OPTIMIZE) -g $(CPU_FLAGS) $(GUARD) -fno-common -ffunction-sections \
	-fdata-sections -fno-strict-aliasing $(FRAME) -fstack-protector-strong \
	-ffile-prefix-map=$(CURDIR)=. -I. -Inet/port -isystem $(LWIP)/include \
	-DBUDGET_FILE='"boards/budget/$(BUDGET).h"' -DWARDEN_FILE='"kernel/arch/$(ARCH)/warden.h"'
LDFLAGS = -Wl,--gc-sections -Wl,--build-id=sha1 -Wl,-Map=$@.map -Wl,--fatal-warnings \
	-Wl,-z,noexecstack -no-pie $(WRAPPED:%=-Wl,--wrap=%)
CFLAGS += $(if $(LIBTLS),$(FOR_MBEDTLS))
LIBS := $(LIBRARIES:%=$O/library/%.a) $(LIBTLS)
ifneq ($(ARCH),host)
# -fbuiltin: the C library is there, so small copies may be inlined.
CFLAGS += -ffreestanding -fbuiltin -nostdinc -isystem $(PICOLIBC)/include \
	-isystem $(shell $(CC) -print-file-name=include) \
	-isystem $(shell $(CC) -print-file-name=include-fixed)
# Without what makes an image a fifth larger and no faster: inlining what nobody called inline,
# and padding.
CFLAGS += -fno-inline-functions -falign-functions=1 -falign-loops=1 -falign-jumps=1 \
	-falign-labels=1
# -n: sections lie on pages in memory, by the script, but not in the file.
LDFLAGS += -nostdlib -static -Wl,-n -T linker/$(ARCH).ld $(PLACE)
LIBS += $(LIBC) -lgcc
SCRIPT := linker/$(ARCH).ld
endif
ifeq ($(SANITIZE),)
CFLAGS += -flto=auto
WARN += -Wframe-larger-than=1024
else
CFLAGS += -fsanitize=$(SANITIZE) -fno-sanitize-recover=all
# lwIP shifts into sign bits and reads packed headers, which every compiler of ours allows.
FOR_LWIP := -fno-sanitize=shift,alignment
WRAPPED += arch_ctx_switch arch_ctx_pass arch_ctx_init arch_discover
endif

# ---- Rules ----------------------------------------------------------------------------------

say = @$(if $(V),,echo '  $1';)
quote = '$(subst ','\'',$1)'
# A recipe that writes the text to the target, unless that is what it holds. The text ends in
# what stands nowhere else in it, because $(file <) keeps or drops the newline (make 4.3).
stamp = $(shell mkdir -p $(@D))$(if $(findstring |$1,|$(file <$@)),,$(file >$@,$1))@:

.PHONY: FORCE setup $(commands)
FORCE:

# Programs that the command needs, installed if missing; nothing when all is there.
setup:
	@linker/setup $(or $(firstword $(MAKECMDGOALS)),image) $(BOARD) $(FORMAT) \
		$(FIRMWARE) $(if $(SIGN_KEY),sign)

# Everything compiled with other flags, or another compiler, is compiled again.
$O/flags: FORCE | setup
	$(call stamp,$(CC) $(shell $(CC) -dumpfullversion -dumpversion) $(CFLAGS) $(WARN) .)

$O/%.o: %.c $O/flags | $(LIBC) build/src/lwip/.sha256 $(LIBTLS:%=build/src/mbedtls/.sha256) \
		$(LIBRARIES:%=build/src/%/.sha256)
	$(call say,cc $<)mkdir -p $(@D) && $(CC) \
		$(if $(filter app/% net/bsd/% $(LIBRARIES:%=net/%/%),$<),$(FOR_APP)) \
		$(CFLAGS) $(WARN) -frandom-seed=$< -MD -MP -c -o $@ $<
$O/%.o: %.S $O/flags
	$(call say,as $<)mkdir -p $(@D) && $(CC) $(CPU_FLAGS) -g -ffile-prefix-map=$(CURDIR)=. -I. \
		-MD -MP -c -o $@ $<
-include $(objs:.o=.d) $(mbedtls:%=$O/mbedtls/%.d) $(wildcard $O/tests/fuzz/*.d)

# CONFIG=: the words that the kernel applies before the command line's.
built_in := $(if $(SETTINGS_SIZE)$(on_disk)$(described),,$(CONFIG))
$(OUT)/config.c: FORCE
	$(call stamp,const unsigned image_stack = $(or $(STACK),BUDGET_STACK); const char \
		image_config[] = "$(subst ",\",$(subst \,\\,$(built_in)))";)
$(OUT)/config.o: $(OUT)/config.c $O/flags
	@$(CC) $(CFLAGS) -include kernel/budget.h -frandom-seed=config -c -o $@ $<
# An object more or less links again, too.
$(OUT)/objects: FORCE
	$(call stamp,$(objs) $(LDFLAGS) .)

$(OUT)/zeitkern.elf: $(objs) $(OUT)/objects $(LIBRARIES:%=$O/library/%.a) $(LIBC) $(LIBTLS) \
		$(SCRIPT)
	$(call say,link $@)$(CC) $(CFLAGS) -frandom-seed=zeitkern $(LDFLAGS) -o $@ $(objs) $(LIBS)
include linker/formats.mk
include linker/efi.mk

# A fuzzer (tests/fuzz/run) is linked with the "sources:" that its first lines name, as a unit
# test is, else with what it calls of BOARD=host.
$(BUILD)/$(variant)/all.a: $(objs)
	@rm -f $@ && ar rcs $@ $^
sources = $(patsubst %.c,$O/%.o,$(shell sed -n '/sources:/,/[*]\//p' $1 | grep -o '[a-z][^ ]*[.]c'))
.SECONDEXPANSION:
$(BUILD)/$(variant)/fuzz-%: $O/tests/fuzz/%.o $$(or $$(call sources,tests/fuzz/$$*.c),\
		$(BUILD)/$(variant)/all.a)
	$(call say,link $@)$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer -o $@ $^

# ---- Commands -------------------------------------------------------------------------------

launch = --board $(BOARD) --machine $(MACHINE) --image $(OUT)/zeitkern.$(BOOT) \
	--firmware $(FIRMWARE) --accel $(ACCEL) --mem $(MEM) --smp $(SMP) --port $(PORT) \
	--net $(NET) --cmdline $(call quote,$(if $(SETTINGS_SIZE),$(CONFIG)) $(CMDLINE)) -- $(QEMU_ARGS)
# The tests call make themselves; what was said to this one is not meant for theirs.
alone = @exec env -u MAKEFLAGS -u MFLAGS -u MAKELEVEL

help:
	@sed -n 's/^#: //p' Makefile
#: make run        build, boot under QEMU, print the URL when it serves; Ctrl-C ends it
run: $(OUT)/zeitkern.$(BOOT) | setup
	@exec tests/qemu run $(launch)
#: make test       every machine and NIC, the wire suite, unit tests; at most 20 minutes
test: | setup
	$(alone) tests/run
#: make test-full  the whole product of machines, firmware, NICs and apps
test-full: | setup
	$(alone) tests/run full
#: make image      write build/BOARD/APP/zeitkern.FORMAT and its NOTICE, print the path
image: $(OUT)/zeitkern.$(FORMAT) $(OUT)/NOTICE
	@echo $<
#: make flash      write an image to DEV=, a card or a debug probe, after a question
flash: $(FLASH:%=$(OUT)/zeitkern.%) | setup
	@linker/flash $(BOARD) $(call quote,$(DEV)) $< $(PROBE)
#: make debug      as run, stopped at the first instruction with gdb attached
debug: $(OUT)/zeitkern.$(BOOT) | setup
	@exec tests/qemu debug $(launch)
#: make symbols    resolve the addresses of a console log: make symbols <log
symbols:
	@exec /usr/bin/python3 tests/symbols.py $(OUT)/zeitkern.elf
#: make bench      measure, beside an empty guest and Linux; table and chart
bench: | setup
	$(alone) tests/bench/run
#: make soak       a million short connections in one boot, and floods
soak: | setup
	$(alone) BOARD=$(BOARD) ACCEL=$(ACCEL) tests/bench/soak
#: make fuzz       libFuzzer on the parsers and on received frames, BOARD=host
fuzz: | setup
	$(alone) FUZZ_SECONDS=$(FUZZ_SECONDS) tests/fuzz/run
#: make size       the stripped image by component
size: $(OUT)/zeitkern.elf
	@linker/size $< $(BUDGET)
#: make lint       layers, budgets, headers that compile alone, words
lint: $(LIBC) build/src/lwip/.sha256 build/src/mbedtls/.sha256
	@tests/lint $(CC) $(CFLAGS) $(WARN)
#: make clean      remove what was built, keep downloads
clean:
	rm -rf $(filter-out build/distfiles,$(wildcard build/* build/.??*)) $(filter-out build,$(BUILD))
#:
#: Variables, with their defaults: BOARD=pc APP=time MACHINE=microvm FIRMWARE=none ACCEL=tcg
#: MEM=64 SMP=1 PORT=8080 NET=user CMDLINE= QEMU_ARGS= FORMAT=elf CONFIG= TLS=yes DISTFILES= DEV=
#: IMAGE=zeitkern-time:latest NET=network:NAME: FORMAT=oci's name, FORMAT=libvirt's network.
#: A value that is not possible says which are. Boards: see boards/; services: see app/.
