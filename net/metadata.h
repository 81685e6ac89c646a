/* SPDX-License-Identifier: MIT */
/* A cloud's metadata service: who runs the machine hands it user data there, which are settings as
 * kernel/userdata.h says, and a hostname. metadata= names the cloud, or is none, or auto: the one
 * that SMBIOS names, and nothing is asked where that names none.
 *
 * It is asked once, when there is an address and before the service is open, for METADATA_MS at
 * most in all; what it says then comes late (config_apply_document()). The requests are those of
 * the table in net/metadata/clouds.c: nothing that a client of the service says is part of one. A
 * board with a small budget links net/metadata/none. */
#pragma once

#include "net/addr.h"

#define METADATA_MS 2000

/* Declares metadata=. Boot. */
void metadata_declare(void);

/* Boot: what is set from here on stands against what metadata say. */
void metadata_yields(void);

/* Boot, after config_apply(): decides whom to ask. */
void metadata_init(void);

/* Calls serve(), then net_on_address(on_address): at once where nobody is asked; else in a task of
 * its own, once there has been an address and what is said then is applied; on_address hears of
 * that address and those since, too. Never waits. */
void metadata_before(void (*serve)(void), void (*on_address)(const struct addr *a));
