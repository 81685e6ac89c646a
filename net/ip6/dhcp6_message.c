/* SPDX-License-Identifier: MIT */
/* Messages of DHCPv6 (net/ip6/dhcp6.h): RFC 8415 §8, §21; RFC 3646 (name servers), RFC 5908 (time
 * servers). We are known by DUID-LL (§11.4), and ask for one address. */
#include "net/ip6/dhcp6.h"

#include <errno.h>
#include <string.h>

#include "net/port/bytes.h"

enum {
	CLIENT_ID = 1, SERVER_ID = 2, IA_NA = 3, IA_ADDRESS = 5, REQUESTED = 6, PREFERENCE = 7,
	ELAPSED = 8, STATUS = 13, RAPID_COMMIT = 14, DNS_SERVERS = 23, REFRESH = 32,
	NTP_SERVERS = 56,
};
enum { NTP_ADDRESS = 1, NTP_NAME = 3 };        /* of NTP_SERVERS */

#define HEADER 4u
#define DUID_LEN 10u
#define IA_HLEN 12u
#define IA_ADDRESS_HLEN 24u

/* ---- Writing ----------------------------------------------------------------- */

static uint8_t *put16(uint8_t *p, unsigned v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

static uint8_t *put(uint8_t *p, const void *data, size_t len)
{
	memcpy(p, data, len);
	return p + len;
}

static uint8_t *option(uint8_t *p, unsigned code, size_t len)
{
	return put16(put16(p, code), (unsigned)len);
}

static void duid(uint8_t out[DUID_LEN], const uint8_t *mac)
{
	put(put16(put16(out, 3), 1), mac, 6);
}

/* Lifetimes and T1, T2 are the server's to say. */
static uint8_t *put_ia(uint8_t *p, const struct dhcp6_question *q)
{
	p = option(p, IA_NA, IA_HLEN + (q->addr ? 4 + IA_ADDRESS_HLEN : 0));
	p = put(p, q->mac + 2, 4);
	memset(p, 0, 8);
	p += 8;
	if (!q->addr)
		return p;
	p = put(option(p, IA_ADDRESS, IA_ADDRESS_HLEN), q->addr->word, 16);
	memset(p, 0, 8);
	return p + 8;
}

size_t dhcp6_write(uint8_t *out, const struct dhcp6_question *q)
{
	uint8_t us[DUID_LEN], *p = out;

	duid(us, q->mac);
	*p++ = (uint8_t)q->type;
	*p++ = (uint8_t)(q->xid >> 16);
	p = put16(p, q->xid & 0xffff);
	p = put(option(p, CLIENT_ID, DUID_LEN), us, DUID_LEN);
	if (q->server)
		p = put(option(p, SERVER_ID, q->server_len), q->server, q->server_len);
	p = put16(option(p, ELAPSED, 2), q->elapsed_cs > 0xffff ? 0xffff : q->elapsed_cs);
	if (q->type != DHCP6_INFORMATION)
		p = put_ia(p, q);
	if (q->type == DHCP6_SOLICIT)
		p = option(p, RAPID_COMMIT, 0);
	if (q->type != DHCP6_DECLINE)
		p = put16(put16(put16(option(p, REQUESTED, 6), DNS_SERVERS), NTP_SERVERS), REFRESH);
	return (size_t)(p - out);
}

/* ---- Reading ----------------------------------------------------------------- */

/* Takes the next option off: false at the end. A damaged one ends all: *len is not 0 then. */
static bool next(const uint8_t **p, size_t *len, unsigned *code, const uint8_t **data,
		 size_t *size)
{
	if (*len < 4 || be16(*p + 2) > *len - 4)
		return false;
	*code = be16(*p);
	*size = be16(*p + 2);
	*data = *p + 4;
	*p += 4 + *size;
	*len -= 4 + *size;
	return true;
}

/* One that a host can have and others can reach. */
static bool plausible(const struct addr *a)
{
	const uint8_t first = *(const uint8_t *)a->word;

	return first != 0 && first != 0xff && !addr_is_link_local(a);
}

static int read_address(const uint8_t *p, size_t len, struct dhcp6_answer *a)
{
	unsigned code;
	const uint8_t *data;
	size_t size;
	struct addr addr;
	uint32_t preferred = be32(p + 16), valid = be32(p + 20);

	memcpy(addr.word, p, sizeof(addr.word));
	p += IA_ADDRESS_HLEN;
	len -= IA_ADDRESS_HLEN;
	while (next(&p, &len, &code, &data, &size))
		if (code == STATUS && size >= 2 && be16(data) != DHCP6_SUCCESS)
			return 0;
	if (len > 0 || !plausible(&addr))
		return -EINVAL;
	if (preferred > valid || valid == 0 || a->has_address)
		return 0;              /* §21.6: passed over */
	a->has_address = true;
	a->addr = addr;
	a->preferred = preferred;
	a->valid = valid;
	return 0;
}

static int read_ia(const uint8_t *p, size_t len, const uint8_t *mac, struct dhcp6_answer *a)
{
	unsigned code;
	const uint8_t *data;
	size_t size;
	uint32_t t1 = be32(p + 4), t2 = be32(p + 8);

	if (memcmp(p, mac + 2, 4) != 0 || (t1 > t2 && t2 > 0))
		return 0;              /* §21.4: passed over */
	a->t1 = t1;
	a->t2 = t2;
	p += IA_HLEN;
	len -= IA_HLEN;
	while (next(&p, &len, &code, &data, &size)) {
		if (code == STATUS && size >= 2)
			a->ia_status = be16(data);
		if (code == IA_ADDRESS &&
		    (size < IA_ADDRESS_HLEN || read_address(data, size, a) < 0))
			return -EINVAL;
	}
	return len > 0 ? -EINVAL : 0;
}

/* A name as RFC 1035 §3.1 has it, into dotted text of less than `max` bytes: its length, or 0. */
static size_t read_name(const uint8_t *p, size_t len, char *out, size_t max)
{
	size_t n = 0;

	for (size_t at = 0; at < len && p[at] != 0; at += 1u + p[at]) {
		if (p[at] > 63 || at + p[at] >= len || n + p[at] + 2 > max)
			return 0;
		if (n > 0)
			out[n++] = '.';
		memcpy(out + n, p + at + 1, p[at]);
		n += p[at];
	}
	if (n > 0)
		out[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-",
			    out[i]))
			return 0;
	return n;
}

