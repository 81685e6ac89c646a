/* SPDX-License-Identifier: MIT */
/* CONTRACT SCSI transport -> drive: what is the same of a disk's or CD's commands (SPC-4, SBC-3,
 * MMC-6) by virtio and by ATA's packets. Boot only. */
#pragma once

#include <stddef.h>

#include "kernel/dev/drive.h"

#define SCSI_CDB 12u

struct scsi {
	/* Set by the transport before scsi_apply(). */
	struct drive drive;            /* its block.where and data */
	/* Sends a command of SCSI_CDB bytes, for `len` bytes of answer in drive.data: 0; -ENODEV:
	 * there is no such unit; -EAGAIN: the unit has something to say; -ETIMEDOUT, or another
	 * -errno: the transport is broken. Waits, busy, for a bounded time. */
	int (*send)(struct scsi *s, const uint8_t *cdb, size_t len);
};

/* Applies the config drive that may be in a unit: 0 when there was one; -ENODEV: it is none, not
 * ready (no medium, in silence), or not there (the same); -EIO: it or its transport failed, and a
 * line was said. */
int scsi_apply(struct scsi *s);
