/* SPDX-License-Identifier: MIT */
/* LISTEN and what comes of it (NotificationResponse). Notifications that come between others are
 * kept, a few; more are dropped and counted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/postgres/impl.h"

#define NOTICES_MAX 64u
#define CHANNEL_MAX 64u                /* NAMEDATALEN of PostgreSQL */

void pg_notice_add(struct pg *c, struct pg_in body)
{
	const char *channel, *payload;
	size_t channel_len, payload_len;
	struct pg_notice *n;

	pg_in_u32(&body);                       /* who sent it */
	channel = pg_in_string(&body);
	payload = pg_in_string(&body);
	if (!pg_in_done(&body)) {
		pg_dead(c, -EPROTO);
		return;
	}
	channel_len = strlen(channel) + 1;
	payload_len = strlen(payload) + 1;
	n = c->notice_count < NOTICES_MAX ? malloc(sizeof(*n) + channel_len + payload_len) : NULL;
	if (!n) {
		PG_COUNT(PG_N_NOTICES_DROPPED);
		return;
	}
	n->next = NULL;
	n->channel_len = channel_len;
	memcpy(n->text, channel, channel_len);
	memcpy(n->text + channel_len, payload, payload_len);
	*c->notices_end = n;
	c->notices_end = &n->next;
	c->notice_count++;
}

void pg_notices_free(struct pg *c)
{
	free(c->notice_out);
	c->notice_out = NULL;
	while (c->notices) {
		struct pg_notice *n = c->notices;

		c->notices = n->next;
		free(n);
	}
	c->notices_end = &c->notices;
	c->notice_count = 0;
}

int pg_listen(struct pg *c, const char *channel)
{
	char sql[sizeof("LISTEN \"\"") + CHANNEL_MAX * 2] = "LISTEN \"";
	size_t n = strlen(sql);

	for (; *channel; channel++) {
		if (n > sizeof(sql) - 4)
			return -EINVAL;
		if (*channel == '"')
			sql[n++] = '"';
		sql[n++] = *channel;
	}
	sql[n++] = '"';
	sql[n] = '\0';
	c->listening = true;                    /* it may even when we do not hear that it does */
	return pg_command(c, sql);
}

int pg_notification(struct pg *c, const char **channel, const char **payload)
{
	struct pg_in body;
	int err = pg_settle(c);

	if (err < 0)
		return err;
	free(c->notice_out);
	c->notice_out = NULL;
	while (!c->notices) {
		int type = pg_read(c, &body);

		if (type == PG_ERROR)
			return pg_dead(c, pg_failed(c, body));
		if (type != PG_NOTIFICATION)
			return type < 0 ? type : pg_dead(c, -EPROTO);
	}
	c->notice_out = c->notices;
	c->notices = c->notices->next;
	if (!c->notices)
		c->notices_end = &c->notices;
	c->notice_count--;
	*channel = c->notice_out->text;
	*payload = c->notice_out->text + c->notice_out->channel_len;
	return 0;
}
