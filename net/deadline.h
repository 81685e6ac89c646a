/* SPDX-License-Identifier: MIT */
/* CONTRACT app.h -> author: how long a request may take. */
#pragma once

#include <stdint.h>

#include "kernel/config.h"

struct request;

/* In a handler: from `ms` milliseconds on, every wait of it, and of the tasks and jobs that it
 * starts from now on, ends with -ETIMEDOUT (task_limit); an earlier deadline stays. What it has
 * called then says so, and the handler answers: 504, maybe. Never waits. */
void request_deadline(struct request *req, int64_t ms);

/* For SETTINGS() of an app: http.deadline=, which every request begins with. None unless set. */
#define DEADLINE_SETTING \
	{ .key = "http.deadline", .type = SETTING_CHECKED, .check = deadline_setting, \
	  .expected = "milliseconds, 1 to 86400000" }
int deadline_setting(const char *value);
