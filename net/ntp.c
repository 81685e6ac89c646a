/* SPDX-License-Identifier: MIT */
/* The exchange with the servers (net/ntp.h), all at the same time:
 *
 *	IDLE -> NAMED (its address is asked for) -> ASKED -> IDLE, until its next question
 *
 * A question carries nothing but a random transmit timestamp, which the answer must repeat,
 * and comes from a random port (RFC 9109). At the start, after a pause of the machine and
 * with a new address each server is asked a few times in a row; then as often as
 * net/ntp_sync.c wants it. Whoever does not answer, or answers nonsense, is asked again after
 * 1/4, 1, 2, 4 ... 64 s, its name looked up anew. RATE halves how often a server is asked; DENY and
 * RSTR end it (RFC 5905 §7.4).
 *
 * Outside: the net loop. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/dns.h>
#include <lwip/udp.h>

#include "kernel/config.h"
#include "kernel/counter.h"
#include "kernel/kernel.h"
#include "kernel/random.h"
#include "net/net.h"
#include "net/ntp_impl.h"

#define SERVERS BUDGET_NTP_SERVERS
#define NAME BUDGET_DNS_NAME
#define PORT 123u
#define OWN_PORTS 49152u               /* RFC 6335 §6: dynamic ports */
#define OWN_PORTS_COUNT 16384u
#define VERSION_4_CLIENT 0x23
#define ANSWER_S 1                     /* a later answer would tell little */
#define NAME_S 20                      /* by then lwIP has given up on a name */
#define SOON MILLIS(250)
#define BACKOFF_MAX 6                  /* 64 s */
#define APART MILLIS(20)               /* not all wait for one ARP answer */
#define BURST 4
#define BURST_S 2                      /* between its questions */
#define POLL_MAX 1024u
#define COMPLAIN_EVERY SECONDS(60)

enum { SENT, ANSWERED, FOREIGN, REFUSED, COUNTS };
static struct counter counters[COUNTS] = {
	[SENT] = { "ntp_questions_total", 0 },
	[ANSWERED] = { "ntp_answers_total", 0 },
	[FOREIGN] = { "ntp_foreign_total", 0 },
	[REFUSED] = { "ntp_refused_total", 0 },
};

struct ntp_server ntp_servers[SERVERS];
unsigned ntp_server_count;

static bool by_setting, paused;
static ktime complain_at;

/* ---- Settings ----------------------------------------------------------------- */

static void forget_servers(void)
{
	for (unsigned i = 0; i < ntp_server_count; i++)
		if (ntp_servers[i].pcb)
			udp_remove(ntp_servers[i].pcb);
	ntp_server_count = 0;
}

/* HOST or HOST:PORT, `len` bytes. */
static int add_server(const char *text, size_t len)
{
	const char *colon = memchr(text, ':', len);
	size_t host = colon ? (size_t)(colon - text) : len;
	struct ntp_server *s = &ntp_servers[ntp_server_count];
	uint32_t port = colon ? 0 : PORT;

	if (ntp_server_count == SERVERS || host == 0 || host >= NAME)
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
	*s = (struct ntp_server){ .port = (uint16_t)port, .due = FOREVER };
	memcpy(s->host, text, host);
	ntp_server_count++;
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

void ntp_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
	counters_add(counters, COUNTS);
}

/* The same as before, as each renewal of a lease says it, changes nothing. */
void ntp_offered(const uint8_t *ip4, unsigned n)
{
	char text[SERVERS][16];
	bool same;

	if (by_setting)
		return;
	n = MIN(n, (unsigned)SERVERS);
	same = n == ntp_server_count;
	for (unsigned i = 0; i < n; i++, ip4 += 4) {
		snprintf(text[i], sizeof(text[i]), "%u.%u.%u.%u", ip4[0], ip4[1], ip4[2], ip4[3]);
		same = same && strcmp(text[i], ntp_servers[i].host) == 0;
	}
	if (same)
		return;
	forget_servers();
	for (unsigned i = 0; i < n; i++)
		add_server(text[i], strlen(text[i]));
	if (net_up())
		ntp_restart(clock_now());
}

/* ---- A question and its end ------------------------------------------------------ */

static void become(struct ntp_server *s, enum ntp_state next, ktime when)
{
	if (s->pcb && next != NTP_ASKED) {
		udp_remove(s->pcb);
		s->pcb = NULL;
	}
	s->state = next;
	s->due = when;
	net_timer_due(when);
}

