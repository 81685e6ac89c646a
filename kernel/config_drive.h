/* SPDX-License-Identifier: MIT */
/* Config drives: a small volume that a cloud or hypervisor attaches, with what its guest shall be.
 *
 *	label cidata	NoCloud (cloud-init): user-data, and meta-data for its local-hostname
 *	label config-2	OpenStack: openstack/latest/user_data, and meta_data.json for its hostname
 *
 * in either case of letters, ISO 9660 (Joliet or Rock Ridge) or FAT, on a whole device. User data
 * are settings as kernel/userdata.h says, and overrule the hostname. network-config,
 * network_data.json and vendor data are not read: addresses are ip= and ip6= in user-data, or
 * DHCP's. */
#pragma once

#include "kernel/block.h"

/* Boot. Applies what is on the device: 0, with lines on the console about what was wrong with it;
 * -ENODEV, in silence: it is no config drive, or another has been found before. */
int config_drive_apply(struct block *b);
