/* SPDX-License-Identifier: MIT */
/* CONTRACT app.h -> author: what answers of 400 and more look like, by path. */
#pragma once

#include "net/router.h"

/* Boot. fn makes the answer to requests whose path is `prefix` or lies below it ("/": all), when
 * its status is this and it has no body: said by status() in a handler, or by the server, 404, 405,
 * 500 and so on. Without one it is {"error": "Not Found"}. The longest prefix counts; fn finds the
 * status set, may change it, and must not wait. It is not asked for answers that later_send() gives
 * once the handler has returned: the request is no longer known then. At most ERRORS_MAX; panics
 * beyond. */
#define ERRORS_MAX 16
void route_error(const char *prefix, unsigned status, http_handler *fn);
