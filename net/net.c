/* SPDX-License-Identifier: MIT */
/* The net loop (net/net.h): drain the NIC a batch at a time, let the streams
 * that became ready run, hand frames to the NIC once, run timers, and wait.
 *
 * All of the loop's state lies in statics and none on its stack, so that a fresh
 * task can go on with it when a handler turns out to wait: net_call() arms
 * hand_over(), which the scheduler calls before the first wait; the task that
 * waited ends when the handler is done. */
#include "net/net.h"

#include <errno.h>

#include <lwip/opt.h>

#include <lwip/init.h>
#include <lwip/netif.h>

#include "kernel/config.h"
#include "kernel/random.h"
#include "kernel/task.h"
#include "net/address.h"
#include "net/nic.h"
#include "net/ntp.h"
#include "net/port/port.h"
#include "net/tcp/impl.h"

#define BATCH BUDGET_RX_BATCH          /* frames between two looks at the streams */
#define HOSTNAME_MAX 64u               /* 63 and its end: RFC 1123 §2.1 */
#define MTU_MIN 576u
#define MTU_MAX 9000u                  /* what a card carries may be less */
#define MTU_USUAL 1500u
#define DRAIN_STEP_MS 10
#define POLL_MS 5                      /* between two looks at a NIC that has no interrupt */

static char hostname[HOSTNAME_MAX] = "zeitkern";
static uint32_t mtu = MTU_USUAL;
static const struct setting settings[] = {
	{ .key = "hostname", .type = SETTING_STRING, .value = hostname, .max = HOSTNAME_MAX,
	  .expected = "a name of at most 63 characters" },
	{ .key = "mtu", .boot = true, .type = SETTING_U32, .value = &mtu, .min = MTU_MIN,
	  .max = MTU_MAX, .expected = "a number of bytes, 576 to 9000" },
};

struct counter net_counters[NET_COUNTS] = {
	[N_RX_FRAMES] = { .name = "net_rx_frames_total" },
	[N_RX_COPIED] = { .name = "net_rx_copied_total" },
	[N_RX_IGNORED] = { .name = "net_rx_ignored_total" },
	[N_RX_NO_MEMORY] = { .name = "net_rx_no_memory_total" },
	[N_RX_FRAGMENTS] = { .name = "net_rx_fragments_total" },
	[N_TX_FRAMES] = { .name = "net_tx_frames_total" },
	[N_TX_NO_BUFFER] = { .name = "net_tx_no_buffer_total" },
	[N_TX_DROPPED] = { .name = "net_tx_dropped_total" },
	[N_ICMP_LIMITED] = { .name = "net_icmp_limited_total" },
	[N_OPENED] = { .name = "net_tcp_opened_total" },
	[N_REFUSED] = { .name = "net_tcp_refused_total" },
	[N_EVICTED] = { .name = "net_tcp_evicted_total" },
	[N_RESET] = { .name = "net_tcp_reset_total" },
	[N_LINGER_CUT] = { .name = "net_tcp_linger_cut_total" },
	[N_SYN] = { .name = "net_tcp_syn_total" },
	[N_SYN_REFUSED] = { .name = "net_tcp_syn_refused_total" },
	[N_HALF_OPEN_DROPPED] = { .name = "net_tcp_half_open_dropped_total" },
	[N_CLOSING_DROPPED] = { .name = "net_tcp_closing_dropped_total" },
	[N_TIME_WAIT_RECYCLED] = { .name = "net_tcp_time_wait_recycled_total" },
	[N_TIME_WAIT_REOPENED] = { .name = "net_tcp_time_wait_reopened_total" },
	[N_TIME_WAIT_NOW] = { .name = "net_tcp_time_wait" },
	[N_BAD_ACK] = { .name = "net_tcp_bad_ack_total" },
	[N_PAWS] = { .name = "net_tcp_old_timestamp_total" },
	[N_CHALLENGES_LIMITED] = { .name = "net_tcp_challenges_limited_total" },
	[N_PMTU] = { .name = "net_pmtu_lowered_total" },
	[N_DHCP_LEASES] = { .name = "net_dhcp_leases_total" },
	[N_DNS_QUERIES] = { .name = "net_dns_queries_total" },
	[N_HANDOVERS] = { .name = "net_loop_handovers_total" },
};

