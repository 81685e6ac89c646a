/* SPDX-License-Identifier: MIT */
/* A LAN9118 behind fake_mmio.h: its FIFOs, MAC and PHY, as far as the data sheet
 * says and the driver may notice. Descriptions of the functions stand here. */
#pragma once

#include <errno.h>
#include <string.h>

#include "kernel/mem.h"
#include "net/dev/lan9118.h"
#include "tests/unit/fake_mmio.h"
#include "tests/unit/fake_nic.h"

#define RX_WORDS 2640u                  /* in the receive data FIFO */
#define RX_STATES 176u

extern const struct netdev_ops lan9118;

struct fake_lan9118 {
	uint32_t id, byte_test, pmt, hw_cfg, rx_cfg, tx_cfg, irq_cfg, int_sts, int_en, fifo_int;
	uint32_t e2p, dropped, mac[13], mac_data;
	uint16_t phy[32];
	uint32_t rx[RX_WORDS], rx_states[RX_STATES];
	unsigned rx_count, rx_taken, rx_state_count, rx_state_taken;
	uint8_t sent[NETDEV_FRAME_MAX];         /* the last frame, */
	unsigned sent_len, sent_count;          /* its length, and how many */
	unsigned tx_states, tx_used;            /* in their FIFOs; of the data FIFO, bytes */
	uint32_t tx_state;                      /* what will be said of each frame */
	bool holds_frames;                      /* the wire does not take any */
	bool stuck_reset, stuck_mac, stuck_mii; /* never ready again */
	unsigned resets, rx_dumps, tx_dumps, underruns;
	unsigned irq_enabled;                   /* calls of arch_irq_enable() */
	void (*after_ack)(void);                /* called once INT_STS was written */
	void (*after_state)(void);              /* called once a receive state was read */
};
extern struct fake_lan9118 chip;

/* A chip after power-on, with a MAC address and a link of 100 Mbit/s, full
 * duplex, and the driver's open() on it. */
void chip_new(void);
int chip_open(void);

/* A frame comes in: `len` bytes `fill` without the FCS, with these bits besides
 * in its status. False when the FIFOs are full, which the chip counts. */
bool deliver(unsigned len, uint8_t fill, uint32_t bits);

/* Any status and any number of words. */
void deliver_raw(uint32_t status, unsigned words);

/* Frames and words that wait in the receive FIFOs. */
unsigned rx_frames(void);
unsigned rx_words(void);

/* What the interrupt line says. */
bool irq_line(void);
