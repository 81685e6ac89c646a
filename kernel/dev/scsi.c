/* SPDX-License-Identifier: MIT */
/* See scsi.h. */
#include "kernel/dev/scsi.h"

#include <errno.h>

#include "kernel/kernel.h"

#define TRIES 3                        /* of a command: a unit first says what has happened to it */
#define SENSE 18u                      /* bytes of fixed format sense data, SPC-4 §4.5.3 */

enum { TEST_READY = 0x00, REQUEST_SENSE = 0x03, READ_CAPACITY = 0x25, READ = 0x28 };

static uint32_t be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | p[1] << 16 | p[2] << 8 | p[3];
}

/* A command in READ(10)'s form. What the unit has to say is heard, or it says it for ever, and the
 * command is sent again. */
static int run(struct scsi *s, uint8_t op, uint32_t block, unsigned n, size_t len)
{
	static const uint8_t hear[SCSI_CDB] = { REQUEST_SENSE, 0, 0, 0, SENSE };
	const uint8_t cdb[SCSI_CDB] = {
		op, 0, (uint8_t)(block >> 24), (uint8_t)(block >> 16), (uint8_t)(block >> 8),
		(uint8_t)block, 0, (uint8_t)(n >> 8), (uint8_t)n,
	};
	int rc = s->send(s, cdb, len);

	for (unsigned i = 1; i < TRIES && rc == -EAGAIN; i++) {
		rc = s->send(s, hear, SENSE);
		if (rc != -ETIMEDOUT)
			rc = s->send(s, cdb, len);
	}
	return rc;
}

static int fetch(struct drive *d, uint64_t first, unsigned n)
{
	struct scsi *s = container_of(d, struct scsi, drive);

	return run(s, READ, (uint32_t)first, n, n * d->len);
}

int scsi_apply(struct scsi *s)
{
	struct drive *d = &s->drive;
	int rc = run(s, TEST_READY, 0, 0, 0);

	if (rc == 0)
		rc = run(s, READ_CAPACITY, 0, 0, 8);
	if (rc == -ENODEV || rc == -EAGAIN)
		return -ENODEV;
	if (rc < 0) {
		log_warn("%s: is not looked at for a config drive: error %d", d->block.where, -rc);
		return -EIO;
	}
	d->fetch = fetch;
	return drive_apply(d, (uint64_t)be32(d->data) + 1, be32(d->data + 4));
}
