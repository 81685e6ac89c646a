/* SPDX-License-Identifier: MIT */
/* A board without metadata services (net/metadata.h). */
#include "net/metadata.h"

#include "net/net.h"

void metadata_declare(void)
{
}

void metadata_yields(void)
{
}

void metadata_init(void)
{
}

void metadata_before(void (*serve)(void), void (*on_address)(const struct addr *a))
{
	serve();
	net_on_address(on_address);
}
