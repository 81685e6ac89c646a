/* SPDX-License-Identifier: MIT */
/* What net/http/later.c and net/http/flow.c share: an answer that is not given by its handler's
 * return, whole later or in pieces. */
#pragma once

#include "net/http/impl.h"
#include "net/later.h"

#define FRAME_MAX 20                   /* of the chunked coding between two pieces */

struct later {
	struct run run;                /* first */
	struct request *req;           /* whose handler runs, or which holds the answer */
	void (*gone)(void *arg);
	void *arg;
	uint8_t flags, minor;          /* of the head */
	bool head_only, answering, told;

	/* In pieces. */
	bool begun, chunked, mute, last, broken;
	uint8_t owed;                  /* of `frame`, its last bytes */
	char frame[FRAME_MAX];
	uint32_t left;                 /* of the chunk that is written */
	struct work *rest;             /* of the head or a piece, for which there was no room */
};

/* The handler has returned, and its request is put back unless it holds the answer. */
void later_park(struct request *r);

/* For run_ops. */
void later_ready(struct later *l);
void later_gone(struct run *run);

/* Its memory goes back; its connection, if it lives, is in other hands from here on. */
void later_put(struct later *l);
