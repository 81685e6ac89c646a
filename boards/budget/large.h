/* SPDX-License-Identifier: MIT */
/* The budget of machines with a megabyte of RAM and more (kernel/budget.h): most
 * of it follows from how much there is. */
#pragma once

/* ---- RAM by part, see kernel/mem.c ------------------------------------------ */

#define BUDGET_GRANULE 4096u                /* parts begin and end on a page */
#define BUDGET_POOL_SLAB 4096u              /* bytes that a pool takes at a time */
/* Page tables: one maps 2 MiB, one of the next level 1 GiB. In pages; `stacks` is
 * the address space of all task stacks. */
#define BUDGET_TABLES(ram, regions, stacks) \
	(27 + MIN((ram) >> 22, 16u) + ((ram) >> 30) + (regions) * 2 + ((stacks) >> 21))
#define BUDGET_SEALED(ram) MIN(MAX((ram) / 64, 32u << 10), 256u << 10)
#define BUDGET_DMA(ram) MIN(MAX((ram) / 8, MIN(384u << 10, (ram) / 5)), 4u << 20)
#define BUDGET_HEAP(ram) MIN(MAX((ram) / 16, 32u << 10), 64u << 20)
#define BUDGET_STACK 8192u
#define BUDGET_STACK_GUARD 4096u
#define BUDGET_STACKS_MAX 16384u
/* 1 / 32 of the first 64 MiB, 5 / 8 of what lies beyond. */
#define BUDGET_STACKS(ram) \
	(MIN((ram), 64u << 20) / 32 + ((ram) > 64u << 20 ? ((ram) - (64u << 20)) / 8 * 5 : 0))

/* ---- Kernel ------------------------------------------------------------------ */

#define BUDGET_RAM_REGIONS 16
#define BUDGET_DEVICES 64
#define BUDGET_CMDLINE 2048                 /* bytes, with the NUL */
#define BUDGET_EARLY_LOG 1024               /* bytes of log from before the console is open */
#define BUDGET_LOG_LINE 256
#define BUDGET_SETTING_KEY 48
#define BUDGET_RANDOM_BLOCKS 8              /* of 64 bytes, made at a time */

/* ---- lwIP ---------------------------------------------------------------------- */

#define BUDGET_ARP 127                      /* many clients may be on-link; the most that fits u8 */
#define BUDGET_ARP_QUEUE 64                 /* packets that wait for one address */
#define BUDGET_ARP_QUEUED 256               /* and for all together */
#define BUDGET_NEIGHBOURS 64                /* remembered Ethernet headers */
#define BUDGET_IPV6 1
#define BUDGET_IP6_ADDRESSES 8              /* of ours, with the link's */
#define BUDGET_IP6_NEIGHBOURS 64            /* known at once, and paths to others */
#define BUDGET_IP6_PREFIXES 8
#define BUDGET_IP6_ROUTERS 4
#define BUDGET_FRAGMENTS 32                 /* in all, an MTU each: 47 KiB; 282 with mtu=9000 */
#define BUDGET_DATAGRAMS 8                  /* being put together at once; the oldest goes first */
#define BUDGET_FRAGMENTS_SENT 64
#define BUDGET_DNS_SERVERS 4                /* all that are named, DHCP's and routers' */
#define BUDGET_IP4_ROUTES 8                 /* of DHCP's option 121 */
#define BUDGET_DNS_NAMES 64                 /* known, or being asked for */
#define BUDGET_DNS_ADDRS 4                  /* of each */
#define BUDGET_DNS_NAME 256                 /* bytes */
#define BUDGET_DNS_TCP 4                    /* asked again over TCP at once, of 4 KiB each */
#define BUDGET_MSS 1460
#define BUDGET_MSS_MAX 8960                 /* with mtu=9000 */
#define BUDGET_WINDOW 16                    /* segments: 23 KiB, 16 of them fill a ring */
#define BUDGET_SEND 16                      /* segments */
#define BUDGET_OOSEQ 16                     /* pieces that one connection holds out of order */
#define BUDGET_LISTENERS 8
#define BUDGET_NTP_SERVERS 4
#define BUDGET_NTP_SAMPLES 8                /* kept of each */

