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

#define GROWTH 32                      /* digits that come in between: time, heap */

static bool enabled SEALED;

static const struct setting settings[] = {
	{.key = "metrics", .boot = true, .type = SETTING_BOOL,
	 .value = &enabled, .expected = "yes or no"},
};

/* The text is made twice: first to know how long it is (`res` is NULL). */
struct page {
	struct response *res;
	size_t len;
};

static PRINTF_LIKE(2, 3) void add(struct page *page, const char *fmt, ...)
{
	char line[160];
	va_list ap;
	size_t n;

	va_start(ap, fmt);
	n = (size_t)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	n = MIN(n, sizeof(line) - 1);
	page->len += n;
	if (page->res)
		response_add(page->res, line, n);
}

/* A scraper does without it: then the samples are "untyped". */
static void add_type(struct page *page, const char *type, const char *name)
{
	if (BUDGET_METRICS_TYPES)
		add(page, "# TYPE %s %s\n", name, type);
}

static void add_value(struct page *page, const char *type, const char *name, uint64_t n)
{
	add_type(page, type, name);
	add(page, "%s %llu\n", name, (unsigned long long)n);
}

static void add_counter(const struct counter *c, void *page)
{
	add_value(page, "counter", c->name, c->n);
}

static unsigned pool_used(const struct pool *p) { return p->used; }
static unsigned pool_peak(const struct pool *p) { return p->peak; }
static unsigned pool_cap(const struct pool *p) { return p->cap; }
static unsigned pool_refused(const struct pool *p) { return p->refused; }
static unsigned pool_bytes(const struct pool *p) { return (unsigned)p->size; }

static void add_pools(struct page *page)
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
		add_type(page, families[i].type, families[i].name);
		for (struct pool *p = pool_first(); p; p = p->next)
			add(page, "%s{pool=\"%s\"} %u\n", families[i].name, p->name,
			    families[i].value(p));
	}
}

static void add_machine(struct page *page)
{
	struct task_stats tasks = task_stats();
	struct mem_heap heap = mem_heap();
	ktime up = clock_now();

	add_value(page, "gauge", "zeitkern_task_stacks", tasks.stacks);
	add_value(page, "gauge", "zeitkern_task_stacks_used", tasks.used);
	add_value(page, "gauge", "zeitkern_task_stacks_peak", tasks.peak);
	add_value(page, "counter", "zeitkern_task_stacks_refused_total", tasks.refused);
	add_value(page, "gauge", "zeitkern_task_stack_bytes", tasks.stack_size);
	add_value(page, "gauge", "zeitkern_task_stack_deepest_bytes", tasks.deepest);
	add_value(page, "gauge", "zeitkern_task_deep_stack_bytes", tasks.deep_size);
	add_value(page, "gauge", "zeitkern_task_deep_stack_used_bytes", tasks.deep_used);
	add_value(page, "gauge", "zeitkern_heap_used_bytes", heap.used);
	add_value(page, "gauge", "zeitkern_heap_bytes", heap.size);
	add_value(page, "gauge", "zeitkern_memory_bytes", mem_total());
	add_value(page, "gauge", "zeitkern_streams", stream_count());
	add_value(page, "gauge", "zeitkern_streams_max", stream_max());
	add_type(page, "gauge", "zeitkern_uptime_seconds");
	add(page, "zeitkern_uptime_seconds %lld.%03d\n", (long long)(up / 1000000000),
	    (int)(up / 1000000 % 1000));
}

static void add_all(struct page *page)
{
	counters_each(add_counter, page);
	add_pools(page);
	add_machine(page);
}

/* In one piece, and on a microcontroller there is room for hardly more. */
static void get_metrics(struct request *req, struct response *res)
{
	struct page measured = { .res = NULL }, page = { .res = res };

	add_all(&measured);
	response_begin(res, "text/plain; version=0.0.4");
	response_expect(res, measured.len + GROWTH);
	add_all(&page);
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
