# The libraries' files that images are made of, and how they are built. The scripts do nothing, and
# touch nothing, when all is as it should be.

LWIP := build/src/lwip/src
MBEDTLS := build/src/mbedtls
PICOLIBC := build/libs/$(ARCH)/picolibc
LIBC := $(if $(filter host,$(ARCH)),,$(PICOLIBC)/lib/libc.a)
LIBTLS := $(if $(filter no,$(TLS)),,$O/libmbedtls.a)

core := def.c inet_chksum.c init.c ip.c mem.c netif.c pbuf.c raw.c stats.c sys.c tcp.c \
	tcp_in.c tcp_out.c timeouts.c udp.c
ipv4 := acd.c dhcp.c etharp.c icmp.c ip4.c ip4_addr.c ip4_frag.c
ipv6 := ethip6.c icmp6.c inet6.c ip6.c ip6_addr.c ip6_frag.c mld6.c nd6.c
lwip := $(core:%.c=core/%) $(ipv4:%.c=core/ipv4/%) $(ipv6:%.c=core/ipv6/%) netif/ethernet

crypto := aes aesce aesni asn1parse asn1write base64 bignum bignum_core block_cipher chacha20 \
	chachapoly cipher cipher_wrap constant_time ctr_drbg ecdh ecdsa ecp ecp_curves error gcm hkdf \
	hmac_drbg md md5 oid pem pk pk_ecc pk_wrap pkparse pkwrite platform platform_util poly1305 rsa \
	rsa_alt_helpers sha256 sha512
psa := crypto crypto_aead crypto_cipher crypto_client crypto_driver_wrappers_no_static crypto_ecp \
	crypto_hash crypto_mac crypto_rsa crypto_slot_management util
x509 := x509 x509_create x509_crt x509write x509write_crt
ssl := ciphersuites client msg ticket tls tls12_server tls13_client tls13_generic \
	tls13_keys tls13_server
mbedtls := $(crypto:%=library/%) $(psa:%=library/psa_%) $(x509:%=library/%) $(ssl:%=library/ssl_%)

FOR_MBEDTLS := -isystem $(MBEDTLS)/include -isystem $(MBEDTLS)/library \
	-DMBEDTLS_CONFIG_FILE='"net/tls/mbedtls_$(BUDGET).h"'

# X25519 by Project Everest, verified and ten times as fast as the code for all curves, where the
# compiler has products of 128 bits.
ifneq ($(and $(LIBTLS),$(filter x86_64 aarch64 host,$(ARCH))),)
mbedtls += $(addprefix 3rdparty/everest/library/,everest x25519 Hacl_Curve25519_joined)
FOR_MBEDTLS += -DMBEDTLS_ECDH_VARIANT_EVEREST_ENABLED \
	$(addprefix -isystem $(MBEDTLS)/3rdparty/everest/,include include/everest include/everest/kremlib)
TLS_MORE := net/tls/everest/public_key.c
WRAPPED += mbedtls_psa_ecp_export_public_key
endif

# What an app brings, in app/NAME/library.mk: the names of LIBRARIES (linker/libs.lock), for each
# the files it is made of, as NAME := a b (a.c, b.c of its source), flags as NAME_FLAGS and the file
# of its licence as NAME_LICENCE, unless that is COPYING or LICENSE; STACK, if they need more than
# BUDGET_STACK bytes of one, in whole pages; BUDGETS, if they do not fit into each. They are compiled
# as they are; net/bsd/include comes first on the path of them and of the app.
$(if $(GUEST),,$(eval -include app/$(APP)/library.mk))
$(if $(filter-out $(or $(BUDGETS),$(BUDGET)),$(BUDGET)),$(error APP=$(APP) is not possible with \
	BOARD=$(BOARD): $(or $(LIBRARIES),it) needs more memory))
FOR_APP := -isystem net/bsd/include $(if $(LIBRARIES),-isystem build/src)

# mbedTLS reaches what a client does by way of net/tls/client, which an image that opens no sessions
# does without; and RSA's arithmetic lets others run (net/tls/rsa).
ifneq ($(and $(LIBTLS),$(filter large,$(BUDGET))),)
TLS_MORE += net/tls/rsa/breathe.c
WRAPPED += mbedtls_ssl_write_client_hello mbedtls_ssl_handshake_client_step \
	mbedtls_ssl_tls13_handshake_client_step mbedtls_ct_memcpy_if
endif

build/src/%/.sha256: FORCE | setup
	@linker/fetch $*
$(lwip:%=$(LWIP)/%.c): | build/src/lwip/.sha256 ;
$(mbedtls:%=$(MBEDTLS)/%.c): | build/src/mbedtls/.sha256 ;
build/libs/$(ARCH)/picolibc/lib/libc.a: build/src/picolibc/.sha256 FORCE
	@linker/picolibc $(ARCH) $(CC) $(CPU_FLAGS)

$O/lwip/%.o: $(LWIP)/%.c $O/flags build/src/lwip/.sha256 | $(LIBC)
	$(call say,cc $(<F) of lwIP)mkdir -p $(@D) && $(CC) $(CFLAGS) $(FOR_LWIP) -frandom-seed=$< -MD \
		-MP -c -o $@ $<
# Not part of link-time optimization, which would take longer and gain nothing. Its constants are
# shifted as they come (FOR_LWIP).
$O/mbedtls/%.o: $(MBEDTLS)/%.c $O/flags build/src/mbedtls/.sha256 | $(LIBC)
	$(call say,cc $(<F) of mbedTLS)mkdir -p $(@D) && $(CC) $(CFLAGS) $(FOR_LWIP) -fno-lto \
		-frandom-seed=$< -MD -MP -c -o $@ $<
# Not for TLS, and nowhere else asked for: PostgreSQL's older authentication.
$O/mbedtls/library/md5.o: FOR_LWIP += -DMBEDTLS_MD5_C
$O/libmbedtls.a: $(mbedtls:%=$O/mbedtls/%.o)
	$(call say,ar $@)rm -f $@ && $(CC:%gcc=%gcc-ar) rcsD $@ $^

# Once for all apps of a board that want the same of it.
define library_rules
$($1:%=build/src/$1/%.c): | build/src/$1/.sha256 ;
$O/library/$1/files: FORCE
	$$(call stamp,$($1) $($1_FLAGS) .)
$O/library/$1/%.o: build/src/$1/%.c $O/flags build/src/$1/.sha256 $O/library/$1/files | $(LIBC)
	$$(call say,cc $$(<F) of $1)mkdir -p $$(@D) && $(CC) $(FOR_APP) -Ibuild/src/$1 $$(CFLAGS) \
		$($1_FLAGS) -w -fno-lto -frandom-seed=$$< -MD -MP -c -o $$@ $$<
$O/library/$1.a: $($1:%=$O/library/$1/%.o)
	$$(call say,ar $$@)rm -f $$@ && $(CC:%gcc=%gcc-ar) rcsD $$@ $$^
-include $($1:%=$O/library/$1/%.d)
endef
$(foreach name,$(LIBRARIES),$(eval $(call library_rules,$(name))))
