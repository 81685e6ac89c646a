/* SPDX-License-Identifier: MIT */
/* See net/clock_page.h. Written in pieces, each small enough for a stack of 2 KiB. */
#include "net/clock_page.h"

#include <string.h>

#include "kernel/budget.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/kernel.h"
#include "net/http.h"
#include "net/json.h"
#include "net/ntp.h"

#define PATH "/clock"
#define TEXT_MAX (BUDGET_DNS_NAME + 40)
#define RTC_ERROR 1.0                  /* most clocks of this kind count whole seconds */
#define KVMCLOCK_ERROR 0.001

static bool enabled SEALED;

static const struct setting settings[] = {
	{.key = "clock", .boot = true, .type = SETTING_BOOL,
	 .value = &enabled, .expected = "yes or no"},
};

/* The members of a template's object, without its braces. */
static PRINTF_LIKE(2, 3) void add(struct response *res, const char *template, ...)
{
	const char *name;
	char text[TEXT_MAX];
	size_t name_len;
	va_list ap;
	int n;

	va_start(ap, template);
	n = json_format(text, sizeof(text), template, ap, &name, &name_len);
	va_end(ap);
	ASSERT(n > 2);
	response_add(res, text + 1, (size_t)n - 2);
}

static void put(struct response *res, const char *text)
{
	response_add(res, text, strlen(text));
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static void add_source(struct response *res, const struct clock_status *clock,
		       const struct ntp_status *ntp)
{
	static const char *const names[] = {
		[CLOCK_NONE] = "none", [CLOCK_RTC] = "rtc", [CLOCK_KVMCLOCK] = "kvmclock",
		[CLOCK_NTP] = "ntp",
	};

	if (ntp->synchronised)
		add(res, "{ source: %s, stratum: %u, offset: %.9f }", names[clock->source],
		    ntp->stratum, seconds(ntp->offset));
	else
		add(res, "{ source: %s, stratum: null, offset: null }", names[clock->source]);
	put(res, ", ");
	if (clock->source == CLOCK_NONE)
		add(res, "{ error_bound: null, last_sync: null }");
	else if (clock->source != CLOCK_NTP)
		add(res, "{ error_bound: %.9f, last_sync: null }",
		    clock->source == CLOCK_RTC ? RTC_ERROR : KVMCLOCK_ERROR);
	else
		add(res, "{ error_bound: %.9f, last_sync: %.6f }", seconds(ntp->error),
		    seconds(ntp->last_sync));
}

static void add_server(struct response *res, const struct ntp_peer *p)
{
	add(res, "{ host: %s }", p->host);
	put(res, ", ");
	add(res, "{ port: %u, state: %s }", p->port, p->state);
	if (!p->known)
		return;
	put(res, ", ");
	add(res, "{ stratum: %u, offset: %.9f, delay: %.9f }", p->stratum, seconds(p->offset),
	    seconds(p->delay));
}

static void get_clock(struct request *req, struct response *res)
{
	struct clock_status clock;
	struct ntp_status ntp;
	struct ntp_peer peer;

	clock_look();
	clock = clock_status();
	ntp = ntp_status();
	response_begin(res, "application/json");
	put(res, "{");
	add_source(res, &clock, &ntp);
	put(res, ", ");
	add(res, "{ steps: %u, slews: %u, frequency_ppm: %.3f }", clock.steps, clock.slews,
	    clock.ppb / 1e3);
	put(res, ", ");
	add(res, "{ leap: %d, poll: %u }", ntp.leap, (unsigned)ntp.poll_s);
	put(res, ", \"servers\": [");
	for (unsigned i = 0; ntp_peer(i, &peer); i++) {
		if (i > 0)
			put(res, ", ");
		put(res, "{");
		add_server(res, &peer);
		put(res, "}");
	}
	put(res, "]}");
}

void clock_page_declare(void)
{
	enabled = true;
	config_declare(settings, ARRAY_LEN(settings));
}

void clock_page_init(void)
{
	unsigned status;
	struct http_slice param[ROUTE_PARAMS];

	if (enabled && !router_find(false, "GET", 3, PATH, sizeof(PATH) - 1, param, &status))
		router_add("GET", PATH, get_clock);
}