static struct netdev nic;
static struct event wake;
static struct task *owner;             /* holds the loop; NULL until a fresh task has it */
static bool started;
static ktime (*timers[NET_TIMERS])(ktime now) SEALED;
static unsigned timer_count SEALED;

const char *net_hostname(void)
{
	return hostname;
}

/* ---- Start ------------------------------------------------------------------ */

void net_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
	nic_declare();
	address_declare();
	ntp_declare();
}

int net_init(void)
{
	int err;

	nic_settle(&nic);
	nic.mtu_wanted = (uint16_t)mtu;
	err = nic_open(&nic);
	if (err < 0)
		return err;
	log_info("net: %s at %s, %02x:%02x:%02x:%02x:%02x:%02x, mtu %u%s%s", nic.ops->name,
		 nic.where, nic.mac[0], nic.mac[1], nic.mac[2], nic.mac[3], nic.mac[4], nic.mac[5],
		 (unsigned)MIN(nic.mtu, mtu), nic.tx_csum ? ", tx checksum" : "",
		 nic.rx_csum ? ", rx checksum" : "");
	if (mtu > MAX(nic.mtu, MTU_USUAL))
		log_warn("net: mtu=%u: this card's driver carries %u", (unsigned)mtu, nic.mtu);
	counters_add(net_counters, NET_COUNTS);
	port_sys_init();
	port_size();
	buckets_init();
	lwip_init();
	port_netif_init(&nic, (uint16_t)mtu, hostname);
	streams_init();
	ntp_init();
	task_poll_event(&wake);
	return 0;
}

/* ---- The loop --------------------------------------------------------------- */

static void run_timers(ktime now)
{
	port_due = FOREVER;
	port_due_at(port_timers(now));
	port_due_at(streams_timers(now));
	port_due_at(address_timers(now));
	for (unsigned i = 0; i < timer_count; i++)
		port_due_at(timers[i](now));
}

/* One round: true when there is more to do at once. */
static bool work(void)
{
	unsigned frames = 0;
	bool more;
	ktime now;

	while (frames < BATCH && port_input())
		frames++;
	if (frames > 0)
		clock_expire();                 /* they may have come after a pause */
	more = streams_run();
	now = clock_now();
	if (frames > 0)
		random_event(now);
	if (now >= port_due) {
		run_timers(now);
		more |= streams_run();
	}
	port_flush();
	return more || frames == BATCH;
}

_Noreturn void net_run(void *unused)
{
	owner = task_self();
	task_state("net loop");
	if (!started) {
		started = true;
		address_start();
	}
	for (;;) {
		/* A turn of the scheduler either way, or a flood of frames would keep
		 * sleepers asleep and the watchdog hungry. */
		if (work() || task_others_ready() || nic.ops->arm(&nic))
			task_yield();
		else
			event_wait(&wake, nic.polled ? MIN(port_due, clock_after_ms(POLL_MS)) :
				   port_due);
	}
}

bool net_in_loop(void)
{
	return owner == task_self();
}

void net_kick(void)
{
	event_signal(&wake);
}

void net_timer_add(ktime (*fn)(ktime now))
{
	ASSERT(timer_count < NET_TIMERS);
	timers[timer_count++] = fn;
}

void net_timer_due(ktime t)
{
	port_due_at(t);
	if (!net_in_loop())
		net_kick();
}

/* The handler that net_call() runs is about to wait. */
static int hand_over(void)
{
	int err = task_spawn("net", net_run, NULL);

	if (err < 0)
		return err;
	COUNT(N_HANDOVERS);
	streams_handover();
	owner = NULL;
	return 0;
}

void net_call(void (*fn)(void *), void *arg)
{
	ASSERT(net_in_loop());
	task_before_wait(hand_over);
	fn(arg);
	task_before_wait(NULL);
	if (!net_in_loop()) {
		net_kick();
		task_exit();
	}
	task_limit(FOREVER);
	task_uncancel();
}

void net_drain(ktime deadline)
{
	while (streams_drain() && clock_now() < deadline)
		if (task_sleep(MIN(clock_after_ms(DRAIN_STEP_MS), deadline)) < 0)
			return;
}
