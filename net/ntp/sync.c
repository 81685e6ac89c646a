/* SPDX-License-Identifier: MIT */
/* What follows from the servers' answers: who of them is believed, what the clock is told,
 * how often to ask (RFC 5905 §11, §13), leap seconds.
 *
 * The first fix waits until all servers have answered, or 1.5 s for those that are silent, which
 * are asked twice by then; a lone answer of three servers waits five, so that two honest ones
 * can outvote it. Later on a server counts as long as one of its last eight questions was
 * answered. Without a majority the clock goes on as it was, and the bound of its error grows.
 *
 * At a leap second the servers' Unix time repeats a second, or leaves one out. So does the
 * clock's aim, at the end of the month that the majority has announced: the second is slewed
 * away within two, never backwards, and then all servers are asked anew.
 *
 * Outside: the net loop. */
#include "kernel/clock.h"
#include "kernel/kernel.h"
#include "net/net.h"
#include "net/ntp/impl.h"

#define SERVERS BUDGET_NTP_SERVERS
#define SECOND SECONDS(1)
#define WAIT MILLIS(1500)              /* for silent servers, before the first fix */
#define WAIT_ALONE SECONDS(5)
#define LEAST_DISTANCE MILLIS(1)       /* of two servers that agree all the same */
#define LEAST_NOISE 10000
#define POLL_MIN 16u                   /* s; RFC 4330 §10 asks for no less than 15 */
#define POLL_MAX 1024u
#define CALM 4                         /* samples without surprise, for a longer poll */
#define STEADY MILLIS(10)              /* and right enough for it */
#define ASK_ALL_EVERY SECONDS(16)
#define SERVERS_SETTLE SECONDS(2)      /* after a leap second */

static struct ntp_loop loop;
static bool synchronised;              /* since all was to be found out again */
static bool ever;
static ktime began, asked_all, sync_at;
static int64_t sync_error, sync_offset, sync_unix;
static unsigned stratum, calm;
static uint32_t poll_s = POLL_MIN;
static int leap;
static int64_t month_end = INT64_MAX;  /* Unix seconds, while a leap second is announced */

uint32_t ntp_sync_poll(void)
{
	return poll_s;
}

static int32_t ppb(void)
{
	return (int32_t)(loop.gain * 1e9);
}

void ntp_sync_restart(ktime now)
{
	synchronised = false;
	began = now;
	poll_s = POLL_MIN;
	calm = 0;
}

/* The servers that have a vote: how many. */
static unsigned gather(ktime now, struct ntp_candidate *c, struct ntp_server **who)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ntp_server_count; i++) {
		struct ntp_server *s = &ntp_servers[i];
		const struct ntp_sample *best = ntp_filter_best(&s->filter, now);

		if (!best || !s->reach)
			continue;
		c[n].offset = best->unix_ns - clock_aim_ns(best->at);
		c[n].distance = best->delay / 2 + (int64_t)best->root + LEAST_DISTANCE +
				(now - best->at) / 1000000 * NTP_PHI_PPM +
				ntp_filter_jitter(&s->filter, now, clock_aim_ns);
		who[n++] = s;
	}
	return n;
}

/* Whether those who have answered may decide. */
static bool enough(ktime now, unsigned answered)
{
	unsigned asked = 0;

	for (unsigned i = 0; i < ntp_server_count; i++)
		asked += ntp_servers[i].standing != NTP_KISSED;
	if (answered == 0)
		return false;
	if (synchronised || answered == asked)
		return true;
	return now - began >= (answered == 1 && asked > 2 ? WAIT_ALONE : WAIT);
}

/* Not within a burst. */
static void adapt_poll(ktime now, int64_t offset, bool surprise)
{
	if (now - sync_at < SECONDS(poll_s) / 2)
		return;
	if (surprise || offset > STEADY || offset < -STEADY) {
		poll_s = MAX(poll_s / 2, POLL_MIN);
		calm = 0;
	} else if (++calm == CALM) {
		poll_s = MIN(poll_s * 2, POLL_MAX);
		calm = 0;
	}
}

