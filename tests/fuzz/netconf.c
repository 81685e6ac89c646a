/* SPDX-License-Identifier: MIT */
/* sources: net/netconf/netconf.c net/netconf/interface.c net/netconf/cloud_init.c
 *	net/netconf/openstack.c net/netconf/yaml.c net/netconf/yaml_inline.c net/addr.c
 *	net/ip6/text.c */
/* Fuzzer: a cloud's network configuration (net/netconf.h) of any bytes, which end where the input
 * does. What becomes settings is words of the keys that it may set, each once; it says no more
 * lines than it may, and nothing is left allocated (LeakSanitizer). */
#include "net/netconf.h"

#include <stdlib.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/config_drive.h"
#include "kernel/kernel.h"

#define LINES_MAX 25u                  /* 20, that there are more, and the outcome */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t input_len;
static unsigned lines;

void log_line(enum log_level level, const char *fmt, ...)
{
	lines++;
}

void panic(const char *fmt, ...)
{
	abort();
}

char *config_drive_network(size_t *len, const char **name)
{
	char *text = malloc(input_len);

	if (input_len == 0) {
		free(text);
		return NULL;
	}
	memcpy(text, input, input_len);
	*len = input_len;
	*name = "f";
	return text;
}

bool config_is_held(const char *key)
{
	return false;
}

int config_apply_yielding(const char *words, size_t len, const char *source)
{
	static const char *const keys[] = { "ip=", "gw=", "ip6=", "gw6=", "dns=", "mtu=" };
	unsigned k = 0;

	if (strlen(words) != len || strspn(words, "abcdefghipmnotuswx0123456789=./:, ") != len)
		abort();
	for (const char *p = words; *p; k++) {
		while (k < ARRAY_LEN(keys) && strncmp(p, keys[k], strlen(keys[k])) != 0)
			k++;
		if (k == ARRAY_LEN(keys))
			abort();
		p += strcspn(p, " ");
		p += *p == ' ';
	}
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t mac[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
	unsigned rank = NETCONF_NONE;

	input = data;
	input_len = size;
	lines = 0;
	if (netconf_read())
		rank = netconf_rank(mac);
	netconf_apply(rank, "");
	if (lines > LINES_MAX)
		abort();
	return 0;
}
