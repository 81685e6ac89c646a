/* SPDX-License-Identifier: MIT */
/* What the files of net/http share and nobody else sees. */
#pragma once

#include <stdbool.h>

#include "kernel/budget.h"
#include "kernel/clock.h"
#include "kernel/counter.h"
#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "kernel/task.h"
#include "net/http.h"
#include "net/http/chunk.h"
#include "net/http/parse.h"
#include "net/json.h"
#include "net/router.h"
#include "net/stream.h"

/* ---- Limits: limits.c ------------------------------------------------- */

struct http_settings {
	uint32_t port;
	uint32_t head_timeout;         /* seconds */
	uint32_t body_timeout;
	uint32_t idle_timeout;
	uint32_t write_timeout;
	uint32_t max_body;             /* bytes */
	uint32_t max_connections;      /* 0: as many as memory allows */
	uint32_t max_per_address;      /* 0: no limit */
	bool redirect;                 /* to HTTPS */
	struct http_limits parse;
};
extern struct http_settings http_settings;

enum {
	COUNT_CONNECTIONS, COUNT_REQUESTS, COUNT_REPEATED, COUNT_WAITED, COUNT_REFUSED, COUNT_BUSY,
	COUNT_TIMEOUTS, COUNT_EVICTED, COUNT_OVER_ADDRESS, COUNT_LOST, COUNT_MAX,
};
extern struct counter http_counters[COUNT_MAX];

/* ---- Memory for what does not fit elsewhere: work.c ------------------- */

/* A request being collected, or an answer waiting for room: from malloc(), all
 * of them together bounded. */
struct work {
	uint32_t cap, len;             /* of data */
	uint32_t at;                   /* request: length of its complete head; answer: sent */
	enum http_scan scan;
	uint64_t left;                 /* body bytes to come, without chunked coding */
	struct http_chunk chunk;
	uint8_t data[];
};

/* Boot: sets the bound, in bytes. */
void work_init(size_t budget);

/* One with room for cap bytes; or NULL, when even closing the oldest requests
 * that are being collected (not `self`) does not make room. */
struct conn;
struct work *work_new(size_t cap, const struct conn *self);

/* Makes room for `cap` bytes in *w: true, or false and *w is as it was. */
bool work_grow(struct work **w, size_t cap, const struct conn *self);
void work_free(struct work *w);

/* ---- Connections: http.c, time.c -------------------------------------- */

/* Each state but CONN_RUN has a list, oldest first, and a duration. */
enum conn_state { CONN_IDLE, CONN_HEAD, CONN_BODY, CONN_WRITE, CONN_RUN };

enum { CONN_LAST = 1,                  /* close after the answer being written */
       CONN_LATE = 2,                  /* beyond the limit: gets a 503 unless room is made */
       CONN_OVER_ADDRESS = 4 };        /* beyond http.max_per_address: gets a 503 at once */

/* What is to be done after a step of a connection: wait for ready(), take the
 * next step, or forget it, for it is closed. */
enum step { STEP_WAIT, STEP_AGAIN, STEP_GONE };

/* What serves a connection in CONN_RUN begins with this: a request whose handler runs, or one that
 * is answered later (net/later.h). */
struct conn;
struct request;
struct run {
	struct conn *conn;             /* NULL once it has died */
	const struct run_ops *ops;
	struct event *watch;           /* signalled by some ops at ready() and gone() */
};

struct run_ops {
	enum step (*ready)(struct conn *c);    /* as stream_ops.ready(); the handler has returned */
	void (*gone)(struct run *run);         /* conn is about to be freed */
	void (*left)(struct request *r);       /* its handler has returned, after gone() */
};

struct conn {
	struct stream *s;
	struct conn *next, *prev;      /* in its state's list */
	union {
		struct work *work;     /* CONN_HEAD, CONN_BODY, CONN_WRITE */
		struct run *run;       /* CONN_RUN */
	};
	uint32_t since;                /* when it entered its state, in units of 2^20 ns */
	uint32_t unacked;              /* bytes, when last looked at */
	uint8_t state, flags;
	addr_net network;              /* of its peer */
};

void conn_close(struct conn *c);       /* in order */
void conn_abort(struct conn *c);
bool conn_over_limit(void);
extern bool http_draining;

/* Moves c to a state and its list, as of now. */
void conn_enter(struct conn *c, enum conn_state state, ktime now);
/* Takes c out of its list; c->state stays. */
void conn_leave(struct conn *c);
struct conn *conn_oldest(enum conn_state state);
/* Ends a bounded number of those whose time is up: the next deadline, or `now`
 * when more are due. */
ktime conn_expire(ktime now);
void http_time_init(void);

/* ---- Connections per address: peers.c --------------------------------- */

void peers_init(unsigned connections);
/* Counts one more (fewer) connection of an address, or of a /64 of IPv6; how many there are now. */
unsigned peers_add(addr_net network);
void peers_drop(addr_net network);

/* ---- Reading: read.c --------------------------------------------------- */

enum step read_step(struct conn *c);

/* ---- Requests: run.c, request.c ------------------------------------ */

#define REQUEST_STORE BUDGET_REQUEST_STORE
#define REQUEST_PATCHES 16

#define RESPONSE_HEAD_MAX BUDGET_RESPONSE_HEAD
#define RESPONSE_EXTRA_MAX BUDGET_RESPONSE_EXTRA
#define RESPONSE_TYPE_MAX BUDGET_RESPONSE_TYPE
#define RESPONSE_INLINE BUDGET_RESPONSE_INLINE
#define RESPONSE_MAX BUDGET_RESPONSE_MAX