/* One line a minute at most. */
static void complain(const struct ntp_server *s, ktime now, const char *why, const char *detail)
{
	if (now < complain_at)
		return;
	complain_at = now + COMPLAIN_EVERY;
	log_warn("ntp: %s: %s%s", s->host, why, detail);
}

/* No answer of use: asked again, soon, then a little later each time. */
static void fail(struct ntp_server *s, ktime now, enum ntp_standing standing)
{
	ktime wait = s->failures ? SECONDS(1) << MIN(s->failures - 1, BACKOFF_MAX) : SOON;

	s->reach = (uint8_t)(s->reach << 1);
	if (s->reach == 0 || s->standing == NTP_WAITING)
		s->standing = standing;
	become(s, NTP_IDLE, now + wait);
	s->failures = (uint8_t)MIN(s->failures + 1, UINT8_MAX);
}

static void sent_away(struct ntp_server *s, ktime now, const char *kiss)
{
	uint32_t wait;

	counters[REFUSED].n++;
	complain(s, now, "sends us away: ", kiss);
	if (strcmp(kiss, "DENY") == 0 || strcmp(kiss, "RSTR") == 0) {
		s->reach = 0;
		s->standing = NTP_KISSED;
		become(s, NTP_IDLE, FOREVER);
		return;
	}
	if (strcmp(kiss, "RATE") != 0) {
		fail(s, now, NTP_UNFIT);
		return;
	}
	s->burst = 0;
	s->slower = (uint8_t)MIN(s->slower + 1, BACKOFF_MAX);
	wait = MIN(ntp_sync_poll() << s->slower, POLL_MAX);
	if (!s->reach)
		s->standing = NTP_RATE;
	s->not_before = now + SECONDS(wait);
	become(s, NTP_IDLE, s->not_before);
}

static void good(struct ntp_server *s, const struct ntp_answer *a, ktime now)
{
	ktime trip = MAX(now - s->asked_at - (a->sent - a->received), (ktime)0);
	struct ntp_sample sample = {
		.at = now, .unix_ns = a->sent + trip / 2, .delay = (uint32_t)trip,
		.root = (uint32_t)a->root,
	};

	counters[ANSWERED].n++;
	random_stir(a, sizeof(*a));
	s->failures = 0;
	s->reach = (uint8_t)(s->reach << 1 | 1);
	s->stratum = (uint8_t)a->stratum;
	s->leap = (int8_t)a->leap;
	become(s, NTP_IDLE, FOREVER);
	ntp_sync_sample(s, &sample);
	if (s->burst > 0) {
		s->burst--;
		become(s, NTP_IDLE, now + SECONDS(BURST_S));
	} else {
		become(s, NTP_IDLE, now + SECONDS(MIN(ntp_sync_poll() << s->slower, POLL_MAX)));
	}
}

static void on_answer(void *arg, struct udp_pcb *from, struct pbuf *p, const ip_addr_t *addr,
		      u16_t port)
{
	struct ntp_server *s = arg;
	struct ntp_answer a = { 0 };
	uint8_t packet[NTP_PACKET];
	ktime now = clock_now();
	size_t len = pbuf_copy_partial(p, packet, sizeof(packet), 0);

	pbuf_free(p);
	if (s->state != NTP_ASKED)
		return;
	switch (ntp_read(packet, len, s->cookie, &a)) {
	case NTP_GOOD:
		good(s, &a, now);
		return;
	case NTP_FOREIGN:
		counters[FOREIGN].n++;
		return;
	case NTP_KISS:
		sent_away(s, now, a.kiss);
		return;
	case NTP_UNSYNCHRONISED:
		complain(s, now, "does not know the time itself", "");
		break;
	case NTP_NONSENSE:
		complain(s, now, "answers nonsense", "");
		break;
	}
	counters[REFUSED].n++;
	fail(s, now, NTP_UNFIT);
}

