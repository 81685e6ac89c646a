/* SPDX-License-Identifier: MIT */
/* IPv6 addresses as text: RFC 4291 §2.2 in, RFC 5952 §4 out. Pure. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "net/ip6/ip6.h"

#define GROUPS 8

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 :
	       c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One to four hex digits, moving *p behind them: -1 when there are none. */
static int group(const char **p)
{
	int n = 0, digits = 0;

	for (int d; digits < 4 && (d = hex_digit(**p)) >= 0; (*p)++, digits++)
		n = n << 4 | d;
	return digits ? n : -1;
}

/* A dotted quad as the last two groups. */
static bool quad(const char **p, uint16_t *g)
{
	int b[4];

	for (int i = 0; i < 4; i++) {
		b[i] = addr_number(p, 255);
		if (b[i] < 0 || (i < 3 && *(*p)++ != '.'))
			return false;
	}
	g[0] = (uint16_t)(b[0] << 8 | b[1]);
	g[1] = (uint16_t)(b[2] << 8 | b[3]);
	return true;
}

int ip6_parse(const char **text, struct addr *a)
{
	const char *p = *text, *start;
	uint16_t g[GROUPS] = { 0 };
	int n = 0, gap = -1;

	if (p[0] == ':' && p[1] == ':') {
		gap = 0;
		p += 2;
	}
	while (n < GROUPS && (gap != n || hex_digit(*p) >= 0)) {
		int value;

		start = p;
		value = group(&p);
		if (value < 0)
			return -EINVAL;
		if (*p == '.' && n <= GROUPS - 2) {
			p = start;
			if (!quad(&p, g + n))
				return -EINVAL;
			n += 2;
			break;
		}
		g[n++] = (uint16_t)value;
		if (p[0] != ':' || (p[1] != ':' && hex_digit(p[1]) < 0))
			break;
		p++;
		if (*p == ':') {
			if (gap >= 0)
				return -EINVAL;
			gap = n;
			p++;
		}
	}
	if ((gap < 0) != (n == GROUPS))
		return -EINVAL;
	if (gap >= 0) {
		memmove(g + GROUPS - (n - gap), g + gap, (size_t)(n - gap) * sizeof(*g));
		memset(g + gap, 0, (size_t)(GROUPS - n) * sizeof(*g));
	}
	for (int i = 0; i < GROUPS; i++)
		g[i] = __builtin_bswap16(g[i]);
	memcpy(a->word, g, sizeof(a->word));
	*text = p;
	return 0;
}

/* Where the longest run of two or more zeros is, the first of equals: its length or 0. */
static int longest_zeros(const uint16_t *g, int *at)
{
	int best = 1;

	for (int i = 0, run = 0; i < GROUPS; i++) {
		run = g[i] ? 0 : run + 1;
		if (run > best) {
			best = run;
			*at = i - run + 1;
		}
	}
	return best > 1 ? best : 0;
}

void ip6_text(char buf[ADDR_TEXT], const struct addr *a)
{
	uint16_t g[GROUPS];
	int at = 0, zeros, used = 0;

	memcpy(g, a->word, sizeof(g));
	zeros = longest_zeros(g, &at);
	for (int i = 0; i < GROUPS; i++) {
		if (zeros && i == at) {
			used += snprintf(buf + used, ADDR_TEXT - (size_t)used, "::");
			i += zeros - 1;
			continue;
		}
		used += snprintf(buf + used, ADDR_TEXT - (size_t)used, "%s%x",
				 i == 0 || (zeros && i == at + zeros) ? "" : ":",
				 __builtin_bswap16(g[i]));
	}
}
