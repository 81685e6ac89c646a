/* SPDX-License-Identifier: MIT */
/* SELECT 1 by libpq, prepared, as the benchmark's measure of app/postgres:
 *
 *	libpq CONNINFO single|pipelined CONNECTIONS QUERIES
 *
 * One thread; each connection asks as soon as it was answered, or sixteen times for each sync.
 * Prints the seconds that QUERIES on each connection took. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CONNECTIONS 64
#define BATCH 16

struct link {
	PGconn *conn;
	long left;                     /* queries that are yet to be sent */
	int results;                   /* that are to come, with the sync's */
};

static void fail(const struct link *l, const char *what)
{
	fprintf(stderr, "libpq: %s: %s\n", what, PQerrorMessage(l->conn));
	exit(1);
}

static void send_more(struct link *l, bool pipelined)
{
	for (int i = 0; i < (pipelined ? BATCH : 1); i++)
		if (!PQsendQueryPrepared(l->conn, "one", 0, NULL, NULL, NULL, 1))
			fail(l, "send");
	if (pipelined && !PQpipelineSync(l->conn))
		fail(l, "sync");
	l->left -= pipelined ? BATCH : 1;
	l->results = pipelined ? BATCH + 1 : 1;
	PQflush(l->conn);
}

static void take(struct link *l, PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	if (status == PGRES_TUPLES_OK && memcmp(PQgetvalue(r, 0, 0), "\0\0\0\1", 4) != 0)
		fail(l, "value");
	if (status != PGRES_TUPLES_OK && status != PGRES_PIPELINE_SYNC)
		fail(l, "result");
	PQclear(r);
	l->results--;
}

/* Takes what has come: whether more is to be asked for or awaited. */
static bool serve(struct link *l, bool pipelined)
{
	if (!PQconsumeInput(l->conn))
		fail(l, "input");
	while (!PQisBusy(l->conn)) {
		PGresult *r = PQgetResult(l->conn);

		if (r)
			take(l, r);
		else if (!pipelined || l->results == 0)
			break;
		if (pipelined && l->results == 0)
			break;
	}
	if (l->results == 0 && l->left > 0)
		send_more(l, pipelined);
	return l->results > 0;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void open_link(struct link *l, const char *info, long queries, bool pipelined)
{
	l->conn = PQconnectdb(info);
	if (PQstatus(l->conn) != CONNECTION_OK)
		fail(l, "connect");
	PQclear(PQprepare(l->conn, "one", "SELECT 1", 0, NULL));
	if (pipelined)
		PQenterPipelineMode(l->conn);
	PQsetnonblocking(l->conn, 1);
	l->left = queries;
}

int main(int argc, char **argv)
{
	static struct link links[CONNECTIONS];
	struct pollfd fds[CONNECTIONS];
	bool pipelined = argc > 2 && strcmp(argv[2], "pipelined") == 0;
	int n = argc > 4 ? atoi(argv[3]) : 0, busy;
	double began;

	if (n < 1 || n > CONNECTIONS)
		return 2;
	for (int i = 0; i < n; i++) {
		open_link(&links[i], argv[1], atol(argv[4]), pipelined);
		fds[i] = (struct pollfd){ .fd = PQsocket(links[i].conn), .events = POLLIN };
	}
	began = now();
	for (int i = 0; i < n; i++)
		send_more(&links[i], pipelined);
	do {
		busy = 0;
		if (poll(fds, (nfds_t)n, -1) < 0)
			return 1;
		for (int i = 0; i < n; i++)
			busy += fds[i].revents ? serve(&links[i], pipelined) : links[i].results > 0;
	} while (busy > 0);
	printf("%.6f\n", now() - began);
	return 0;
}
