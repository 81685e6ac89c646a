/* SPDX-License-Identifier: MIT */
/* The messages of DHCPv6 (RFC 8415), as dhcp6.c sends and reads them. Pure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/addr.h"
#include "net/dns.h"
#include "net/ntp.h"

#define DHCP6_DUID_MAX 130u            /* RFC 8415 §11.1 */
#define DHCP6_QUESTION_MAX 256u

enum dhcp6_type {
	DHCP6_SOLICIT = 1, DHCP6_ADVERTISE = 2, DHCP6_REQUEST = 3, DHCP6_RENEW = 5,
	DHCP6_REBIND = 6, DHCP6_REPLY = 7, DHCP6_DECLINE = 9, DHCP6_INFORMATION = 11,
};

enum dhcp6_status { DHCP6_SUCCESS, DHCP6_FAILURE, DHCP6_NO_ADDRESS, DHCP6_NO_BINDING,
		    DHCP6_NOT_ON_LINK };

struct dhcp6_question {
	enum dhcp6_type type;
	uint32_t xid;                  /* 24 bits */
	unsigned elapsed_cs;           /* since the first of its kind, in 1/100 s */
	const uint8_t *mac;
	const uint8_t *server;         /* whom it is for, or NULL: everybody */
	unsigned server_len;
	const struct addr *addr;       /* wanted, held or declined, or NULL */
};

/* Writes it: its length, at most DHCP6_QUESTION_MAX. */
size_t dhcp6_write(uint8_t *out, const struct dhcp6_question *q);

struct dhcp6_answer {
	uint8_t type;
	uint8_t preference;
	bool rapid;                    /* a reply to a solicitation */
	uint16_t status, ia_status;
	const uint8_t *server;         /* inside the message */
	unsigned server_len;
	bool has_address;              /* what follows holds; lifetimes in seconds */
	struct addr addr;
	uint32_t preferred, valid, t1, t2;
	uint32_t refresh;              /* 0: not said */
	struct addr dns[DNS_OFFERED_MAX];
	unsigned dns_count;
	char ntp[NTP_LIST_MAX];        /* as in ntp= */
};

/* Reads an advertisement or a reply to us (`mac`) with that xid: 0, or -EINVAL: it is something
 * else, or damaged, or names an address that is none. */
int dhcp6_read(const uint8_t *p, size_t len, const uint8_t *mac, uint32_t xid,
	       struct dhcp6_answer *a);
