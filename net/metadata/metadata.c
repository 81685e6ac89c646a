/* SPDX-License-Identifier: MIT */
/* See net/metadata.h. One task: the token, the hostname, the user data, each a request of the HTTP
 * client's (net/client.h), all by one deadline. What is not there yet, or busy, is asked again. */
#include "net/metadata.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/netif.h>

#include "kernel/config.h"
#include "kernel/machine.h"
#include "kernel/mem.h"
#include "kernel/task.h"
#include "kernel/userdata.h"
#include "net/client.h"
#include "net/metadata/clouds.h"
#include "net/net.h"
#include "net/port/port.h"

#define HOST "169.254.169.254"
#define TRY_MS 700                     /* for one request, lest a lost SYN costs it all */
#define PAUSE_MS 100
#define TOKEN_MAX 512u                 /* bytes, with the NUL; aws has 56 */
#define META_MAX 16384u
#define EARLY_MAX 4u                   /* addresses that come before the service is open */
#define URL_MAX 160u
#define BODY_MAX (USERDATA_MAX / 3 * 4 + 1024)   /* in base64, with its ends of lines */

static const struct cloud *cloud;
static bool by_setting;
static void (*serve)(void);
static void (*on_address)(const struct addr *a);
static struct addr early[EARLY_MAX];
static unsigned early_count;
static char token[TOKEN_MAX];

/* ---- Whom to ask ----------------------------------------------------------------- */

static int set_cloud(const char *name)
{
	cloud = cloud_named(name);
	by_setting = strcmp(name, "auto") != 0;
	return cloud || !by_setting || strcmp(name, "none") == 0 ? 0 : -EINVAL;
}

static const struct setting settings[] = {
	{ .key = "metadata", .type = SETTING_CHECKED, .check = set_cloud, .boot = true,
	  .expected = "auto, none, aws, gce, azure, oci, digitalocean, hetzner, vultr, linode, "
		      "openstack or firecracker" },
};

void metadata_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
}

void metadata_yields(void)
{
	config_hold();
}

void metadata_init(void)
{
	const struct device *smbios = machine_find(DEV_SMBIOS, NULL);

	if (!by_setting && smbios)
		cloud = cloud_recognised((const void *)(uintptr_t)smbios->base, smbios->size);
}

/* ---- Asking ------------------------------------------------------------------------ */

/* By IPv4 unless only IPv6 has come up. */
static const char *host(void)
{
	return netif_ip4_addr(&port_netif)->addr || !cloud->host6 ? HOST : cloud->host6;
}

/* One request: 0 and *c, for client_close(), or -errno. */
static int ask(struct client **c, bool put, const char *path, size_t max, ktime deadline)
{
	const char *fields[7], **f = fields;
	char url[URL_MAX];

	snprintf(url, sizeof(url), "http://%s%s", host(), path);
	if (cloud->field) {
		*f++ = cloud->field;
		*f++ = cloud->value;
	}
	if (put || *token) {
		*f++ = put ? cloud->life_field : cloud->token_field;
		*f++ = put ? cloud->life : token;
	}
	if (cloud->member) {
		*f++ = "Accept";
		*f++ = "application/json, text/plain;q=0.5";
	}
	*f = NULL;
	return client_fetch(c, &(struct client_request){
		.method = put ? "PUT" : "GET", .url = url, .fields = fields, .max = max,
		.deadline = MIN(deadline, clock_after_ms(TRY_MS)),
	});
}

/* The same until there is an answer that stands: 0 and *c, whose status is 200; -ENOENT: there is
 * no such thing; or, logged, another -errno. */
static int fetch(struct client **c, bool put, const char *path, size_t max, ktime deadline)
{
	unsigned status = 0;
	int err;

	for (;;) {
		err = ask(c, put, path, max, deadline);
		status = err == 0 ? client_status(*c) : 0;
		if (status == 200)
			return 0;
		client_close(*c);
		*c = NULL;
		if (status == 404 || status == 204)
			return -ENOENT;
		if (err == -EMSGSIZE || err == -EPROTO || (status && status < 500 && status != 429))
			break;
		if (clock_after_ms(PAUSE_MS) >= deadline)
			break;
		task_sleep(clock_after_ms(PAUSE_MS));
	}
	if (status)
		log_warn("metadata: %s answers %u to %s %.60s", cloud->name, status,
			 put ? "PUT" : "GET", path);
	else if (err == -EMSGSIZE)
		log_warn("metadata: %.60s: longer than %u KiB, not used", path,
			 (unsigned)(max == BODY_MAX ? USERDATA_MAX : max) >> 10);
	else
		log_warn("metadata: no answer of %s from %s within %u ms: %s", cloud->name, host(),
			 METADATA_MS, client_error_text(err));
	return status ? -EPROTO : err;
}

