/* SPDX-License-Identifier: MIT */
/* Network time by SNTP (RFC 4330): asks the servers of ntp= one after the other,
 * or those that DHCP names (RFC 2132 §8.3), checks what they say and puts the
 * wall clock right (kernel/clock.h). Runs in the net loop; nothing here waits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Boot, before the settings are applied: declares ntp= and counters. */
void sntp_declare(void);

/* Boot, after net_init(). */
void sntp_init(void);

/* The interface has got another address (true), or lost it. */
void sntp_address(bool up);

/* DHCP names `n` servers, 4 bytes each: used unless ntp= names others. */
void sntp_offered(const uint8_t *ip4, unsigned n);

/* ---- What an answer says: pure ------------------------------------------------- */

#define SNTP_PACKET 48

struct sntp_answer {
	int64_t received, sent;        /* by the server's clock: Unix time in ns */
	unsigned stratum;
	char kiss[5];                  /* of a kiss-o'-death: "RATE" */
};

enum sntp_verdict {
	SNTP_GOOD,
	SNTP_FOREIGN,                  /* no answer to our question: passed over */
	SNTP_KISS,                     /* the server sends us away: a->kiss says how */
	SNTP_UNSYNCHRONISED,           /* its own clock is not set */
	SNTP_NONSENSE,                 /* what RFC 4330 §5 excludes */
};

/* Judges `len` bytes from the server asked with `cookie` as transmit timestamp. */
enum sntp_verdict sntp_read(const uint8_t *packet, size_t len, const uint8_t cookie[8],
			    struct sntp_answer *a);
