/* SPDX-License-Identifier: MIT */
/* Addresses that need no server (RFC 4862 §5.5) and tell nothing (RFC 7217): a hash, under a
 * secret, of the network, the card and how many such addresses were taken. The same in the same
 * network at each boot, another in another, and no trace of the card's number in it.
 *
 * The secret is ip6.secret=. Without that it is made from the card's number, which is enough to be
 * stable but not against somebody who guesses that number and knows this file. */
#include <errno.h>
#include <string.h>

#include <lwip/opt.h>

#include "kernel/kernel.h"
#include "kernel/siphash.h"
#include "net/ip6/impl.h"
#include "net/port/port.h"

#define TWO_HOURS 7200u

static uint64_t secret[2];
static bool has_secret;

/* A key from text: two hashes under keys that are no secret. */
static void make_secret(const void *text, size_t len)
{
	const uint64_t keys[2][2] = { { 0x7217, 0 }, { 0x7217, 1 } };

	secret[0] = siphash24(keys[0], text, len);
	secret[1] = siphash24(keys[1], text, len);
}

int slaac_set_secret(const char *text)
{
	if (!*text)
		return -EINVAL;
	make_secret(text, strlen(text));
	has_secret = true;
	return 0;
}

/* RFC 5453: not for hosts. The anycast addresses, and those of RFC 2526. */
static bool reserved(uint64_t id)
{
	uint64_t n = __builtin_bswap64(id);

	return n == 0 || n - 0xfdffffffffffff80u < 0x80;
}

struct addr slaac_address(addr_net network, unsigned tries)
{
	struct { addr_net network; uint8_t mac[6]; uint16_t tries; } in = { .network = network,
		.tries = (uint16_t)(tries << 8) };
	struct addr a = { { (uint32_t)(network >> 32), (uint32_t)network, 0, 0 } };
	uint64_t id;

	memcpy(in.mac, port_nic->mac, sizeof(in.mac));
	if (!has_secret)
		make_secret(in.mac, sizeof(in.mac));
	do
		id = siphash24(secret, &in, sizeof(in));
	while (in.tries++, reserved(id));
	memcpy(&a.word[2], &id, sizeof(id));
	return a;
}

/* RFC 4862 §5.5.3 e: nobody can make an address that is in use go away within two hours. */
static uint32_t no_shorter(uint32_t valid, uint32_t left)
{
	return valid > TWO_HOURS || valid > left ? valid : MIN(left, TWO_HOURS);
}

void slaac_prefix(addr_net network, uint32_t valid, uint32_t preferred)
{
	struct addr a;
	uint32_t left;

	if (preferred > valid)
		return;
	if (ip6_in_network(network, IP6_SLAAC, &a, &left))
		valid = no_shorter(valid, left);
	else if (valid > 0)
		a = slaac_address(network, 0);
	else
		return;
	ip6_have(&a, IP6_SLAAC, valid, MIN(preferred, valid));
}
