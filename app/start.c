/* SPDX-License-Identifier: MIT */
/* From a booted kernel to a served port: kernel/image.h for services. */
#include <errno.h>
#include <string.h>

#include "app/app.h"
#include "kernel/arch.h"
#include "kernel/config.h"
#include "kernel/crash.h"
#include "kernel/dev.h"
#include "kernel/image.h"
#include "kernel/mem.h"
#include "kernel/settings.h"
#include "net/clock_page.h"
#include "net/http.h"
#include "net/metadata.h"
#include "net/metrics.h"
#include "net/net.h"
#include "net/tls.h"

#define DRAIN_MS 3000                  /* for requests that run when the power button is pressed */

/* Each overrules those before it. */
static void apply_settings(void)
{
	config_apply(image_config, "image");
	settings_apply();
	metadata_yields();
	dev_apply_settings();
	config_apply(machine.cmdline, "command line");
	mem_wipe(machine.cmdline, sizeof(machine.cmdline));    /* it may hold a secret */
}

void image_boot(void)
{
	http_declare();
	net_declare();
	tls_declare();
	metrics_declare();
	clock_page_declare();
	metadata_declare();
	if (app_settings)
		config_declare(app_settings, app_settings_count);
	apply_settings();
	if (net_init() < 0)
		arch_exit(EXIT_PANIC); /* it has said which devices it saw */
	tls_init();
	http_init();                   /* sizes its pools after the connections there can be */
	metrics_init();
	app_main();
	clock_page_init();
	metadata_init();
}

static void say_where(const struct addr *a)
{
	char text[ADDR_TEXT];
	bool v6 = !addr_is_ip4(a);

	log_info("serving http%s://%s%s%s:%u/", http_port() ? "" : "s", v6 ? "[" : "",
		 addr_text(text, a), v6 ? "]" : "", http_port() ? http_port() : https_port());
}

static void serve(void)
{
	int e = http_start();

	if (e < 0)
		panic("cannot listen on port %u: error %d", http_port(), -e);
}

static void power_off(void)
{
	log_info("power button: finishing what runs");
	http_drain();
	net_drain(clock_after_ms(DRAIN_MS));
	arch_exit(EXIT_OK);
}

void image_main(void *unused)
{
	int e;

	metadata_before(serve, say_where);
	e = power_on_button(power_off);
	if (e < 0 && e != -ENODEV)
		panic("no task for the power button");
	net_run(NULL);
}
