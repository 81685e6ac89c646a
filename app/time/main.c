/* SPDX-License-Identifier: MIT */
#include "app/app.h"

static void get_time(struct request *req, struct response *res)
{
	json(res, "{ time: %.6f }", clock_unix());
}

void app_main(void) { route("GET", "/", get_time); }