/* ---- What is asked ------------------------------------------------------------------ */

/* Nobody but this task, whose body it is, has seen it. */
static char *body_of(struct client *c, size_t *len)
{
	return (char *)(uintptr_t)client_body(c, len);
}

static void forget(struct client *c)
{
	size_t len;
	char *body = body_of(c, &len);

	mem_wipe(body, len);
	client_close(c);
}

static int get_token(ktime deadline)
{
	struct client *c;
	const char *text;
	size_t len;
	int err = fetch(&c, true, cloud->token, TOKEN_MAX - 1, deadline);

	if (err == -ENOENT)
		log_warn("metadata: %s has no %s", cloud->name, cloud->token);
	if (err < 0)
		return err;
	text = client_body(c, &len);
	len = strcspn(text, "\r\n");
	memcpy(token, text, len);
	token[len] = '\0';
	forget(c);
	for (const char *p = token; *p; p++)
		if (*p < '!' || *p > '~')
			len = 0;
	if (len == 0) {
		token[0] = '\0';
		log_warn("metadata: %s: the token is none", cloud->name);
		return -EPROTO;
	}
	return 0;
}

static int get_hostname(ktime deadline)
{
	char name[256];
	struct client *c;
	char *text;
	size_t len;
	int err = fetch(&c, false, cloud->hostname, META_MAX, deadline);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	text = body_of(c, &len);
	if (cloud->member) {
		if (!userdata_member(text, len, cloud->member, name, sizeof(name)))
			name[0] = '\0';
	} else {
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(text, "\r\n"), text);
	}
	userdata_hostname(name, "metadata", true);
	forget(c);
	return 0;
}

static void get_user_data(ktime deadline)
{
	struct client *c;
	char *text;
	size_t len;
	long n;
	int err = fetch(&c, false, cloud->user_data, cloud->base64 ? BODY_MAX : USERDATA_MAX,
			deadline);

	if (err == -ENOENT)
		log_info("metadata: no user-data");
	if (err < 0)
		return;
	text = body_of(c, &len);
	n = cloud->base64 ? base64_decode(text, len) : (long)len;
	if (n < 0)
		log_warn("metadata: user-data: %s has base64, this is none; not used", cloud->name);
	else if ((size_t)n > USERDATA_MAX)
		log_warn("metadata: user-data: longer than " TEXT_OF(USERDATA_KIB) " KiB, "
			 "not used");
	else
		userdata_apply(text, (size_t)n, "metadata", true);
	forget(c);
}

static void open_service(void)
{
	serve();
	net_on_address(on_address);
	for (unsigned i = 0; i < early_count; i++)
		on_address(&early[i]);
}

static void run(void *unused)
{
	ktime deadline = clock_after_ms(METADATA_MS);
	int err = 0;

	task_state("metadata");
	log_info("metadata: asking %s", cloud->name);
	if (cloud->token)
		err = get_token(deadline);
	if (err == 0)
		err = get_hostname(deadline);
	if (err == 0)
		get_user_data(deadline);
	mem_wipe(token, sizeof(token));
	open_service();
}

/* At the first one the cloud can be asked. */
static void note_address(const struct addr *a)
{
	if (early_count < EARLY_MAX)
		early[early_count++] = *a;
	if (early_count > 1 || task_spawn("metadata", run, NULL) == 0)
		return;
	log_warn("metadata: no task to ask with");
	open_service();
}

void metadata_before(void (*serve_fn)(void), void (*address_fn)(const struct addr *a))
{
	serve = serve_fn;
	on_address = address_fn;
	if (cloud)
		net_on_address(note_address);
	else
		open_service();
}
