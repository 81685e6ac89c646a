/* SPDX-License-Identifier: MIT */
/* An NTP answer, judged: RFC 4330 §3 (timestamps and their eras), §4 (fields), §5
 * (what a client must check), §8 (kiss-o'-death); RFC 5905 §7.3. */
#include <string.h>

#include "kernel/clock.h"
#include "net/ntp/impl.h"
#include "net/port/bytes.h"

/* Offsets of fields. */
#define ROOT_DELAY 4
#define ROOT_DISPERSION 8
#define REFERENCE_ID 12
#define ORIGINATE 24
#define RECEIVE 32
#define TRANSMIT 40

#define LEAP(first) ((first) >> 6)
#define VERSION(first) ((first) >> 3 & 7)
#define MODE(first) ((first) & 7)
#define LEAP_INSERTED 1                /* the month's last minute has 61 seconds */
#define LEAP_DELETED 2
#define LEAP_UNKNOWN 3
#define MODE_SERVER 4
#define STRATUM_MAX 15
#define ONE (1u << 16)                 /* a second in 16.16: "infinity" of §5 */

#define UNIX_EPOCH 2208988800u         /* in seconds of era 0 */
#define ERA ((int64_t)1 << 32)

/* §3: the top bit says which era it is, from 1968 to 2104. */
static int64_t unix_ns(const uint8_t *p)
{
	uint32_t seconds = be32(p);
	uint64_t fraction = be32(p + 4);
	int64_t unix_s = (int64_t)seconds - UNIX_EPOCH;

	if (!(seconds >> 31))
		unix_s += ERA;
	return unix_s * 1000000000 + (int64_t)(fraction * 1000000000 >> 32);
}

/* Seconds in 16.16. */
static int64_t short_ns(const uint8_t *p)
{
	return (int64_t)be32(p) * 1000000000 >> 16;
}

static bool is_zero(const uint8_t *timestamp)
{
	return (be32(timestamp) | be32(timestamp + 4)) == 0;
}

enum ntp_verdict ntp_read(const uint8_t *p, size_t len, const uint8_t cookie[8],
			    struct ntp_answer *a)
{
	if (len < NTP_PACKET || MODE(p[0]) != MODE_SERVER || memcmp(p + ORIGINATE, cookie, 8) != 0)
		return NTP_FOREIGN;
	a->stratum = p[1];
	if (a->stratum == 0) {
		for (unsigned i = 0; i < 4; i++) {
			uint8_t c = p[REFERENCE_ID + i];

			a->kiss[i] = (char)(c > ' ' && c <= '~' ? c : '?');
		}
		a->kiss[4] = 0;
		return NTP_KISS;
	}
	if (LEAP(p[0]) == LEAP_UNKNOWN)
		return NTP_UNSYNCHRONISED;
	if (VERSION(p[0]) < 3 || VERSION(p[0]) > 4 || a->stratum > STRATUM_MAX ||
	    is_zero(p + RECEIVE) || is_zero(p + TRANSMIT) ||
	    be32(p + ROOT_DELAY) >= ONE || be32(p + ROOT_DISPERSION) >= ONE)
		return NTP_NONSENSE;
	a->received = unix_ns(p + RECEIVE);
	a->sent = unix_ns(p + TRANSMIT);
	a->root = short_ns(p + ROOT_DELAY) / 2 + short_ns(p + ROOT_DISPERSION);
	a->leap = LEAP(p[0]) == LEAP_INSERTED ? 1 : LEAP(p[0]) == LEAP_DELETED ? -1 : 0;
	return a->sent >= a->received ? NTP_GOOD : NTP_NONSENSE;
}