/* Adds to the list what there is room for. */
static void read_ntp(const uint8_t *p, size_t len, char *list)
{
	unsigned code;
	const uint8_t *data;
	size_t size, used, count = 0;

	while (next(&p, &len, &code, &data, &size) && count < BUDGET_NTP_SERVERS) {
		char host[ADDR_TEXT + 2 + BUDGET_DNS_NAME] = "[";
		struct addr a;

		used = strlen(list);
		if (code == NTP_ADDRESS && size == sizeof(a.word)) {
			memcpy(a.word, data, sizeof(a.word));
			if (addr_is_none(&a))
				continue;
			addr_text(host + 1, &a);
			strcat(host, "]");
		} else if (code != NTP_NAME || read_name(data, size, host, BUDGET_DNS_NAME) == 0) {
			continue;
		}
		if (used + 1 + strlen(host) + 1 > NTP_LIST_MAX)
			return;
		if (used > 0)
			strcat(list, ",");
		strcat(list, host);
		count++;
	}
}

static int read_option(unsigned code, const uint8_t *data, size_t size, const uint8_t *mac,
		       struct dhcp6_answer *a)
{
	struct addr *to;

	switch (code) {
	case SERVER_ID:
		if (size == 0 || size > DHCP6_DUID_MAX)
			return -EINVAL;
		a->server = data;
		a->server_len = (unsigned)size;
		return 0;
	case IA_NA:
		return size < IA_HLEN ? -EINVAL : read_ia(data, size, mac, a);
	case PREFERENCE:
		a->preference = size == 1 ? data[0] : 0;
		return 0;
	case STATUS:
		a->status = size >= 2 ? be16(data) : DHCP6_SUCCESS;
		return 0;
	case RAPID_COMMIT:
		a->rapid = true;
		return 0;
	case REFRESH:
		a->refresh = size == 4 ? be32(data) : 0;
		return 0;
	case DNS_SERVERS:
		for (; size >= 16 && a->dns_count < DNS_OFFERED_MAX; data += 16, size -= 16) {
			to = &a->dns[a->dns_count];
			memcpy(to->word, data, sizeof(to->word));
			a->dns_count += *data != 0xff && !addr_is_none(to) && !addr_is_ip4(to);
		}
		return 0;
	case NTP_SERVERS:
		read_ntp(data, size, a->ntp);
		return 0;
	}
	return 0;
}

int dhcp6_read(const uint8_t *p, size_t len, const uint8_t *mac, uint32_t xid,
	       struct dhcp6_answer *a)
{
	unsigned code;
	const uint8_t *data;
	size_t size;
	uint8_t us[DUID_LEN];
	bool ours = false;

	*a = (struct dhcp6_answer){ 0 };
	if (len < HEADER || (be32(p) & 0xffffff) != xid ||
	    (p[0] != DHCP6_ADVERTISE && p[0] != DHCP6_REPLY))
		return -EINVAL;
	duid(us, mac);
	a->type = p[0];
	p += HEADER;
	len -= HEADER;
	while (next(&p, &len, &code, &data, &size)) {
		if (code == CLIENT_ID)
			ours = size == DUID_LEN && memcmp(data, us, DUID_LEN) == 0;
		else if (read_option(code, data, size, mac, a) < 0)
			return -EINVAL;
	}
	return len == 0 && ours && a->server ? 0 : -EINVAL;
}
