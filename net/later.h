/* SPDX-License-Identifier: MIT */
/* CONTRACT app.h -> author: requests that are answered after their handler has returned, by
 * whatever task or callback knows the answer. One that waits holds its connection and a struct
 * later of 96 bytes: no stack, and no request object, which has 6 KiB. As many may wait as there
 * are connections (pool http_later). */
#pragma once

struct request;
struct response;
struct later;

/* In a handler: it may return without an answer. NULL: none free, and the answer is 503. What the
 * request says is gone once the handler has returned: copy what is needed later.
 *
 * gone(arg), unless NULL, is called once, from the loop, when the client closes its side or the
 * connection dies; it must not wait. The later stays valid all the same until it is ended by one of
 * the two calls below. Never waits. */
struct later *request_later(struct request *req, void (*gone)(void *arg), void *arg);

/* Begins the answer: an empty one, to be filled with json(), status() and so on and sent by
 * later_send(). NULL: the client has gone, or nothing is free for it, when it gets a 503; then the
 * later is ended. Never waits. From any task, also from the handler itself. What route_error()
 * says does not count once the handler has returned: give errors a body. */
struct response *later_answer(struct later *l);

/* Sends it, which ends the later. Never waits. */
void later_send(struct later *l);

/* Ends it without an answer: the connection is reset. In a handler: what the handler answers
 * counts. Never waits. */
void later_drop(struct later *l);
