/* SPDX-License-Identifier: MIT */
/* GET /metrics for Prometheus: counters, pools, tasks, heap, connections. */
#pragma once

/* Boot: declares the setting metrics=. */
void metrics_declare(void);

/* Boot, once the settings are applied: adds the route if metrics=yes. */
void metrics_init(void);
