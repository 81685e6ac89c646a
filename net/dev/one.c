/* SPDX-License-Identifier: MIT */
/* The NIC of a board that has one (net/nic.h): the first that a driver takes. */
#include <errno.h>

#include "net/nic.h"

void nic_declare(void)
{
}

void nic_settle(struct netdev *nd)
{
}

int nic_open(struct netdev *nd)
{
	const struct netdev_ops *ops = board_netdevs[0];
	const struct device *dev = NULL;
	int err = -ENODEV;

	while (err < 0 && (dev = machine_find(ops->kind, dev)) != NULL) {
		*nd = (struct netdev){ .ops = ops };
		err = ops->open(nd, dev);
		if (err < 0)
			log_warn("net: %s at %#llx: error %d", ops->name,
				 (unsigned long long)dev->base, -err);
	}
	if (err < 0)
		log_error("net: no network card among %u devices", machine.dev_count);
	return err < 0 ? -ENODEV : 0;
}
