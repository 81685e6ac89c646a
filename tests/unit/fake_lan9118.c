/* SPDX-License-Identifier: MIT */
/* See fake_lan9118.h. */
#include "tests/unit/fake_lan9118.h"

#include "kernel/arch.h"

#define TX_BYTES 4608u

struct fake_lan9118 chip;
static uintptr_t base;

/* The frame on its way into the transmit FIFO. */
static struct {
	uint32_t a, b;
	unsigned words, at;             /* command words so far; bytes of data */
} tx;

/* ---- The warden --------------------------------------------------------------- */

/* Nothing may come by the line before its polarity is set. */
void arch_irq_enable(uint32_t irq, volatile void *status, volatile void *ack)
{
	assert_int_equal(irq, 13);
	assert_null(status);
	assert_null(ack);
	assert_int_equal(chip.irq_cfg, IRQ_HIGH_LEVEL);
	chip.irq_enabled++;
}

/* ---- Receive ------------------------------------------------------------------- */

unsigned rx_frames(void)
{
	return chip.rx_state_count - chip.rx_state_taken;
}

unsigned rx_words(void)
{
	return chip.rx_count - chip.rx_taken;
}

static void rx_push(uint32_t word)
{
	chip.rx[chip.rx_count++ % RX_WORDS] = word;
}

void deliver_raw(uint32_t status, unsigned words)
{
	while (words-- > 0)
		rx_push(0xdeadbeef);
	chip.rx_states[chip.rx_state_count++ % RX_STATES] = status;
}

bool deliver(unsigned len, uint8_t fill, uint32_t bits)
{
	unsigned shift = chip.rx_cfg >> 8 & 31, words = (shift + len + FCS + 3) / 4;
	uint8_t bytes[2048 + 8] = { 0 };
	uint32_t word;

	if (!(chip.mac[MAC_CR] & CR_RXEN) || rx_words() + words > RX_WORDS ||
	    rx_frames() == RX_STATES) {
		chip.dropped++;
		return false;
	}
	memset(bytes + shift, fill, len);
	memset(bytes + shift + len, 0xfc, FCS);
	for (unsigned i = 0; i < words; i++) {
		memcpy(&word, bytes + i * 4, 4);
		rx_push(word);
	}
	chip.rx_states[chip.rx_state_count++ % RX_STATES] = (len + FCS) << 16 | bits;
	return true;
}

static uint32_t rx_pop(void)
{
	if (rx_words() > 0)
		return chip.rx[chip.rx_taken++ % RX_WORDS];
	chip.underruns++;
	chip.int_sts |= INT_RXE;
	return 0;
}

static uint32_t rx_state_pop(void)
{
	uint32_t status = 0;

	if (rx_frames() > 0)
		status = chip.rx_states[chip.rx_state_taken++ % RX_STATES];
	else
		chip.underruns++;
	if (chip.after_state)
		chip.after_state();
	return status;
}

/* §3.13.1.2: only while the receiver stands still. */
static void rx_configure(uint32_t value)
{
	if (value & RX_CFG_DUMP) {
		assert_false(chip.mac[MAC_CR] & CR_RXEN);
		assert_true(chip.int_sts & INT_RXSTOP);
		chip.rx_taken = chip.rx_count;
		chip.rx_state_taken = chip.rx_state_count;
		chip.rx_dumps++;
	}
	chip.rx_cfg = value & ~RX_CFG_DUMP;
}

/* ---- Send ----------------------------------------------------------------------- */

static void tx_end(void)
{
	chip.sent_len = tx.a & 0x7ff;
	chip.sent_count++;
	if (chip.holds_frames) {
		chip.tx_used += 8 + tx.words * 4;
	} else {
		chip.tx_states++;
		chip.tx_states = MIN(chip.tx_states, 128u);
	}
	tx.words = tx.at = 0;
}

/* §3.12.2: two command words, then data whose first `shift` bytes do not count. */
static void tx_push(uint32_t word)
{
	unsigned shift = tx.a >> 16 & 31, len = tx.a & 0x7ff;

	assert_true(chip.tx_cfg & TX_CFG_ON);
	if (tx.words == 0) {
		assert_int_equal(word & ~0x1f07ffu, 1u << 13 | 1u << 12);
		tx.a = word;
	} else if (tx.words == 1) {
		assert_int_equal(word & 0x7ff, len);
		tx.b = word;
	} else {
		for (unsigned i = 0; i < 4; i++, tx.at++)
			if (tx.at >= shift && tx.at < shift + len)
				chip.sent[tx.at - shift] = (uint8_t)(word >> i * 8);
	}
	tx.words++;
	assert_true(chip.tx_used + tx.words * 4 <= TX_BYTES);
	if (tx.words >= 2 && tx.at >= shift + len)
		tx_end();
}

static uint32_t tx_state_pop(void)
{
	assert_true(chip.tx_states > 0);
	chip.tx_states--;
	return chip.tx_state;
}

static void tx_configure(uint32_t value)
{
	if (value & TX_CFG_STOP) {
		chip.int_sts |= INT_TXSTOP;
		value &= ~(TX_CFG_ON | TX_CFG_STOP);
	}
	if (value & TX_CFG_DUMP) {
		assert_true(chip.int_sts & INT_TXSTOP);
		assert_false(chip.tx_cfg & TX_CFG_ON);
		chip.tx_used = chip.tx_states = 0;
		memset(&tx, 0, sizeof(tx));
		chip.tx_dumps++;
	}
	chip.tx_cfg = value & ~TX_CFG_DUMP;
}

