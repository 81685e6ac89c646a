/* SPDX-License-Identifier: MIT */
/* CONTRACT app.h -> author: who asks, behind proxies: X-Forwarded-For, -Proto and -Host, or
 * Forwarded (RFC 7239), in which alone quotes are syntax, unless one stays open. What a header says
 * counts only as far as those that it came through are trusted: from the connection's peer on, to
 * the left, up to the first address that is not in http.trust=. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "kernel/config.h"
#include "net/addr.h"

struct request;

/* For SETTINGS() of an app behind proxies: whom to trust (nobody, unless it is set), and which of
 * the two headers those write, over or after what a client sent: the other is not looked at. */
#define FORWARDED_SETTINGS \
	{ .key = "http.trust", .boot = true, .type = SETTING_CHECKED, \
	  .check = forwarded_trust, \
	  .expected = "proxies: 10.0.0.1,192.168.0.0/16,::1" }, \
	{ .key = "http.forwarded", .boot = true, .type = SETTING_CHECKED, \
	  .check = forwarded_header, \
	  .expected = "x-forwarded-for or forwarded" }

#define FORWARDED_TRUST_MAX 8          /* entries of http.trust= */
int forwarded_trust(const char *value);
int forwarded_header(const char *value);

struct origin {
	struct endpoint client;        /* port 0: not known */
	bool secure;                   /* it came by HTTPS to the first proxy, or to us */
	const char *host;              /* as it was asked for; NULL: none */
};

/* Who asks. The strings live until the handler returns. Never waits. */
struct origin request_origin(struct request *req);
