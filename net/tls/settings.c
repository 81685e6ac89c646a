/* SPDX-License-Identifier: MIT */
/* What of TLS can be set, and what it counts. */
#include <errno.h>
#include <string.h>

#include "kernel/budget.h"
#include "kernel/config.h"
#include "net/tls.h"
#include "net/tls/impl.h"

#define PORT_DEFAULT 8443
#define HANDSHAKE_TIMEOUT_S 10
#define HANDSHAKE_TIMEOUT_MAX_S 600

struct tls_settings tls_settings = {
	.port = PORT_DEFAULT, .handshake_timeout = HANDSHAKE_TIMEOUT_S,
};

static int set_client_auth(const char *value)
{
	static const char *const words[] = { "no", "optional", "required" };

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(value, words[i]) == 0) {
			tls_settings.client_auth = i;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_cert_1(const char *value) { return credentials_set_cert(0, value); }
static int set_key_1(const char *value) { return credentials_set_key(0, value); }
static int set_cert_2(const char *value) { return credentials_set_cert(1, value); }
static int set_key_2(const char *value) { return credentials_set_key(1, value); }
static int set_cert_3(const char *value) { return credentials_set_cert(2, value); }
static int set_key_3(const char *value) { return credentials_set_key(2, value); }
static int set_cert_4(const char *value) { return credentials_set_cert(3, value); }
static int set_key_4(const char *value) { return credentials_set_key(3, value); }

#define CERT "certificates in PEM, the server's first, or base64 of one"
#define KEY "a private key in PEM, or base64 of one"

static const struct setting settings[] = {
	{ .key = "https.port", .type = SETTING_U32, .value = &tls_settings.port, .max = 65535,
	  .expected = "a port, 1 to 65535; 0: none" },
	{ .key = "https.handshake_timeout", .type = SETTING_U32,
	  .value = &tls_settings.handshake_timeout, .min = 1, .max = HANDSHAKE_TIMEOUT_MAX_S,
	  .expected = "seconds, 1 to 600" },
	{ .key = "admin.port", .boot = true, .type = SETTING_U32,
	  .value = &tls_settings.admin_port, .max = 65535,
	  .expected = "a port, 1 to 65535; 0: none" },
	{ .key = "admin.ca", .type = SETTING_CHECKED, .check = server_set_admin_ca,
	  .expected = "certificates in PEM" },
	{ .key = "tls.client", .type = SETTING_CHECKED, .check = set_client_auth,
	  .expected = "no, optional or required" },
	{ .key = "tls.client_ca", .type = SETTING_CHECKED, .check = server_set_client_ca,
	  .expected = "certificates in PEM" },
	{ .key = "tls.cert", .type = SETTING_CHECKED, .check = set_cert_1, .expected = CERT },
	{ .key = "tls.key", .type = SETTING_CHECKED, .check = set_key_1, .secret = true,
	  .expected = KEY },
	{ .key = "tls.cert.2", .type = SETTING_CHECKED, .check = set_cert_2, .expected = CERT },
	{ .key = "tls.key.2", .type = SETTING_CHECKED, .check = set_key_2, .secret = true,
	  .expected = KEY },
	{ .key = "tls.cert.3", .type = SETTING_CHECKED, .check = set_cert_3, .expected = CERT },
	{ .key = "tls.key.3", .type = SETTING_CHECKED, .check = set_key_3, .secret = true,
	  .expected = KEY },
	{ .key = "tls.cert.4", .type = SETTING_CHECKED, .check = set_cert_4, .expected = CERT },
	{ .key = "tls.key.4", .type = SETTING_CHECKED, .check = set_key_4, .secret = true,
	  .expected = KEY },
};

struct counter tls_counters[TLS_COUNTS] = {
	[TLS_HANDSHAKES] = { "tls_handshakes_total", 0 },
	[TLS_RESUMED] = { "tls_resumed_total", 0 },
	[TLS_FAILED] = { "tls_handshakes_failed_total", 0 },
	[TLS_TIMEOUTS] = { "tls_handshake_timeouts_total", 0 },
	[TLS_STALLED] = { "tls_stalled_dropped_total", 0 },
	[TLS_REFUSED] = { "tls_refused_total", 0 },
	[TLS_EVICTED] = { "tls_evicted_total", 0 },
	[TLS_BROKEN] = { "tls_broken_total", 0 },
	[TLS_NO_MEMORY] = { "tls_no_memory_total", 0 },
};

void tls_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
	counters_add(tls_counters, TLS_COUNTS);
}

uint16_t https_port(void)
{
	return (uint16_t)tls_settings.port;
}
