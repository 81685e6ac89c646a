/* SPDX-License-Identifier: MIT */
/* The HTTP server's limits as settings, and what it counts. */
#include "kernel/config.h"
#include "net/http/impl.h"

#define PORT_DEFAULT 8080
#define HEAD_TIMEOUT_S 30              /* a whole head, from its first byte */
#define BODY_TIMEOUT_S 60              /* a whole body, from the end of the head */
#define IDLE_TIMEOUT_S 60              /* before the first request and between two */
#define WRITE_TIMEOUT_S 60             /* without the client taking any of an answer */
#define TIMEOUT_MAX_S 86400
#define BODY_BYTES_MAX (4u << 20)

struct http_settings http_settings;

#define SECONDS_SETTING(name) \
	{.key = "http." #name, .boot = true, .type = SETTING_U32, \
	 .value = &http_settings.name, .min = 1, .max = TIMEOUT_MAX_S, \
	 .expected = "seconds, 1 to 86400"}
#define NUMBER_SETTING(word, field, low, high, what) \
	{.key = "http." word, .type = SETTING_U32, .value = &http_settings.field, .min = low, \
	 .max = high, .expected = what}

static const struct setting settings[] = {
	NUMBER_SETTING("port", port, 0, 65535, "a port, 1 to 65535; 0: none"),
	{.key = "http.redirect", .type = SETTING_BOOL, .value = &http_settings.redirect,
	 .expected = "yes or no"},
	SECONDS_SETTING(head_timeout),
	SECONDS_SETTING(body_timeout),
	SECONDS_SETTING(idle_timeout),
	SECONDS_SETTING(write_timeout),
	NUMBER_SETTING("max_head", parse.max_head, 256, HTTP_HEAD_MAX, "bytes, 256 to 32768"),
	NUMBER_SETTING("max_headers", parse.max_fields, 1, HTTP_FIELDS_MAX,
		       "a number, 1 to " TEXT_OF(HTTP_FIELDS_MAX)),
	NUMBER_SETTING("max_uri", parse.max_uri, 16, HTTP_HEAD_MAX, "bytes, 16 to 32768"),
	NUMBER_SETTING("max_body", max_body, 0, BODY_BYTES_MAX, "bytes, 0 to 4194304"),
	{.key = "http.max_connections", .boot = true, .type = SETTING_U32,
	 .value = &http_settings.max_connections, .max = UINT32_MAX,
	 .expected = "a number; 0: as many as memory allows"},
	{.key = "http.max_per_address", .boot = true, .type = SETTING_U32,
	 .value = &http_settings.max_per_address, .max = UINT32_MAX,
	 .expected = "a number; 0: no limit"},
};

struct counter http_counters[COUNT_MAX] = {
	[COUNT_CONNECTIONS] = {"http_connections_total", 0},
	[COUNT_REQUESTS] = {"http_requests_total", 0},
	[COUNT_REPEATED] = {"http_requests_repeated_total", 0},
	[COUNT_WAITED] = {"http_handlers_waited_total", 0},
	[COUNT_REFUSED] = {"http_refused_total", 0},
	[COUNT_BUSY] = {"http_busy_total", 0},
	[COUNT_TIMEOUTS] = {"http_timeouts_total", 0},
	[COUNT_EVICTED] = {"http_evicted_total", 0},
	[COUNT_OVER_ADDRESS] = {"http_over_address_total", 0},
	[COUNT_LOST] = {"http_answers_lost_total", 0},
};

void http_declare(void)
{
	http_settings = (struct http_settings){
		.port = PORT_DEFAULT,
		.head_timeout = HEAD_TIMEOUT_S,
		.body_timeout = BODY_TIMEOUT_S,
		.idle_timeout = IDLE_TIMEOUT_S,
		.write_timeout = WRITE_TIMEOUT_S,
		.max_body = BUDGET_BODY,
		.parse = {.max_head = BUDGET_HEAD, .max_fields = BUDGET_FIELDS,
			  .max_uri = BUDGET_URI},
	};
	config_declare(settings, ARRAY_LEN(settings));
	counters_add(http_counters, COUNT_MAX);
}

uint16_t http_port(void)
{
	return (uint16_t)http_settings.port;
}
