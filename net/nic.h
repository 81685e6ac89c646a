/* SPDX-License-Identifier: MIT */
/* Which NIC the service uses: net/dev/one.c where a board has one, net/dev/several.c
 * where a machine may have any number. */
#pragma once

#include "net/netdev.h"

/* Declares nic=, where there is a choice. Boot, before config_apply(). */
void nic_declare(void);

/* Boot, before nic_open(). Settings of the network that a cloud has handed over are applied, those
 * of the NIC that it means by a MAC address, which is then chosen; *nd is used meanwhile. */
void nic_settle(struct netdev *nd);

/* Boot. Opens a NIC and fills *nd; every other is reset. With several: the one that nic=
 * names; else the first that has a link and gets an answer, for which it waits some
 * seconds; else the first with a link; else the first. 0, or -ENODEV: no NIC, and one
 * line on the console says which devices were seen. */
int nic_open(struct netdev *nd);
