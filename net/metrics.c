/* SPDX-License-Identifier: MIT */
/* Prometheus text format, version 0.0.4. What is counted lives in the modules
 * (kernel/counter.h) and pools (kernel/mem.h); here it is only printed. */
#include "net/metrics.h"

#include <stdio.h>

#include "kernel/budget.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/counter.h"
#include "kernel/kernel.h"
#include "kernel/mem.h"
#include "kernel/task.h"
#include "net/http.h"
#include "net/stream.h"


static bool enabled SEALED;

static const struct setting settings[] = {
	{.key = "metrics", .boot = true, .type = SETTING_BOOL,
	 .value = &enabled, .expected = "yes or no"},
};

static PRINTF_LIKE(2, 3) void add(struct response *res, const char *fmt, ...)
{
	char line[160];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	response_add(res, line, MIN((size_t)n, sizeof(line) - 1));
}

/* A scraper does without it: then the samples are "untyped". */
static void add_type(struct response *res, const char *type, const char *name)
{
	if (BUDGET_METRICS_TYPES)
		add(res, "# TYPE %s %s\n", name, type);
}

static void add_value(struct response *res, const char *type, const char *name, uint64_t n)
{
	add_type(res, type, name);
	add(res, "%s %llu\n", name, (unsigned long long)n);
}

static void add_counter(const struct counter *c, void *res)
{
	add_value(res, "counter", c->name, c->n);
}

static unsigned pool_used(const struct pool *p) { return p->used; }
static unsigned pool_peak(const struct pool *p) { return p->peak; }
static unsigned pool_cap(const struct pool *p) { return p->cap; }
static unsigned pool_refused(const struct pool *p) { return p->refused; }
static unsigned pool_bytes(const struct pool *p) { return (unsigned)p->size; }

static void add_pools(struct response *res)
{
	static const struct {
		const char *name, *type;
		unsigned (*value)(const struct pool *);
	} families[] = {
		{"zeitkern_pool_used", "gauge", pool_used},
		{"zeitkern_pool_peak", "gauge", pool_peak},
		{"zeitkern_pool_cap", "gauge", pool_cap},
		{"zeitkern_pool_refused_total", "counter", pool_refused},
		{"zeitkern_pool_object_bytes", "gauge", pool_bytes},
	};

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		add_type(res, families[i].type, families[i].name);
		for (struct pool *p = pool_first(); p; p = p->next)
			add(res, "%s{pool=\"%s\"} %u\n", families[i].name, p->name,
			    families[i].value(p));
	}
}

static void add_machine(struct response *res)
{
	struct task_stats tasks = task_stats();
	struct mem_heap heap = mem_heap();
	ktime up = clock_now();

	add_value(res, "gauge", "zeitkern_task_stacks", tasks.stacks);
	add_value(res, "gauge", "zeitkern_task_stacks_used", tasks.used);
	add_value(res, "gauge", "zeitkern_task_stacks_peak", tasks.peak);
	add_value(res, "counter", "zeitkern_task_stacks_refused_total", tasks.refused);
	add_value(res, "gauge", "zeitkern_task_stack_bytes", tasks.stack_size);
	add_value(res, "gauge", "zeitkern_task_stack_deepest_bytes", tasks.deepest);
	add_value(res, "gauge", "zeitkern_task_deep_stack_bytes", tasks.deep_size);
	add_value(res, "gauge", "zeitkern_task_deep_stack_used_bytes", tasks.deep_used);
	add_value(res, "gauge", "zeitkern_heap_used_bytes", heap.used);
	add_value(res, "gauge", "zeitkern_heap_bytes", heap.size);
	add_value(res, "gauge", "zeitkern_memory_bytes", mem_total());
	add_value(res, "gauge", "zeitkern_streams", stream_count());
	add_value(res, "gauge", "zeitkern_streams_max", stream_max());
	add_type(res, "gauge", "zeitkern_uptime_seconds");
	add(res, "zeitkern_uptime_seconds %lld.%03d\n", (long long)(up / 1000000000),
	    (int)(up / 1000000 % 1000));
}

static void get_metrics(struct request *req, struct response *res)
{
	response_begin(res, "text/plain; version=0.0.4");
	response_expect(res, BUDGET_METRICS);
	counters_each(add_counter, res);
	add_pools(res);
	add_machine(res);
}

void metrics_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
}

void metrics_init(void)
{
	if (enabled)
		router_add("GET", "/metrics", get_metrics);
}
