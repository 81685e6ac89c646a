/* SPDX-License-Identifier: MIT */
/* In place of virtio_legacy.c where there are no I/O ports. */
#include <errno.h>

#include "kernel/dev/virtio.h"

int virtio_legacy_open(struct virtio *v, unsigned type)
{
	log_error("%s: legacy virtio only (QEMU: disable-modern=off)", v->where);
	return -ENOTSUP;
}
