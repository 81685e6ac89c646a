/* SPDX-License-Identifier: MIT */
/* The parts of the NTP client (net/ntp.h). All but the last two are pure. Times and
 * distances are in ns. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/budget.h"
#include "kernel/clock.h"
#include "net/addr.h"
#include "net/dns.h"
#include "net/ntp.h"

/* ---- packet.c: what an answer says ------------------------------------------- */

#define NTP_PACKET 48

struct ntp_answer {
	int64_t received, sent;        /* by the server's clock: Unix time */
	int64_t root;                  /* its distance from a true clock */
	unsigned stratum;
	int leap;                      /* seconds that its month is longer */
	char kiss[5];                  /* of a kiss-o'-death: "RATE" */
};

enum ntp_verdict {
	NTP_GOOD,
	NTP_FOREIGN,                   /* no answer to our question: passed over */
	NTP_KISS,                      /* the server sends us away: a->kiss says how */
	NTP_UNSYNCHRONISED,            /* its own clock is not set */
	NTP_NONSENSE,                  /* what RFC 4330 §5 excludes */
};

/* Judges `len` bytes from the server asked with `cookie` as transmit timestamp. */
enum ntp_verdict ntp_read(const uint8_t *packet, size_t len, const uint8_t cookie[8],
			  struct ntp_answer *a);

/* ---- filter.c: the best of the last answers of one server (RFC 5905 §10) ----- */

/* It was `unix_ns` at clock_now() == `at`, give or take delay / 2 + root. */
struct ntp_sample {
	ktime at;
	int64_t unix_ns;
	uint32_t delay, root;
};

struct ntp_filter {
	struct ntp_sample sample[BUDGET_NTP_SAMPLES];
	uint8_t count, last;
};

/* Where a clock is going: as clock_aim_ns(). */
typedef int64_t ntp_aim(ktime at);

/* Adds a sample. One that cannot be true together with those before, because a clock has
 * jumped, takes the place of all of them: true. */
bool ntp_filter_add(struct ntp_filter *f, const struct ntp_sample *s, ntp_aim *aim);

/* The sample with the shortest way, old ones counting as longer; NULL without any. */
const struct ntp_sample *ntp_filter_best(const struct ntp_filter *f, ktime now);

/* How far the offsets of the others are from the best one's: root mean square. */
int64_t ntp_filter_jitter(const struct ntp_filter *f, ktime now, ntp_aim *aim);

/* ---- vote.c: whom to believe (RFC 5905 §11.2) -------------------------------- */

#define NTP_PHI_PPM 15                 /* how fast an undisciplined clock may go wrong */

struct ntp_candidate {
	int64_t offset, distance;      /* the truth lies within offset +- distance */
	bool chosen;
};

/* Marks those that the majority of the `n` agrees with; how many. 0: there is none. The mean of
 * their offsets, each counted by the inverse of its distance, is then in *offset, and lies
 * where all of them agree. */
unsigned ntp_vote(struct ntp_candidate *c, unsigned n, int64_t *offset);

/* ---- loop.c: how much to correct, phase and rate ----------------------------- */

/* What is not known of the clock, as variances: of its phase (s^2), of its rate, and how the
 * two go together. */
struct ntp_loop {
	double phase, rate, both;
	double gain;                   /* the rate in use: seconds per second */
	ktime at;                      /* of the last sample */
};

/* The clock has just been set by a sample good to `noise`; its rate may be off by anything
 * usual (`fresh`), or is as it was. */
void ntp_loop_start(struct ntp_loop *l, ktime at, int64_t noise, bool fresh);

/* A sample says that at `at` the clock was late by `offset`, give or take `noise`: by how
 * much to correct it, and from now on l->gain is the rate to use. *surprise: so large an
 * offset is neither noise nor what was expected of the clock. */
int64_t ntp_loop_step(struct ntp_loop *l, ktime at, int64_t offset, int64_t noise,
		      bool *surprise);

/* ---- leap.c ------------------------------------------------------------------ */

/* When the UTC month in which `unix_s` lies ends, in Unix seconds, or INT64_MAX. */
int64_t ntp_month_end(int64_t unix_s);

/* ---- ntp.c: the exchange with the servers, for sync.c ------------------------------------ */

enum ntp_state { NTP_IDLE, NTP_NAMED, NTP_ASKED };
enum ntp_standing {
	NTP_WAITING,                   /* not heard of yet */
	NTP_SELECTED,                  /* the clock goes by it */
	NTP_AGREES,                    /* it is of the majority */
	NTP_FALSETICKER,               /* it is not */
	NTP_SILENT, NTP_UNRESOLVED, NTP_UNFIT, NTP_RATE, NTP_KISSED, NTP_STANDINGS
};

struct ntp_server {
	char host[BUDGET_DNS_NAME];
	uint16_t port;
	uint8_t state, standing;
	uint8_t reach;                 /* its last eight questions, a bit for each answered */
	uint8_t failures;              /* since its last answer */
	uint8_t slower;                /* how often it has asked for half as many questions */
	uint8_t burst;                 /* questions left that follow each other quickly */
	uint8_t stratum;
	int8_t leap;
	struct addr addr;
	struct dns_wait name;
	struct udp_pcb *pcb;
	uint8_t cookie[8];
	ktime asked_at, due;           /* due: the next question, or giving up this one */
	ktime not_before;              /* it has sent us away until then */
	struct ntp_filter filter;
};

extern struct ntp_server ntp_servers[BUDGET_NTP_SERVERS];
extern unsigned ntp_server_count;

/* Asks all servers at once, a few times in a row; what they have said is forgotten. */
void ntp_restart(ktime now);

/* ---- sync.c: what follows from the answers ----------------------------------- */

/* All is to be found out again. */
void ntp_sync_restart(ktime now);

/* A server has answered. */
void ntp_sync_sample(struct ntp_server *s, const struct ntp_sample *sample);

/* What is due; when to be called next. */
ktime ntp_sync_timer(ktime now);

/* Seconds between two questions to one server. */
uint32_t ntp_sync_poll(void);
