/* SPDX-License-Identifier: MIT */
/* CONTRACT app.h -> author: answers and request bodies in pieces, of any length, in bounded memory:
 * the writer waits for a slow reader, and a slow handler makes its client wait.
 *
 * An answer in pieces is chunked for HTTP/1.1 and ends with the connection for 1.0 (RFC 9112 §7.1,
 * §9.6). Errors: -ECONNRESET the client has gone, -ETIMEDOUT it takes nothing any more
 * (http.write_timeout) or the deadline, -ECANCELED in a task that was cancelled; after these the
 * answer ends with a reset. -EPIPE: it has no body, being one to HEAD, or 204 or 304; it ends in
 * order. */
#pragma once

#include <stddef.h>

#include "kernel/clock.h"
#include "kernel/kernel.h"
#include "kernel/task.h"
#include "net/later.h"
#include "net/router.h"

/* ---- By a handler: the answer ends when it returns ---- */

/* Sends the head: the status and fields said so far, and this type. 0; or -ENOMEM, -ENOSPC,
 * -ECONNRESET: the handler should return, the answer is 503 or 500. Never waits. */
int response_stream(struct request *req, const char *type);

/* Adds to the body: 0 or an error, also after an answer that could not begin; then there is nothing
 * left to do but return. Waits for room. */
int response_write(struct request *req, const void *data, size_t len);
int response_print(struct request *req, const char *format, ...) PRINTF_LIKE(2, 3);

/* What is missing will not come: the answer ends with a reset, so that nobody takes it for
 * whole. */
void response_break(struct request *req);

/* Server-sent events (HTML, "server-sent events"): begins such an answer; sends an event, whose
 * `data` may have several lines; name and id may be NULL. As the calls above. */
int response_events(struct request *req);
int response_event(struct request *req, const char *name, const char *id, const char *data);

/* ---- By anybody, for a later: without a stack ---- */

/* Begins with what its answer (later_answer) says, and this type, instead of later_send(); then
 * later_end() is what ends it. 0, or -ECONNRESET. Never waits. */
int later_stream(struct later *l, const char *type);

/* Writes what there is room for: 0..len, or -ECONNRESET, -EPIPE. What was not taken has to come
 * first in the next call, all of it. Never waits. */
long later_write_some(struct later *l, const void *data, size_t len);

/* e is signalled when there may be room again, and when the client has gone; NULL: nobody. */
void later_watch(struct later *l, struct event *e);

/* Writes all of it: 0 or an error. Waits. */
int later_write(struct later *l, const void *data, size_t len, ktime deadline);

/* Ends the answer, and the later: in order, or, when something is missing, by a reset. */
void later_end(struct later *l);

/* ---- Request bodies ---- */

/* As route(): the handler is called once the head is there. http.max_body does not hold for it. */
void route_stream(const char *method, const char *path, http_handler *fn);

/* Reads 1..len bytes of the body, that of any route: how many, 0 at its end, -EBADMSG: malformed,
 * -ETIMEDOUT: the client was waited for during http.body_timeout, of which each byte that comes
 * wins back a millisecond, so that none can hold a handler with a byte now and then; or an error
 * as above. The first call says "100 Continue" to a client that asked for it; what is not read
 * makes the connection end with the answer. Waits. */
long request_read(struct request *req, void *buf, size_t len);