struct response {
	uint16_t status;
	uint16_t extra_len;
	bool has_body, failed;
	const char *type;              /* http_json_type, or custom_type, or NULL */
	struct work *big;              /* holds the body instead of `room`, after the same gap */
	char *body;
	size_t len, cap;
	char extra[RESPONSE_EXTRA_MAX];
	char custom_type[RESPONSE_TYPE_MAX + 1];
	char room[RESPONSE_HEAD_MAX + RESPONSE_INLINE];
};

struct request {
	struct run run;                /* first */
	struct later *later;           /* whose the answer is, or NULL */
	struct task *task;             /* its handler's */
	struct work *work;             /* what bytes and body lie in, or NULL */
	uint8_t *bytes;                /* the head: in store or in work */
	uint8_t *body;                 /* followed by a NUL */
	size_t body_len;
	size_t cached_len; /* of the head that store, head, route and param are of, or 0 */
	bool cached_admin;             /* on which port */
	const struct route *route;
	unsigned miss;                 /* without a route: 404, 405, 501; 0: OPTIONS */
	bool done;                     /* the handler has returned */
	uint8_t reading;               /* enum reading, net/http/body.c */
	uint32_t patience;             /* ms that its body may still be waited for */
	bool decoded;                  /* param_text is filled */
	bool host_moved;
	uint8_t patches;
	struct { uint16_t at; uint8_t was; } patch[REQUEST_PATCHES];
	struct http_slice param[ROUTE_PARAMS];
	char *param_text[ROUTE_PARAMS];
	char *strings;                 /* room for param_text: in store or in memory */
	struct work *memory;           /* of request_memory() */
	struct http_head head;
	uint8_t store[REQUEST_STORE];
	struct response res;
};

/* Goes on; goes on and says so (Connection: keep-alive); closes. */
enum persist { PERSIST, PERSIST_SAID, PERSIST_CLOSE };

void requests_init(unsigned cap);
/* A request object, or NULL. The one given back last is given out first, and
 * still holds what cached_len says. */
struct request *request_get(void);
void request_put(struct request *r);

/* `size` bytes, aligned to 8, until the handler has returned; NULL: none. */
void *request_memory(struct request *r, size_t size);

/* Finds the route of r->head, r->bytes on c's port. */
void request_route(struct conn *c, struct request *r);

/* How many bytes of a raw path, which is well encoded, are the prefix ("" for "/") once
 * decoded, if that is all or a "/" follows; -1: it is not below. No prefix ends in "/". */
int path_below(const char *path, size_t len, const char *prefix, size_t prefix_len);

/* Serves a request whose head, bytes, body and route are set. */
enum step request_run(struct conn *c, struct request *r);

extern const struct run_ops request_ops;

/* The client has gone, or has closed its side: its handler, if it waits, is to come to an end. */
void request_cancel(struct request *r);
bool request_deserted(struct stream *s);

/* Begins a request whose handler reads the body itself: true, and c->work is r's; false, and it is
 * to be collected. NULL unless there are such routes. */
extern bool (*request_streams)(struct conn *c, struct request *r);

/* Boot: there are routes whose handler reads the body. */
void route_streams(void);

/* NULL unless there is something to do: runs before each handler (net/deadline.h); makes the answer
 * of a request whose status is 400 or more and has no body (net/errors.h); finds what answers where
 * no route does, of the application's port (net/wsgi.h). */
extern void (*request_begins)(struct request *r);
extern void (*request_errors)(struct request *r);
extern const struct route *(*request_mounts)(struct request *r, const char *path, size_t len);

/* Whether the connection goes on after an answer to such a head (RFC 9112 §9.3). */
enum persist request_persist(uint8_t flags, uint8_t minor);

/* Sends the answer that r holds, and puts r back. */
enum step request_answer(struct conn *c, struct request *r, enum persist persist, bool head_only);

/* True when `bytes` says "HEAD ": its answer has no body; and of a parsed one. */
bool request_is_head(const uint8_t *bytes, size_t len);
bool request_asks_head(const struct request *r);

/* ---- Writing: write.c, response.c ----------------------------------- */

/* Sends bytes, keeps what does not fit at once, then closes or goes on. */
enum step write_bytes(struct conn *c, const void *data, size_t len, bool last, ktime now);
/* The same for the bytes from w->at to w->len, and takes w over. */
enum step write_work(struct conn *c, struct work *w, bool last, ktime now);
/* CONN_WRITE: room became free. */
enum step write_step(struct conn *c);

/* Answers with a status and closes; nothing after it is read. */
enum step write_refusal(struct conn *c, unsigned status, bool head_only);

extern const char http_json_type[];
const char *http_reason(unsigned status);

void response_reset(struct response *res);
/* Makes it {"error": text}. */
void response_error(struct response *res, unsigned status, const char *text, size_t len);

/* Puts the head before the body; where the whole begins and how long it is. */
char *response_compose(struct response *res, enum persist persist, bool head_only, ktime now,
		       size_t *len);

/* The head alone, of an answer whose length is not known: chunked, or up to the connection's end.
 * At most RESPONSE_HEAD_MAX bytes: its length. */
size_t response_stream_head(char *out, struct response *res, enum persist persist, bool chunked,
			    ktime now);

/* A refusal on its own, at most RESPONSE_REFUSAL_MAX bytes: its length. */
#define RESPONSE_REFUSAL_MAX 384
size_t response_refusal(char *out, unsigned status, bool head_only, ktime now);
