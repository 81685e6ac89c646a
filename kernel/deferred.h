/* SPDX-License-Identifier: MIT */
/* CONTRACT kernel -> everyone: a result that comes later, and the callbacks that are called with it
 * one after the other; no stack waits. After Twisted's Deferred.
 *
 * All of it lies in its owner's memory. Each link of the chain is given what the link before made
 * of the result: a value, or an error, which is a negative errno. Callbacks never wait. */
#pragma once

#include <stdbool.h>

/* A link's functions. *value holds the result so far (NULL after an error) and takes the next one.
 * They return 0: a value; a negative errno: an error; DEFERRED_WAIT: *value is a struct deferred
 * whose result is this link's, and the chain goes on with that; DEFERRED_GONE: the chain ends here,
 * and its memory may have been reused: nothing looks at it again. */
enum { DEFERRED_WAIT = 1, DEFERRED_GONE = 2 };
typedef int deferred_fn(void *arg, void **value);
typedef int deferred_error_fn(void *arg, int error, void **value);

struct deferred_link {             /* private */
	struct deferred_link *next;
	deferred_fn *fn;
	deferred_error_fn *error_fn;
	void *arg;
};

struct deferred {                  /* private */
	struct deferred_link *first, *last;
	void (*cancel)(struct deferred *d);
	struct deferred *inner;    /* that it waits for */
	struct deferred_link resume;   /* on inner's chain */
	void *value;
	int error;
	bool fired, running;
};

/* Makes one. `cancel`, unless NULL, is called by deferred_cancel() and stops whatever would have
 * fired d; it does not fire it itself. */
void deferred_init(struct deferred *d, void (*cancel)(struct deferred *d));

/* Adds a link, called at once when the result is there. Either function may be NULL: what would
 * have been its turn is passed on. */
void deferred_add(struct deferred *d, struct deferred_link *l, deferred_fn *fn,
		  deferred_error_fn *error_fn, void *arg);

/* Fires it, once, with a value or an error; d may be gone when this returns. */
void deferred_fire(struct deferred *d, void *value);
void deferred_fail(struct deferred *d, int error);

/* Nobody needs the result: what has not fired fails with -ECANCELED, and where the chain waits for
 * another, that one is cancelled. Nothing where all is done. d may be gone when this returns. */
void deferred_cancel(struct deferred *d);
bool deferred_fired(const struct deferred *d);
