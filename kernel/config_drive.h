/* SPDX-License-Identifier: MIT */
/* Config drives: a small volume that a cloud or hypervisor attaches, with what its guest shall be.
 *
 *	label cidata	NoCloud (cloud-init): user-data, network-config, and meta-data for its
 *			local-hostname
 *	label config-2	OpenStack: openstack/latest/user_data, network_data.json, and
 *			meta_data.json for its hostname
 *
 * in either case of letters, ISO 9660 (Joliet or Rock Ridge) or FAT, on a whole device. User data
 * are settings as kernel/userdata.h says, and overrule the hostname and what is said of the
 * network, which net/netconf.h understands. Vendor data are not read. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "kernel/block.h"

/* Boot. Applies what is on the device: 0, with lines on the console about what was wrong with it;
 * -ENODEV, in silence: it is no config drive, or another has been found before. */
int config_drive_apply(struct block *b);

/* Whether one has been found: then no further drive need be looked at. */
bool config_drive_found(void);

/* Boot. The file of a drive that says how the network is configured, of *len bytes, which are the
 * caller's to wipe and to free; with its name. NULL: there is none, or it has been handed out. */
char *config_drive_network(size_t *len, const char **name);
