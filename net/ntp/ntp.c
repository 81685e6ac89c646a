/* SPDX-License-Identifier: MIT */
/* The exchange with the servers (net/ntp.h), all at the same time:
 *
 *	IDLE -> NAMED (its address is asked for) -> ASKED -> IDLE, until its next question
 *
 * A question carries nothing but a random transmit timestamp, which the answer must repeat,
 * and comes from a random port (RFC 9109). At the start, after a pause of the machine and
 * with a new address each server is asked a few times in a row; then as often as
 * net/ntp/sync.c wants it. Whoever does not answer, or answers nonsense, is asked again after
 * 1/4, 1, 2, 4 ... 64 s, its name looked up anew. RATE halves how often a server is asked; DENY and
 * RSTR end it (RFC 5905 §7.4).
 *
 * Outside: the net loop. */
#include <errno.h>
#include <string.h>

#include <lwip/opt.h>

#include <lwip/udp.h>

#include "kernel/config.h"
#include "kernel/counter.h"
#include "kernel/kernel.h"
#include "kernel/random.h"
#include "net/dns.h"
#include "net/net.h"
#include "net/ntp/impl.h"
#include "net/port/ip.h"

#define SERVERS BUDGET_NTP_SERVERS
#define NAME BUDGET_DNS_NAME
#define SOURCES (1 + BUDGET_IPV6)
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

static char offered[SOURCES][NTP_LIST_MAX];
static bool by_setting, paused;
static ktime complain_at;

/* ---- Settings ----------------------------------------------------------------- */

static void forget_name(struct ntp_server *s)
{
	if (s->name.back)
		dns_forget(&s->name);
}

static void forget_servers(void)
{
	for (unsigned i = 0; i < ntp_server_count; i++) {
		if (ntp_servers[i].pcb)
			udp_remove(ntp_servers[i].pcb);
		forget_name(&ntp_servers[i]);
	}
	ntp_server_count = 0;
}

/* How long the host is that `text` begins with, `len` bytes: a name, a dotted quad, or an address
 * of IPv6 in brackets. 0: it is none of those. */
static size_t host_length(const char *text, size_t len)
{
	const char *p = text + 1;
	struct addr a;
	size_t host = 0;

	if (*text == '[')
		return addr_parse(&p, &a) == 0 && *p == ']' ? (size_t)(p + 1 - text) : 0;
	while (host < len && text[host] != ':') {
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-",
			    text[host]))
			return 0;
		host++;
	}
	return host;
}

/* HOST or HOST:PORT, `len` bytes. */
static int add_server(const char *text, size_t len)
{
	size_t host = host_length(text, len);
	struct ntp_server *s = &ntp_servers[ntp_server_count];
	uint32_t port = host < len ? 0 : PORT;

	if (ntp_server_count == SERVERS || host == 0 || host > len || host >= NAME ||
	    (host < len && text[host] != ':'))
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

/* Those of a list with commas between. */
static int add_servers(const char *list)
{
	for (;;) {
		size_t len = strcspn(list, ",");

		if (add_server(list, len) < 0)
			return -EINVAL;
		if (!list[len])
			return 0;
		list += len + 1;
	}
}

static int set_servers(const char *value)
{
	forget_servers();
	by_setting = add_servers(value) == 0;
	if (!by_setting)
		forget_servers();
	return by_setting ? 0 : -EINVAL;
}

static const struct setting settings[] = {
	{ .key = "ntp", .type = SETTING_CHECKED, .check = set_servers,
	  .expected = "HOST or HOST:PORT, IPv6 in brackets, at most " TEXT_OF(SERVERS)
	              " with commas between" },
};

void ntp_declare(void)
{
	config_declare(settings, ARRAY_LEN(settings));
	counters_add(counters, COUNTS);
}

/* The same as before, as each renewal of a lease says it, changes nothing. */
void ntp_offered(enum ntp_source source, const char *list)
{
	if (by_setting || strlen(list) >= NTP_LIST_MAX || strcmp(list, offered[source]) == 0)
		return;
	strcpy(offered[source], list);
	forget_servers();
	for (unsigned i = 0; i < SOURCES; i++)
		if (offered[i][0])
			add_servers(offered[i]);
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

/* Sends the question to `addr`: 0 or -ENOMEM. */
static int ask(struct ntp_server *s, const struct addr *addr)
{
	struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, NTP_PACKET, PBUF_RAM);
	ip_addr_t ip = ip_of_addr(addr);
	uint8_t *packet;

	s->pcb = p ? udp_new_ip_type(IPADDR_TYPE_ANY) : NULL;
	if (!s->pcb) {
		if (p)
			pbuf_free(p);
		return -ENOMEM;
	}
	if (!addr_equal(&s->addr, addr))
		s->filter.count = 0;           /* the name stands for another server */
	s->addr = *addr;
	udp_bind(s->pcb, IP_ANY_TYPE, (u16_t)(OWN_PORTS + random_u32() % OWN_PORTS_COUNT));
	udp_connect(s->pcb, &ip, s->port);
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

static void on_name(struct dns_wait *w, const struct addr *list, int n)
{
	struct ntp_server *s = container_of(w, struct ntp_server, name);
	ktime now = clock_now();

	if (s->state != NTP_NAMED)
		return;
	if (n > 0 && ask(s, list) == 0)
		return;
	complain(s, now, n > 0 ? "no memory to ask" : "no such name", "");
	fail(s, now, NTP_UNRESOLVED);
}

static void begin(struct ntp_server *s, ktime now)
{
	struct addr list[BUDGET_DNS_ADDRS];
	int n;

	become(s, NTP_NAMED, now + SECONDS(NAME_S));
	forget_name(s);
	s->name.done = on_name;
	n = dns_ask(&s->name, s->host, list);
	if (n != 0)
		on_name(&s->name, list, n);
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
