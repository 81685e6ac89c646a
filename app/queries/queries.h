/* SPDX-License-Identifier: MIT */
/* What the files of app/queries share. */
#pragma once

#include "app/app.h"
#include "net/postgres.h"

#define TIMEOUT_MS 5000

/* Answers with what went wrong; db: NULL, or the connection that was to do it. */
void refuse(struct response *res, struct pg *db, int e);

/* A connection for so long, or NULL when the answer says why there is none. Waits. */
struct pg *borrow(struct response *res, int64_t ms);

/* A parameter of the path. */
unsigned long number(struct request *req, const char *name);

/* bench.c: GET /bench/:how/:tasks/:n. */
void bench(struct request *req, struct response *res);

/* types.c: GET /types, /types/:type, /arrays/:type. */
void all_types(struct request *req, struct response *res);
void scalars(struct request *req, struct response *res);
void arrays(struct request *req, struct response *res);