/* ---- Connections, by how much memory there is ------------------------------------ */

#define BUDGET_CONNECTIONS(ram) MIN(MAX((ram) / 2800, 128u), 1u << 18)
#define BUDGET_CLIENTS(n) ((n) / 4)         /* more, that we open */
#define BUDGET_HALF_OPEN(n) MIN(MAX((n) / 8, 32u), 1024u)
/* With those that close and in TIME_WAIT; and lists, at least, of the table that finds them. */
#define BUDGET_PCBS(n, half_open) ((n) + (n) / 8 + 32 + (half_open))
#define BUDGET_BUCKETS 64u
#define BUDGET_STREAMS_SPARE 16u            /* newcomers that may wait for an eviction */
#define BUDGET_LINGER(n) ((n) / 8 + 16)     /* closed here, not yet by the peer */
#define BUDGET_SEGMENTS(n) ((n) + 1024)
#define BUDGET_PBUFS(n) ((n) / 2 + 64)
#define BUDGET_RX_BATCH 32u                 /* frames between two looks at the streams */
#define BUDGET_RX_SMALL_BYTES 256           /* a packet that net_rx_small holds */
#define BUDGET_RX_SMALL(n) MAX((n) / 4, 64u)
#define BUDGET_RX_BIG_BYTES 1514            /* and net_rx_big: any frame */
#define BUDGET_RX_BIG(n) MAX((n) / 8, 32u)
/* Blocks to send from, smallest first: up to a full frame, and one with mtu=9000. */
#define BUDGET_BLOCKS(X, n) \
	X(256, (n) + 64) X(512, (n) / 4 + 32) X(1024, (n) / 16 + 32) X(1664, MAX((n) / 4, 96u)) \
	X(9216, MAX((n) / 64, 16u))

/* ---- HTTP ------------------------------------------------------------------------- */

#define BUDGET_CONN_SPARE(n) MAX((n) / 32, 2u)   /* kept for telling 503 */
#define BUDGET_REQUEST_STORE 1536           /* heads up to this are kept in the request itself */
#define BUDGET_RESPONSE_HEAD 768            /* status line and fields */
#define BUDGET_RESPONSE_EXTRA 512           /* of these, fields added by the handler */
#define BUDGET_RESPONSE_TYPE 80
#define BUDGET_RESPONSE_INLINE 2048         /* bodies up to this size need no malloc() */
#define BUDGET_RESPONSE_MAX (4u << 20)
#define BUDGET_WORK_MIN (16u << 10)         /* bytes of the heap for requests and answers */
#define BUDGET_COLLECT 1024                 /* first size of a buffer for a collected request */
#define BUDGET_FIELDS_MAX 128               /* http.max_headers goes up to this */
#define BUDGET_FIELDS 64                    /* and is this, unless set */
#define BUDGET_HEAD 8192
#define BUDGET_URI 2048
#define BUDGET_BODY 65536
#define BUDGET_ROUTES 64
#define BUDGET_ROUTE_PARAMS 8
#define BUDGET_METRICS_TYPES 1              /* "# TYPE" of each */

/* ---- TLS ----------------------------------------------------------------------------- */

#define BUDGET_TLS_HANDSHAKES(ram) MIN(MAX((ram) / 2000000, 4u), 512u)/* at once */
#define BUDGET_TLS_SESSIONS(ram) MIN(MAX((ram) >> 18, 32u), 8192u)   /* with those that wait */
#define BUDGET_TLS_MEMORY_MIN (64u << 10)   /* bytes of the heap, half of which is for TLS */
#define BUDGET_TLS_SPARE 1                  /* a pair of record buffers is kept */
#define BUDGET_TLS_CERTS 4
#define BUDGET_TLS_CLIENT 1
#define BUDGET_TLS_AUTHORITIES 256          /* of tls.ca */
#define BUDGET_TLS_STACK 16384u              /* of the task that does handshakes */
