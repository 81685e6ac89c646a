/* SPDX-License-Identifier: MIT */
/* Network configuration that a cloud hands over on a config drive (kernel/config_drive.h), as
 * settings of ours: nic= ip= gw= ip6= gw6= dns= mtu=.
 *
 *	network-config		cloud-init's, version 1 or 2 (Netplan's): YAML, net/netconf/yaml.h
 *	network_data.json	OpenStack's (Nova, "network_data.json schema")
 *
 * The machine uses one network card: of the interfaces that it describes the first whose MAC
 * address a card has, else the first. What the settings cannot hold is one line each, and the rest
 * counts; a text that is damaged is one line, and nothing of it counts. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Boot, once all settings are applied. Reads what there is: whether cards are to be asked for their
 * MAC addresses before netconf_apply(), which is to be called either way. */
bool netconf_read(void);

/* Which interface has this MAC address, less is better; NETCONF_NONE: none. */
#define NETCONF_NONE (~0u)
unsigned netconf_rank(const uint8_t mac[6]);

/* Applies that interface, or for NETCONF_NONE the first, and forgets all. `nic` is the setting, or
 * "". */
void netconf_apply(unsigned rank, const char *nic);
