/* SPDX-License-Identifier: MIT */
/* What the driver of a NIC needs of the kernel, and what its tests share. */
#pragma once

#include <stdint.h>

#include "net/netdev.h"
#include "tests/unit/fake_kernel.h"

#define POOL (2u << 20)

extern struct netdev nd;
static const struct tx_csum no_csum;
extern char pool[POOL];                 /* for devices, as far as pool_size goes */
extern size_t pool_size;

/* Before each test: an empty pool, a blank nd, no log lines. The clock goes on a
 * millisecond with each look. */
void fake_nic_new(void);

/* The driver's counter of this name, 0 since it was opened. */
uint64_t count(const char *name);
