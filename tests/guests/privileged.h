/* SPDX-License-Identifier: MIT */
/* What the guests that try privileged instructions have in common: access=N picks one of CASES,
 * which each defines before it includes this. */
#pragma once

#include "kernel/machine.h"
#include "kernel/settings.h"
#include "tests/guests/forbidden.h"

static uint32_t which;

static const struct setting settings[] = {
	{ .key = "access", .type = SETTING_U32, .value = &which, .max = CASES - 1,
	  .expected = "the number of an access" },
};

void image_boot(void)
{
	config_declare(settings, ARRAY_LEN(settings));
	config_apply(image_config, "image");
	settings_apply();
	config_apply(machine.cmdline, "command line");
}
