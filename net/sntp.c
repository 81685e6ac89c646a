/* SPDX-License-Identifier: MIT */
/* The client (net/sntp.h). One question is under way at a time:
 *
 *	IDLE -> (name known) -> ASKED -> IDLE, until the next poll
 *
 * A question carries nothing but a random transmit timestamp, which the answer
 * must repeat, and comes from a random port (RFC 9109). Whoever does not answer,
 * or answers nonsense, makes way for the next server, asked after 1, 2, 4 ... 64 s.
 * Once the clock is set, polls are 64 s apart, and further while they find it right.
 *
 * Outside: the net loop. */
#include "net/sntp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/dns.h>
#include <lwip/udp.h>

#include "kernel/budget.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/counter.h"
#include "kernel/kernel.h"
#include "kernel/random.h"
#include "net/net.h"

#define SERVERS BUDGET_NTP_SERVERS
#define NAME BUDGET_DNS_NAME
#define PORT 123u
#define OWN_PORTS 49152u               /* RFC 6335 §6: dynamic ports */
#define OWN_PORTS_COUNT 16384u
#define VERSION_4_CLIENT 0x23
#define ANSWER_S 1                     /* a later answer would tell little */
#define NAME_S 20                      /* by then lwIP has given up on a name */
#define BACKOFF_MAX 6                  /* 64 s */
#define POLL_MIN 64u                   /* s; RFC 4330 §10 asks for no less than 15 */
#define POLL_MAX 1024u
#define STEADY MILLIS(10)              /* right enough for a longer poll */
#define COMPLAIN_EVERY SECONDS(60)

struct server {
	char host[NAME];
	uint16_t port;
	ktime not_before;              /* it has sent us away until then */
};

enum state { IDLE, NAMED, ASKED };

enum { SENT, ANSWERED, FOREIGN, REFUSED, COUNTS };
static struct counter counters[COUNTS] = {
	[SENT] = { "ntp_questions_total", 0 },
	[ANSWERED] = { "ntp_answers_total", 0 },
	[FOREIGN] = { "ntp_foreign_total", 0 },
	[REFUSED] = { "ntp_refused_total", 0 },
};

static struct server servers[SERVERS];
static unsigned server_count, current;
static bool by_setting;

static enum state state;
static ktime due = FOREVER;            /* of what comes next: a poll, or giving up */
static unsigned failures;              /* since the last good answer */
static uint32_t poll_s = POLL_MIN;
static bool set;
static ktime complain_at;

static struct udp_pcb *pcb;
static uint8_t cookie[8];
static ktime asked_at;

/* ---- Settings ----------------------------------------------------------------- */

static void forget_servers(void)
{
	server_count = current = failures = 0;
}

/* HOST or HOST:PORT, `len` bytes. */
static int add_server(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	size_t host = colon ? (size_t)(colon - text) : len;
	struct server *s = &servers[server_count];
	uint32_t port = colon ? 0 : PORT;

	if (server_count == SERVERS || host == 0 || host >= NAME)
		return -EINVAL;
	for (size_t i = 0; i < host; i++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-",
			    text[i]))
			return -EINVAL;
	for (size_t i = host + 1; i < len; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		port = port * 10 + (uint32_t)(text[i] - '0');
		if (port > UINT16_MAX)
			return -EINVAL;
	}
	if (port == 0)
		return -EINVAL;
	memcpy(s->host, text, host);
	s->host[host] = 0;
	s->port = (uint16_t)port;
	s->not_before = 0;
	server_count++;
	return 0;
}

static int set_servers(const char *value)
{
	forget_servers();
	by_setting = true;
	for (;;) {
		size_t len = strcspn(value, ",");

		if (add_server(value, len) < 0) {
			forget_servers();
			by_setting = false;
			return -EINVAL;
		}
		if (!value[len])
			return 0;
		value += len + 1;
	}
}

static const struct setting settings[] = {
	{ .key = "ntp", .type = SETTING_CHECKED, .check = set_servers,
	  .expected = "HOST or HOST:PORT, at most " TEXT_OF(SERVERS) " with commas between" },
};

void sntp_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
	counters_add(counters, COUNTS);
}

void sntp_offered(const uint8_t *ip4, unsigned n)
{
	char text[16];

	if (by_setting)
		return;
	forget_servers();
	for (unsigned i = 0; i < MIN(n, (unsigned)SERVERS); i++, ip4 += 4) {
		snprintf(text, sizeof(text), "%u.%u.%u.%u", ip4[0], ip4[1], ip4[2], ip4[3]);
		add_server(text, strlen(text));
	}
}

/* ---- A question and its end ------------------------------------------------------ */

static void become(enum state next, ktime when)
{
	if (pcb && next != ASKED) {
		udp_remove(pcb);
		pcb = NULL;
	}
	state = next;
	due = when;
	net_timer_due(due);
}

/* One line a minute at most. */
static void complain(ktime now, const char *why, const char *detail)
{
	if (now < complain_at)
		return;
	complain_at = now + COMPLAIN_EVERY;
	log_warn("ntp: %s: %s%s", servers[current].host, why, detail);
}