/* The clock is `offset` late, as seen by the way of `s`. */
static void correct(const struct ntp_server *s, ktime now, int64_t offset, int64_t distance)
{
	const struct ntp_sample *best = ntp_filter_best(&s->filter, now);
	int64_t jitter = ntp_filter_jitter(&s->filter, now, clock_aim_ns);
	int64_t noise = MIN(jitter, best->delay / 2) + best->delay / 8 + LEAST_NOISE;
	int64_t by = offset, aim = clock_aim_ns(best->at);
	bool surprise;

	if (synchronised && best->at <= loop.at)
		return;                        /* nothing new */
	if (synchronised) {
		by = ntp_loop_step(&loop, best->at, offset, noise, &surprise);
		adapt_poll(now, offset, surprise);
	} else {
		ntp_loop_start(&loop, best->at, noise + best->delay / 4, !ever);
	}
	clock_teach(best->at, aim + by, ppb());
	if (!ever) {
		log_info("ntp: %s:%u: the time is known, stratum %u, round trip %u us",
			 s->host, s->port, s->stratum, (unsigned)(best->delay / 1000));
		offset = 0;
	}
	ever = synchronised = true;
	sync_at = now;
	sync_offset = offset;
	sync_error = distance - LEAST_DISTANCE + MAX(offset - by, by - offset);
	sync_unix = clock_aim_ns(now);
	stratum = s->stratum;
}

static void hear_of_leap(unsigned more, unsigned less, unsigned n, ktime now)
{
	int was = leap;

	leap = 2 * more > n ? 1 : 2 * less > n ? -1 : 0;
	month_end = leap ? ntp_month_end(clock_aim_ns(now) / SECOND) : INT64_MAX;
	if (leap != was && leap)
		log_info("ntp: a leap second is coming: %d", leap);
}

static void decide(ktime now)
{
	struct ntp_candidate c[SERVERS];
	struct ntp_server *who[SERVERS];
	unsigned n = gather(now, c, who), chosen = 0, best = 0, more = 0, less = 0;
	int64_t offset = 0, shortest = INT64_MAX;

	if (enough(now, n))
		chosen = ntp_vote(c, n, &offset);
	else if (!synchronised)
		return;
	for (unsigned i = 0; i < n; i++) {
		who[i]->standing = c[i].chosen && chosen ? NTP_AGREES : NTP_FALSETICKER;
		if (!chosen || !c[i].chosen)
			continue;
		more += who[i]->leap > 0;
		less += who[i]->leap < 0;
		if (c[i].distance < shortest) {
			shortest = c[i].distance;
			best = i;
		}
	}
	if (!chosen)
		return;
	who[best]->standing = NTP_SELECTED;
	correct(who[best], now, offset, shortest);
	hear_of_leap(more, less, chosen, now);
}

/* Somebody's clock, perhaps ours, has jumped: what do the others say? */
static void ask_all(ktime now)
{
	if (asked_all && now - asked_all < ASK_ALL_EVERY)
		return;
	asked_all = now;
	for (unsigned i = 0; i < ntp_server_count; i++)
		if (ntp_servers[i].state == NTP_IDLE && ntp_servers[i].due != FOREVER)
			ntp_servers[i].due = MAX(MIN(ntp_servers[i].due, now),
						 ntp_servers[i].not_before);
	net_timer_due(now);
}

void ntp_sync_sample(struct ntp_server *s, const struct ntp_sample *sample)
{
	if (ntp_filter_add(&s->filter, sample, clock_aim_ns))
		ask_all(sample->at);
	decide(sample->at);
}

static void apply_leap(ktime now)
{
	int by = leap;

	leap = 0;
	month_end = INT64_MAX;
	log_info("ntp: leap second %d", by);
	clock_teach(now, clock_aim_ns(now) - by * SECOND, ppb());
	ntp_restart(now + SERVERS_SETTLE);
}

ktime ntp_sync_timer(ktime now)
{
	ktime next = now + SECOND;

	if (ntp_server_count == 0)
		return FOREVER;
	if (!synchronised) {
		decide(now);
		if (now < began + WAIT)
			next = began + WAIT;
	}
	if (month_end != INT64_MAX) {
		int64_t left = SECONDS(month_end) - clock_aim_ns(now);

		if (left <= 0)
			apply_leap(now);
		else
			next = MIN(next, now + left);
	}
	return next;
}

struct ntp_status ntp_status(void)
{
	ktime now = clock_now();
	int64_t slew = clock_status().slew_ns;

	return (struct ntp_status){
		.synchronised = ever, .stratum = stratum, .leap = leap, .offset = sync_offset,
		.error = sync_error + (now - sync_at) / 1000000 * NTP_PHI_PPM + MAX(slew, -slew),
		.last_sync = sync_unix, .poll_s = poll_s,
	};
}
