/* SPDX-License-Identifier: MIT */
/* The record buffers of a session are most of its memory, and an idle session needs none: they
 * are given back when nothing is in them. mbedTLS has no call for that, so this file, and no
 * other, knows what ssl_msg.c keeps in them: the sequence number of the next record to receive
 * lies before the record itself; everything else is derived by its own functions.
 *
 * Where there is memory one pair is kept, wiped, for the next session that needs one: mostly
 * that is the one that gave it back, and to find and to clear them costs more than a request. */
#include <ssl_misc.h>

#include <string.h>

#include <mbedtls/platform.h>

#include "kernel/budget.h"
#include "net/tls/impl.h"

_Static_assert(sizeof(((struct session *)0)->sequence) == MBEDTLS_SSL_SEQUENCE_NUMBER_LEN, "");

static unsigned char *spare_in, *spare_out;

static bool in_use(const mbedtls_ssl_context *ssl)
{
	return ssl->in_left > 0 || ssl->in_msglen > 0 || ssl->in_hslen > 0 || ssl->out_left > 0 ||
	       ssl->keep_current_message;
}

static void give_back(unsigned char **buffer, size_t len, unsigned char **spare)
{
	mbedtls_platform_zeroize(*buffer, len);
	if (BUDGET_TLS_SPARE && !*spare)
		*spare = *buffer;
	else
		mbedtls_free(*buffer);
	*buffer = NULL;
}

static unsigned char *take(size_t len, unsigned char **spare)
{
	unsigned char *buffer = *spare;

	*spare = NULL;
	return buffer ? buffer : mbedtls_calloc(1, len);
}

void buffers_release(struct session *s)
{
	mbedtls_ssl_context *ssl = &s->ssl;

	if (!ssl->in_buf || s->pending > 0 || in_use(ssl))
		return;
	memcpy(s->sequence, ssl->in_ctr, sizeof(s->sequence));
	give_back(&ssl->in_buf, MBEDTLS_SSL_IN_BUFFER_LEN, &spare_in);
	give_back(&ssl->out_buf, MBEDTLS_SSL_OUT_BUFFER_LEN, &spare_out);
}

bool buffers_take(struct session *s)
{
	mbedtls_ssl_context *ssl = &s->ssl;

	if (ssl->in_buf)
		return true;
	ssl->in_buf = take(MBEDTLS_SSL_IN_BUFFER_LEN, &spare_in);
	ssl->out_buf = take(MBEDTLS_SSL_OUT_BUFFER_LEN, &spare_out);
	if (!ssl->in_buf || !ssl->out_buf) {
		mbedtls_free(ssl->in_buf);
		mbedtls_free(ssl->out_buf);
		ssl->in_buf = ssl->out_buf = NULL;
		return false;
	}
	mbedtls_ssl_reset_in_pointers(ssl);
	memcpy(ssl->in_ctr, s->sequence, sizeof(s->sequence));
	mbedtls_ssl_reset_out_pointers(ssl);
	mbedtls_ssl_update_out_pointers(ssl, ssl->transform_out);
	return true;
}
