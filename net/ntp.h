/* SPDX-License-Identifier: MIT */
/* Network time by NTP version 4 (RFC 5905, as a client; RFC 4330 for what an answer must
 * hold): asks all servers of ntp= at the same time, or those that DHCP names (RFC 2132
 * §8.3), believes what the majority agrees on, and keeps the wall clock right
 * (kernel/clock.h). Runs in the net loop; nothing here waits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/budget.h"
#include "kernel/clock.h"

/* Boot, before the settings are applied: declares ntp= and counters. */
void ntp_declare(void);

/* Boot, after net_init(). */
void ntp_init(void);

/* The interface has got another address (true), or lost it. */
void ntp_address(bool up);

/* DHCP (RFC 2132 §8.3) or DHCPv6 (RFC 5908) names servers: as text, as in ntp=. Used, as far as
 * there is room, unless ntp= names others. A list longer than this is not looked at. */
enum ntp_source { NTP_BY_DHCP, NTP_BY_DHCP6 };
#define NTP_LIST_MAX (BUDGET_NTP_SERVERS * (BUDGET_IPV6 ? 42u : 16u))   /* with the NUL */
void ntp_offered(enum ntp_source source, const char *list);

/* ---- How it stands: for GET /clock --------------------------------------------- */

struct ntp_status {
	bool synchronised;             /* once: what follows then holds */
	unsigned stratum;              /* of the server gone by */
	int leap;                      /* seconds that this month is longer: 1, 0, -1 */
	int64_t offset;                /* last measured, before it was corrected, ns */
	int64_t error;                 /* bound of the error now, ns: RFC 5905's root distance */
	int64_t last_sync;             /* Unix time, ns */
	uint32_t poll_s;
};
struct ntp_status ntp_status(void);

struct ntp_peer {
	const char *host, *state;      /* valid until the net loop goes on */
	uint16_t port;
	bool known;                    /* it has answered of late, and there is a time to compare
	                                * with: what follows then holds */
	unsigned stratum;
	int64_t offset, delay;         /* of its best answer, ns */
};

/* The i-th server, false after the last. */
bool ntp_peer(unsigned i, struct ntp_peer *p);