/* The next server is asked, a little later each time. */
static void give_up(ktime now)
{
	ktime wait = SECONDS(1) << MIN(failures, (unsigned)BACKOFF_MAX);

	failures++;
	current = (current + 1) % server_count;
	become(IDLE, now + wait);
}

static void sent_away(ktime now, const char *kiss)
{
	bool rate = strcmp(kiss, "RATE") == 0;

	counters[REFUSED].n++;
	if (rate)
		poll_s = MIN(poll_s * 2, POLL_MAX);
	servers[current].not_before = rate ? now + SECONDS(poll_s) : FOREVER;
	complain(now, "sends us away: ", kiss);
	give_up(now);
}

static void good(const struct sntp_answer *a, ktime now)
{
	ktime trip = MAX(now - asked_at - (a->sent - a->received), (ktime)0);
	int64_t off = clock_correct(now, a->sent + trip / 2);

	counters[ANSWERED].n++;
	random_stir(a, sizeof(*a));
	if (!set)
		log_info("ntp: %s:%u: the time is known, stratum %u, round trip %u us",
			 servers[current].host, servers[current].port, a->stratum,
			 (unsigned)(trip / 1000));
	if (set && off < STEADY && off > -STEADY)
		poll_s = MIN(poll_s * 2, POLL_MAX);
	else
		poll_s = MAX(poll_s / 2, POLL_MIN);
	set = true;
	failures = 0;
	become(IDLE, now + SECONDS(poll_s));
}

static void on_answer(void *arg, struct udp_pcb *from, struct pbuf *p, const ip_addr_t *addr,
		      u16_t port)
{
	struct sntp_answer a = { 0 };
	uint8_t packet[SNTP_PACKET];
	ktime now = clock_now();
	size_t len = pbuf_copy_partial(p, packet, sizeof(packet), 0);

	pbuf_free(p);
	if (state != ASKED)
		return;
	switch (sntp_read(packet, len, cookie, &a)) {
	case SNTP_GOOD:
		good(&a, now);
		return;
	case SNTP_FOREIGN:
		counters[FOREIGN].n++;
		return;
	case SNTP_KISS:
		sent_away(now, a.kiss);
		return;
	case SNTP_UNSYNCHRONISED:
		complain(now, "does not know the time itself", "");
		break;
	case SNTP_NONSENSE:
		complain(now, "answers nonsense", "");
		break;
	}
	counters[REFUSED].n++;
	give_up(now);
}

/* Sends the question to `ip`: 0 or -ENOMEM. */
static int ask(const ip_addr_t *ip)
{
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, SNTP_PACKET, PBUF_RAM);
	uint8_t *packet;

	pcb = p ? udp_new() : NULL;
	if (!pcb) {
		if (p)
			pbuf_free(p);
		return -ENOMEM;
	}
	udp_bind(pcb, IP4_ADDR_ANY, (u16_t)(OWN_PORTS + random_u32() % OWN_PORTS_COUNT));
	udp_connect(pcb, ip, servers[current].port);
	udp_recv(pcb, on_answer, NULL);
	random_bytes(cookie, sizeof(cookie));
	packet = p->payload;
	memset(packet, 0, SNTP_PACKET);
	packet[0] = VERSION_4_CLIENT;
	memcpy(packet + SNTP_PACKET - sizeof(cookie), cookie, sizeof(cookie));
	counters[SENT].n++;
	asked_at = clock_now();
	udp_send(pcb, p);
	pbuf_free(p);
	become(ASKED, asked_at + SECONDS(ANSWER_S));
	return 0;
}

static void on_name(const char *name, const ip_addr_t *ip, void *arg)
{
	ktime now = clock_now();

	if (state != NAMED || strcmp(name, servers[current].host) != 0)
		return;
	if (ip && ask(ip) == 0)
		return;
	complain(now, ip ? "no memory to ask" : "no such name", "");
	give_up(now);
}

/* A server that has not sent us away is asked for its address. */
static void begin(ktime now)
{
	ktime soonest = FOREVER;
	ip_addr_t ip;

	for (unsigned i = 0; i < server_count; i++) {
		if (servers[current].not_before <= now)
			break;
		soonest = MIN(soonest, servers[current].not_before);
		current = (current + 1) % server_count;
	}
	if (servers[current].not_before > now) {
		become(IDLE, soonest);
		return;
	}
	become(NAMED, now + SECONDS(NAME_S));
	switch (dns_gethostbyname(servers[current].host, &ip, on_name, NULL)) {
	case ERR_OK:
		on_name(servers[current].host, &ip, NULL);
		break;
	case ERR_INPROGRESS:
		break;
	default:
		on_name(servers[current].host, NULL, NULL);
	}
}

static ktime timer(ktime now)
{
	if (server_count == 0 || now < due)
		return due;
	if (state == IDLE) {
		begin(now);
	} else {
		complain(now, "no answer", "");
		give_up(now);
	}
	return due;
}

void sntp_address(bool up)
{
	become(IDLE, up && server_count > 0 ? clock_now() : FOREVER);
	failures = 0;
}

void sntp_init(void)
{
	net_timer_add(timer);
}
