/* SPDX-License-Identifier: MIT */
/* numeric in binary (numeric_send() of PostgreSQL): digits to the base of 10000, the weight of the
 * first, a sign and how many decimals to show. */
#include "net/postgres/types.h"

#include <errno.h>

#include "kernel/kernel.h"

#define BASE 10000u
#define MINUS 0x4000u
#define NAN_SIGN 0xc000u
#define PLUS_INFINITY 0xd000u
#define MINUS_INFINITY 0xf000u

struct text {
	char *p, *end;                 /* room for a NUL is kept */
};

static void put(struct text *t, char c)
{
	if (t->p < t->end)
		*t->p = c;
	t->p++;
}

static int finish(struct text *t, char *buf)
{
	if (t->p > t->end) {
		buf[0] = '\0';
		return -ERANGE;
	}
	*t->p = '\0';
	return 0;
}

static int special(struct text *t, char *buf, unsigned sign)
{
	const char *name = sign == NAN_SIGN ? "NaN" : sign == PLUS_INFINITY ? "Infinity"
									    : "-Infinity";

	for (; *name; name++)
		put(t, *name);
	return finish(t, buf);
}

/* The digit whose weight is `weight`; 0 outside of those that were sent. */
static unsigned digit(struct pg_in in, int first, unsigned n, int weight)
{
	int i = first - weight;

	if (i < 0 || i >= (int)n)
		return 0;
	return (unsigned)in.p[i * 2] << 8 | in.p[i * 2 + 1];
}

static void whole(struct text *t, struct pg_in in, int first, unsigned n)
{
	bool begun = false;

	for (int w = first; w >= 0 && t->p <= t->end; w--) {
		unsigned d = digit(in, first, n, w);

		for (unsigned unit = BASE / 10; unit > 0; unit /= 10) {
			begun |= d / unit > 0;
			if (begun)
				put(t, (char)('0' + d / unit % 10));
		}
	}
	if (!begun)
		put(t, '0');
}

static void decimals(struct text *t, struct pg_in in, int first, unsigned n, unsigned scale)
{
	put(t, '.');
	for (int w = -1; scale > 0 && t->p <= t->end; w--) {
		unsigned d = digit(in, first, n, w);

		for (unsigned unit = BASE / 10; unit > 0 && scale > 0; unit /= 10, scale--)
			put(t, (char)('0' + d / unit % 10));
	}
}

int pg_numeric_text(struct pg_in in, char *buf, size_t size)
{
	unsigned n = pg_in_u16(&in);
	int first = (int16_t)pg_in_u16(&in);
	unsigned sign = pg_in_u16(&in), scale = pg_in_u16(&in);
	struct text t = { buf, buf + size };

	if (size == 0)
		return -ERANGE;
	t.end--;
	if (in.bad || (size_t)(in.end - in.p) != (size_t)n * 2)
		return -EPROTO;
	for (unsigned i = 0; i < n; i++)
		if (digit(in, 0, n, -(int)i) >= BASE)
			return -EPROTO;
	if (sign == NAN_SIGN || sign == PLUS_INFINITY || sign == MINUS_INFINITY)
		return special(&t, buf, sign);
	if (sign != 0 && sign != MINUS)
		return -EPROTO;
	if (sign == MINUS)
		put(&t, '-');
	whole(&t, in, first, n);
	if (scale > 0)
		decimals(&t, in, first, n, scale);
	return finish(&t, buf);
}
