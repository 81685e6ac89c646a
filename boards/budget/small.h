/* SPDX-License-Identifier: MIT */
/* The budget of a microcontroller with 64 KiB of RAM (kernel/budget.h): 12
 * connections with a request each, in 40 KiB. */
#pragma once

/* ---- RAM by part, see kernel/mem.c ------------------------------------------ */

#define BUDGET_GRANULE 256u                 /* of the MPU's regions */
#define BUDGET_POOL_SLAB 1u                 /* one object at a time */
#define BUDGET_TABLES(ram, regions, stacks) 0u
#define BUDGET_SEALED(ram) 0u
#define BUDGET_DMA(ram) (3u * 1536)         /* the NIC's buffers: 2 to receive, 1 to send */
#define BUDGET_POOLS 22528u                 /* all that is below, at its most */
/* What is left, be it all of the board's RAM or the 40 KiB that the service needs. */
#define BUDGET_HEAP(ram) (MAX((ram), BUDGET_FIXED + 1152u) - BUDGET_FIXED)
#define BUDGET_FIXED (BUDGET_DMA(0) + BUDGET_POOLS + \
	BUDGET_STACKS_MAX * (BUDGET_STACK + BUDGET_STACK_GUARD))
#define BUDGET_STACK 2048u
#define BUDGET_STACK_GUARD 256u
#define BUDGET_STACKS_MAX 2u
/* The loop, and a handler that waits. */
#define BUDGET_STACKS(ram) (BUDGET_STACKS_MAX * BUDGET_STACK)

/* ---- Kernel ------------------------------------------------------------------ */

#define BUDGET_RAM_REGIONS 1
#define BUDGET_DEVICES 4
#define BUDGET_CMDLINE 1                    /* no loader gives one */
#define BUDGET_EARLY_LOG 64                 /* bytes of log from before the console is open */
#define BUDGET_LOG_LINE 160
#define BUDGET_SETTING_KEY 32
#define BUDGET_RANDOM_BLOCKS 2              /* of 64 bytes, made at a time */

/* ---- lwIP ---------------------------------------------------------------------- */

#define BUDGET_ARP 16                       /* clients on-link that are known at once */
#define BUDGET_ARP_QUEUE 1                  /* packets that wait for one address */
#define BUDGET_ARP_QUEUED 6                 /* and for all: each holds a block */
#define BUDGET_NEIGHBOURS 8                 /* remembered Ethernet headers */
#define BUDGET_IPV6 0                       /* its tables and code are as large as all else */
#define BUDGET_IP6_ADDRESSES 0
#define BUDGET_IP6_NEIGHBOURS 0
#define BUDGET_IP6_PREFIXES 0
#define BUDGET_IP6_ROUTERS 0
#define BUDGET_FRAGMENTS 4                  /* the whole of what fragments can hold */
#define BUDGET_DATAGRAMS 2                  /* being put together at once; the oldest goes first */
#define BUDGET_FRAGMENTS_SENT 4
#define BUDGET_DNS_SERVERS 2                /* all that are named, DHCP's and routers' */
#define BUDGET_IP4_ROUTES 2                 /* of DHCP's option 121 */
#define BUDGET_DNS_NAMES 1                  /* known, or being asked for */
#define BUDGET_DNS_ADDRS 1                  /* of each */
#define BUDGET_DNS_NAME 64                  /* bytes */
#define BUDGET_DNS_TCP 0                    /* what UDP cuts off is used as far as it goes */
#define BUDGET_MSS 536
#define BUDGET_MSS_MAX BUDGET_MSS
#define BUDGET_WINDOW 4                     /* segments */
#define BUDGET_SEND 4                       /* segments */
#define BUDGET_OOSEQ 4                      /* pieces that one connection holds out of order */
#define BUDGET_LISTENERS 3
#define BUDGET_NTP_SERVERS 2
#define BUDGET_NTP_SAMPLES 4                /* kept of each */

/* ---- Connections --------------------------------------------------------------- */

#define BUDGET_CONNECTIONS(ram) 14u         /* 12 served, 2 to be told 503 */
#define BUDGET_CLIENTS(n) 2u                /* more, that we open: an app that does leaves room */
#define BUDGET_HALF_OPEN(n) 12u            /* all may be made at the same time */
#define BUDGET_PCBS(n, half_open) 26u       /* with those that close and in TIME_WAIT */
#define BUDGET_BUCKETS 8u                   /* at least, of the table that finds them */
#define BUDGET_STREAMS_SPARE 1u             /* newcomers that may wait for an eviction */
#define BUDGET_LINGER(n) 4u                 /* closed here, not yet by the peer */
#define BUDGET_SEGMENTS(n) 24u
#define BUDGET_PBUFS(n) 16u
#define BUDGET_RX_BATCH 2u                  /* frames between two looks at the streams */
#define BUDGET_RX_SMALL_BYTES 256           /* a packet that net_rx_small holds */
#define BUDGET_RX_SMALL(n) 3u
#define BUDGET_RX_BIG_BYTES 640             /* and net_rx_big: a segment with all its headers */
#define BUDGET_RX_BIG(n) 2u
/* Blocks to send from, smallest first: handshakes, answers, segments, a full frame. */
#define BUDGET_BLOCKS(X, n) X(112, 12u) X(256, 11u) X(896, 3u) X(1664, 1u)

/* ---- HTTP ------------------------------------------------------------------------- */

#define BUDGET_CONN_SPARE(n) 2u             /* kept for telling 503 */
#define BUDGET_REQUEST_STORE 512            /* heads up to this are kept in the request itself */
#define BUDGET_RESPONSE_HEAD 384            /* status line and fields */
#define BUDGET_RESPONSE_EXTRA 128           /* of these, fields added by the handler */
#define BUDGET_RESPONSE_TYPE 48
#define BUDGET_RESPONSE_INLINE 256          /* bodies up to this size need no malloc() */
#define BUDGET_RESPONSE_MAX (16u << 10)
#define BUDGET_WORK_MIN (64u << 10)         /* bytes of the heap for requests and answers: all */
#define BUDGET_COLLECT 256                  /* first size of a buffer for a collected request */
#define BUDGET_FIELDS_MAX 32                /* http.max_headers goes up to this */
#define BUDGET_FIELDS 32                    /* and is this, unless set */
#define BUDGET_HEAD 2048
#define BUDGET_URI 512
#define BUDGET_BODY 2048
#define BUDGET_ROUTES 16
#define BUDGET_ROUTE_PARAMS 4
#define BUDGET_METRICS_TYPES 0              /* half of it would be "# TYPE" */

/* ---- TLS ----------------------------------------------------------------------------- */

#define BUDGET_TLS_HANDSHAKES(ram) 1u       /* at once */
#define BUDGET_TLS_SESSIONS(ram) 2u         /* with those that wait */
#define BUDGET_TLS_MEMORY_MIN (20u << 10)   /* bytes of the heap */
#define BUDGET_TLS_SPARE 0                  /* a pair of record buffers is kept */
#define BUDGET_TLS_CERTS 4
#define BUDGET_TLS_CLIENT 0                 /* no sessions of ours */
#define BUDGET_TLS_AUTHORITIES 0            /* of tls.ca */
#define BUDGET_TLS_STACK 5632u               /* of the task that does handshakes */