/* ---- MAC and PHY ------------------------------------------------------------------ */

static void mii(uint32_t acc)
{
	unsigned r = acc >> 6 & 31;

	assert_int_equal(acc >> 11 & 31, 1);
	if (acc & MII_WRITE)
		chip.phy[r] = (uint16_t)chip.mac[MAC_MII_DATA];
	else
		chip.mac[MAC_MII_DATA] = chip.phy[r];
	chip.mac[MAC_MII_ACC] = chip.stuck_mii ? acc : acc & ~MII_BUSY;
}

static void mac_command(uint32_t command)
{
	unsigned r = command & 0xff;

	assert_true(command & CSR_BUSY);
	assert_in_range(r, 1, 12);
	if (command & CSR_READ) {
		chip.mac_data = chip.mac[r];
	} else if (r == MAC_MII_ACC) {
		mii(chip.mac_data);
	} else {
		if (r == MAC_CR && (chip.mac[r] & CR_RXEN) && !(chip.mac_data & CR_RXEN))
			chip.int_sts |= INT_RXSTOP;
		chip.mac[r] = chip.mac_data;
	}
}

/* ---- Registers -------------------------------------------------------------------- */

/* Causes that last are there again at once, however they are cleared. */
static uint32_t causes(void)
{
	uint32_t level = chip.fifo_int >> 24 << 6;

	return chip.int_sts | (rx_frames() > (chip.fifo_int & 0xff) ? INT_RSFL : 0) |
	       (TX_BYTES - chip.tx_used > level ? INT_TDFA : 0);
}

bool irq_line(void)
{
	return (causes() & chip.int_en) && (chip.irq_cfg & 1u << 8);
}

static uint32_t chip_read(unsigned offset)
{
	uint32_t dropped = chip.dropped;

	switch (offset) {
	case RX_DATA: return rx_pop();
	case RX_STATUS: return rx_state_pop();
	case TX_STATUS: return tx_state_pop();
	case ID_REV: return chip.id;
	case INT_STS: return causes();
	case BYTE_TEST: return chip.byte_test;
	case RX_CFG: return chip.rx_cfg;
	case TX_CFG: return chip.tx_cfg;
	case HW_CFG: return chip.hw_cfg;
	case RX_FIFO_INF: return rx_frames() << 16 | rx_words() * 4;
	case TX_FIFO_INF: return chip.tx_states << 16 | (TX_BYTES - chip.tx_used);
	case PMT_CTRL: return chip.pmt;
	case RX_DROP: chip.dropped = 0; return dropped;
	case MAC_CSR_CMD: return chip.stuck_mac ? CSR_BUSY : 0;
	case MAC_CSR_DATA: return chip.mac_data;
	case E2P_CMD: return chip.e2p;
	}
	fail_msg("a read of %#x", offset);
	return 0;
}

static void soft_reset(void)
{
	chip.resets++;
	chip.hw_cfg = chip.stuck_reset;
	chip.int_en = chip.irq_cfg = chip.rx_cfg = chip.tx_cfg = 0;
	chip.mac[MAC_CR] = 1u << 18;
}

static void chip_write(unsigned offset, uint32_t value)
{
	switch (offset) {
	case TX_DATA: tx_push(value); return;
	case IRQ_CFG: chip.irq_cfg = value; return;
	case INT_STS:
		chip.int_sts &= ~value;
		if (chip.after_ack)
			chip.after_ack();
		return;
	case INT_EN: chip.int_en = value; return;
	case BYTE_TEST: return;
	case FIFO_INT: chip.fifo_int = value; return;
	case RX_CFG: rx_configure(value); return;
	case TX_CFG: tx_configure(value); return;
	case HW_CFG:
		if (value & HW_CFG_SRST)
			soft_reset();
		else
			chip.hw_cfg = value;
		return;
	case MAC_CSR_CMD: mac_command(value); return;
	case MAC_CSR_DATA: chip.mac_data = value; return;
	}
	fail_msg("a write to %#x", offset);
}

static const struct fake_mmio model = { chip_read, chip_write };

void chip_new(void)
{
	fake_nic_new();
	memset(&chip, 0, sizeof(chip));
	memset(&tx, 0, sizeof(tx));
	chip.id = 0x01180001;
	chip.byte_test = BYTE_TEST_VALUE;
	chip.pmt = PMT_READY;
	chip.fifo_int = 0x48000000;
	chip.mac[MAC_ADDRL] = 0x12005452;
	chip.mac[MAC_ADDRH] = 0xffff5634;
	chip.phy[BMCR] = 0x3000;
	chip.phy[BMSR] = 0x782d;
	chip.phy[ANAR] = 0x01e1;
	chip.phy[ANLPAR] = 0x41e1;
	if (!base)
		base = fake_mmio_map(&model);
}

int chip_open(void)
{
	struct device at = { .kind = DEV_LAN9118, .base = base, .irq = 13 };

	return lan9118.open(&nd, &at);
}
