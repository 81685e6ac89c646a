/* SPDX-License-Identifier: MIT */
/* QEMU's firmware configuration device (its docs/specs/fw_cfg): files that whoever starts the
 * machine hands to it. Those named here are settings:
 *
 *	-fw_cfg name=opt/zeitkern/tls.cert,file=PATH    the key tls.cert is what PATH holds,
 *	                                                without the newline at its end
 *	-fw_cfg name=opt/zeitkern/settings,file=PATH    words for config_apply(), before the others
 *
 * It is read at boot, by selector and data register; the seal closes it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/dev.h"

/* How the registers are reached. */
struct fw_cfg {
	void (*select)(uint16_t item);         /* from now on its bytes are read, from the first */
	void (*read)(void *to, size_t n);      /* the next n bytes; zeros behind the last */
};

/* Applies the settings that it holds. What is too long, too much or no setting is a line on the
 * console, and passed over: 0. -ENODEV: there is no such device. */
int fw_cfg_apply(const struct fw_cfg *cfg);