/* Sends the question to `ip`: 0 or -ENOMEM. */
static int ask(struct ntp_server *s, const ip_addr_t *ip)
{
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, NTP_PACKET, PBUF_RAM);
	uint8_t *packet;

	s->pcb = p ? udp_new() : NULL;
	if (!s->pcb) {
		if (p)
			pbuf_free(p);
		return -ENOMEM;
	}
	if (s->ip4 != ip_addr_get_ip4_u32(ip))
		s->filter.count = 0;           /* the name stands for another server */
	s->ip4 = ip_addr_get_ip4_u32(ip);
	udp_bind(s->pcb, IP4_ADDR_ANY, (u16_t)(OWN_PORTS + random_u32() % OWN_PORTS_COUNT));
	udp_connect(s->pcb, ip, s->port);
	udp_recv(s->pcb, on_answer, s);
	random_bytes(s->cookie, sizeof(s->cookie));
	packet = p->payload;
	memset(packet, 0, NTP_PACKET);
	packet[0] = VERSION_4_CLIENT;
	memcpy(packet + NTP_PACKET - sizeof(s->cookie), s->cookie, sizeof(s->cookie));
	counters[SENT].n++;
	s->asked_at = clock_now();
	udp_send(s->pcb, p);
	pbuf_free(p);
	become(s, NTP_ASKED, s->asked_at + SECONDS(ANSWER_S));
	return 0;
}

static void on_name(const char *name, const ip_addr_t *ip, void *arg)
{
	struct ntp_server *s = arg;
	ktime now = clock_now();

	if (s->state != NTP_NAMED || strcmp(name, s->host) != 0)
		return;
	if (ip && ask(s, ip) == 0)
		return;
	complain(s, now, ip ? "no memory to ask" : "no such name", "");
	fail(s, now, NTP_UNRESOLVED);
}

static void begin(struct ntp_server *s, ktime now)
{
	ip_addr_t ip;

	become(s, NTP_NAMED, now + SECONDS(NAME_S));
	switch (dns_gethostbyname(s->host, &ip, on_name, s)) {
	case ERR_OK:
		on_name(s->host, &ip, s);
		break;
	case ERR_INPROGRESS:
		break;
	default:
		on_name(s->host, NULL, s);
	}
}

/* ---- When ---------------------------------------------------------------------------- */

void ntp_restart(ktime when)
{
	for (unsigned i = 0; i < ntp_server_count; i++) {
		struct ntp_server *s = &ntp_servers[i];

		s->filter.count = 0;
		if (s->standing == NTP_KISSED)
			continue;
		s->standing = NTP_WAITING;
		s->reach = s->failures = 0;
		s->burst = BURST - 1;
		become(s, NTP_IDLE, MAX(when + i * APART, s->not_before));
	}
	ntp_sync_restart(when);
}

static ktime timer(ktime now)
{
	ktime next;

	clock_look();
	if (paused && net_up())
		ntp_restart(now);
	paused = false;
	next = ntp_sync_timer(now);
	for (unsigned i = 0; i < ntp_server_count; i++) {
		struct ntp_server *s = &ntp_servers[i];

		if (now >= s->due && s->state == NTP_IDLE) {
			begin(s, now);
		} else if (now >= s->due) {
			complain(s, now, "no answer", "");
			fail(s, now, s->state == NTP_NAMED ? NTP_UNRESOLVED : NTP_SILENT);
		}
		next = MIN(next, s->due);
	}
	return next;
}

void ntp_address(bool up)
{
	if (up)
		ntp_restart(clock_now());
	for (unsigned i = 0; i < ntp_server_count && !up; i++)
		become(&ntp_servers[i], NTP_IDLE, FOREVER);
}

static void on_pause(void)
{
	paused = true;
	net_timer_due(clock_now());
}

void ntp_init(void)
{
	clock_on_pause(on_pause);
	net_timer_add(timer);
}

bool ntp_peer(unsigned i, struct ntp_peer *p)
{
	static const char *const names[NTP_STANDINGS] = {
		[NTP_WAITING] = "waiting", [NTP_SELECTED] = "selected", [NTP_AGREES] = "agrees",
		[NTP_FALSETICKER] = "falseticker", [NTP_SILENT] = "silent",
		[NTP_UNRESOLVED] = "unresolved", [NTP_UNFIT] = "unfit", [NTP_RATE] = "rate",
		[NTP_KISSED] = "kissed",
	};
	const struct ntp_server *s = &ntp_servers[i];
	const struct ntp_sample *best;

	if (i >= ntp_server_count)
		return false;
	best = ntp_filter_best(&s->filter, clock_now());
	*p = (struct ntp_peer){
		.host = s->host, .port = s->port, .state = names[s->standing],
		.known = best && s->reach && clock_status().source != CLOCK_NONE,
		.stratum = s->stratum,
		.offset = best ? best->unix_ns - clock_aim_ns(best->at) : 0,
		.delay = best ? best->delay : 0,
	};
	return true;
}
