/* SPDX-License-Identifier: MIT */
/* What vmxnet3.c and its test share: registers and memory of the vmxnet3 interface,
 * revision 1. Little endian; addresses are physical. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch.h"

#define RING_ALIGN 512u                /* of completion rings */

/* BAR 0. Interrupt 0's mask; the index behind the last descriptor of a ring. */
enum { MASK = 0x000, TX_PRODUCED = 0x600, RX_PRODUCED = 0x800 };

/* BAR 1. */
enum {
	REVISIONS = 0x00,
	UPT_REVISIONS = 0x08,
	SHARED_LOW = 0x10, SHARED_HIGH = 0x18,
	COMMAND = 0x20,
	MAC_LOW = 0x28, MAC_HIGH = 0x30,
	ICR = 0x38,                    /* reading takes the pin's level away */
};

/* Commands. */
#define ACTIVATE 0xcafe0000u           /* then reads 0 */
#define QUIESCE 0xcafe0001u
#define RESET 0xcafe0002u
#define UPDATE_RX_MODE 0xcafe0003u
#define GET_LINK 0xf00d0002u           /* then reads speed << 16 | up */

/* Descriptors: the word after the address. */
#define TX_GENERATION (1ull << 14)     /* above the length */
#define TX_SUM_AT(at) ((uint64_t)(at) << 18)
#define TX_HEADERS(len) ((uint64_t)(len) << 32)
#define TX_SUM (2ull << 42)
#define TX_EOP (1ull << 44)
#define TX_REPORT (1ull << 45)
#define RX_GENERATION (1ull << 31)     /* bit 14, 0: the first of a frame */

/* Completions: generation bit 31 of `last`. */
struct completion {
	uint32_t first, second, third, last;
};

#define SLOT_MASK 0xfffu
#define RX_SLOT(first) ((first) & SLOT_MASK)
#define RX_EOP (1u << 14)              /* of `first` */
#define RX_SOP (1u << 15)
#define RX_NO_SUM (1u << 30)
#define RX_LEN(third) ((third) & 0x3fffu)
#define RX_ERROR (1u << 14)            /* of `third` */
#define RX_SUM_OK (1u << 16)           /* of `last`: TCP's or UDP's */
#define RX_TCP_UDP (3u << 17)
#define RX_FRAGMENT (1u << 22)

/* What the device is told at activation. */
#define MAGIC 0xbabefee1u
#define DRIVER_VERSION 0x01000000u
#define GUEST_LINUX_64 (2u | 1u << 2)
#define FEATURE_RX_SUM 1u
enum { MODE_UNICAST = 1, MODE_BROADCAST = 4, MODE_ALL_MULTICAST = 8 };

struct tx_queue {
	uint32_t deferred, threshold;
	uint64_t reserved;
	uint64_t ring_at, data_at, done_at, driver_at, reserved2;
	uint32_t size, data_size, done_size, driver_len;
	uint8_t interrupt, pad[7];
	uint8_t stopped, pad2[3];
	uint32_t error;
	uint64_t statistics[10];
	uint8_t pad3[88];
};

struct rx_queue {
	uint8_t update, pad[7];
	uint64_t reserved;
	uint64_t ring_at[2], done_at, driver_at, reserved2;
	uint32_t size[2], done_size, driver_len;
	uint8_t interrupt, pad2[7];
	uint8_t stopped, pad3[3];
	uint32_t error;
	uint64_t statistics[10];
	uint8_t pad4[88];
};

struct shared {
	uint32_t magic, reserved;
	/* What it is. */
	uint32_t driver_version, guest, revisions, upt_revisions;
	uint64_t features, driver_at, queues_at;
	uint32_t driver_len, queues_len, mtu;
	uint16_t rx_parts_max;
	uint8_t tx_queues, rx_queues;
	uint32_t reserved2[4];
	/* Interrupts. */
	uint8_t auto_mask, interrupts, event_interrupt, moderation[25];
	uint32_t all_masked, reserved3[2];
	/* What is received. */
	uint32_t rx_mode;
	uint16_t multicast_len, pad;
	uint64_t multicast_at;
	uint32_t vlans[128];
	struct { uint32_t version, len; uint64_t at; } rss, patterns, plugin;
	uint32_t events, reserved4[5];
	/* Ours: queues where queues_at says, and the descriptors of the body ring. */
	_Alignas(128) struct tx_queue tx;
	struct rx_queue rx;
	_Alignas(512) struct ring_desc body[32];
};

_Static_assert(offsetof(struct shared, all_masked) == 108, "layout");
_Static_assert(offsetof(struct shared, rx_mode) == 120, "layout");
_Static_assert(offsetof(struct shared, events) == 696, "layout");
_Static_assert(sizeof(struct tx_queue) == 256, "layout");
_Static_assert(sizeof(struct rx_queue) == 256, "layout");
