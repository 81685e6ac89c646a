/* SPDX-License-Identifier: MIT */
/* net/dev/stellaris_eth.c against a model of the controller (LM3S6965 data sheet,
 * ch. 15): two FIFOs, an interrupt status that is cleared by bits, a PHY. */
/* sources: net/dev/stellaris_eth.c tests/unit/fake_mmio.c tests/unit/fake_nic.c
 * tests/unit/fake_kernel.c */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/mem.h"
#include "tests/unit/fake_mmio.h"
#include "tests/unit/fake_nic.h"

#define FIFO_BYTES 2048u
#define BUFFERS 4u

extern const struct netdev_ops stellaris_eth;

enum {
	RIS = 0x00, IM = 0x04, RCTL = 0x08, TCTL = 0x0c, DATA = 0x10, IA0 = 0x14, IA1 = 0x18,
	MCTL = 0x20, MDV = 0x24, MRXD = 0x30, NP = 0x34, TR = 0x38,
};
enum { RX_INT = 1, TX_ERROR = 2, TX_EMPTY = 4, RX_OVERRUN = 8, RX_ERROR = 16 };

static struct {
	uint32_t ris, im, rctl, tctl, ia0, ia1, mdv, mctl;
	uint16_t phy[32];
	uint8_t rx[FIFO_BYTES];
	unsigned rx_end, rx_at, rx_frames;      /* bytes put and taken; whole frames */
	unsigned frame_left;                    /* of the frame being read */
	uint8_t tx[FIFO_BYTES];
	unsigned tx_len;
	uint8_t sent[NETDEV_FRAME_MAX];
	unsigned sent_len, sent_count;
	bool busy, stuck_phy;
	bool flood;                             /* a broken frame for each that is taken */
	unsigned fifo_resets, irqs, underruns;
	void (*after_ack)(void);
} chip;
static uintptr_t base;
static uint32_t user_regs[2];                  /* the MAC address, as in flash */

/* ---- The controller --------------------------------------------------------------- */

/* A frame with any length field and any number of bytes behind it. */
static bool deliver_raw(unsigned field, uint8_t fill, unsigned bytes)
{
	unsigned whole = ALIGN_UP(2 + bytes, 4u);

	if (chip.rx_end - chip.rx_at + whole > FIFO_BYTES) {
		chip.ris |= RX_OVERRUN;
		return false;
	}
	for (unsigned i = 0; i < whole; i++, chip.rx_end++)
		chip.rx[chip.rx_end % FIFO_BYTES] =
			i == 0 ? field & 0xff : i == 1 ? field >> 8 : fill;
	chip.rx_frames++;
	chip.ris |= RX_INT;
	return true;
}

/* `len` bytes of frame and the FCS; the field counts itself, too (§15.2.1.2). */
static bool deliver(unsigned len, uint8_t fill)
{
	return deliver_raw(len + 6, fill, len + 4);
}

static uint32_t data_pop(void)
{
	uint8_t word[4];
	uint32_t value;

	if (chip.rx_at == chip.rx_end) {
		chip.underruns++;
		return 0;
	}
	for (unsigned i = 0; i < 4; i++)
		word[i] = chip.rx[chip.rx_at++ % FIFO_BYTES];
	memcpy(&value, word, 4);
	if (chip.frame_left == 0)
		chip.frame_left = ALIGN_UP(MAX(value & 0xffff, 1u), 4u);
	chip.frame_left -= MIN(chip.frame_left, 4u);
	if (chip.frame_left == 0 && chip.rx_frames > 0) {
		chip.rx_frames--;
		if (chip.flood)
			deliver(20, 0xee);
	}
	return value;
}

static void data_push(uint32_t value)
{
	assert_false(chip.busy);
	assert_true(chip.tx_len + 4 <= FIFO_BYTES);
	memcpy(chip.tx + chip.tx_len, &value, 4);
	chip.tx_len += 4;
}

/* What is in the FIFO must be exactly the frame that its first half-word says. */
static void transmit(void)
{
	unsigned len = chip.tx[0] + chip.tx[1] * 256u + 14;

	assert_true(chip.tctl & 1);
	assert_in_range(len, 60, NETDEV_FRAME_MAX);
	assert_int_equal(chip.tx_len, ALIGN_UP(2 + len, 4u));
	memcpy(chip.sent, chip.tx + 2, len);
	chip.sent_len = len;
	chip.sent_count++;
	chip.tx_len = 0;
}

static void reset_fifo(void)
{
	chip.rx_at = chip.rx_end;
	chip.rx_frames = chip.frame_left = 0;
	chip.fifo_resets++;
}

static bool irq_line(void)
{
	return chip.ris & chip.im;
}

static uint32_t chip_read(unsigned offset)
{
	switch (offset) {
	case RIS: return chip.ris;
	case IM: return chip.im;
	case RCTL: return chip.rctl;
	case TCTL: return chip.tctl;
	case DATA: return data_pop();
	case MCTL: return chip.stuck_phy ? chip.mctl : chip.mctl & ~1u;
	case MRXD: return chip.phy[chip.mctl >> 3 & 31];
	case NP: return MIN(chip.rx_frames, 63u);
	case TR: return chip.busy;
	}
	fail_msg("a read of %#x", offset);
	return 0;
}

static void chip_write(unsigned offset, uint32_t value)
{
	switch (offset) {
	case RIS:
		chip.ris &= ~value;
		if (chip.after_ack)
			chip.after_ack();
		return;
	case IM: chip.im = value; return;
	case RCTL:
		if (value & 1u << 4)
			reset_fifo();
		chip.rctl = value & ~(1u << 4);
		return;
	case TCTL: chip.tctl = value; return;
	case DATA: data_push(value); return;
	case IA0: chip.ia0 = value; return;
	case IA1: chip.ia1 = value; return;
	case MCTL: chip.mctl = value; return;
	case MDV: chip.mdv = value; return;
	case TR:
		if (value & 1)
			transmit();
		return;
	}
	fail_msg("a write to %#x", offset);
}

static const struct fake_mmio model = { chip_read, chip_write };

void arch_irq_enable(uint32_t irq, volatile void *status, volatile void *ack)
{
	assert_int_equal(irq, 42);
	assert_true(!status && !ack);
	chip.irqs++;
}

/* ---- Boot ------------------------------------------------------------------------ */

static int setup(void **state)
{
	fake_nic_new();
	memset(&chip, 0, sizeof(chip));
	chip.phy[1] = 0x782d;
	user_regs[0] = 0x00b61a00, user_regs[1] = 0x00563412;
	pool_size = (BUFFERS + 1) * 1536;
	if (!base)
		base = fake_mmio_map(&model);
	return 0;
}

static int chip_open(void)
{
	struct device at = {
		.kind = DEV_STELLARIS_ETH, .base = base, .size = PAGE_SIZE, .irq = 42,
		.base2 = (uintptr_t)user_regs, .size2 = sizeof(user_regs), .arg = 50000000,
	};

	return stellaris_eth.open(&nd, &at);
}

static void test_open(void **state)
{
	assert_int_equal(chip_open(), 0);
	assert_memory_equal(nd.mac, "\x00\x1a\xb6\x12\x34\x56", 6);
	assert_int_equal(chip.ia0, 0x12b61a00);
	assert_int_equal(chip.ia1 & 0xffff, 0x5634);
	assert_int_equal(nd.mtu, 1500);
	assert_int_equal(nd.rx_count, BUFFERS);
	assert_false(nd.tx_csum || nd.rx_csum);
	assert_int_equal(chip.irqs, 1);
	assert_int_equal(chip.im, 0);
	assert_int_equal(chip.rctl, 1 << 3 | 1);        /* on, bad checksums dropped */
	assert_int_equal(chip.mdv, 10);                 /* 50 MHz: 2.27 MHz on MDC */
	assert_true(chip.fifo_resets > 0);
	assert_true(stellaris_eth.link(&nd));
}

static void test_open_odd(void **state)
{
	user_regs[0] = user_regs[1] = UINT32_MAX;       /* never written */
	assert_int_equal(chip_open(), 0);
	assert_int_equal(nd.mac[0] & 3, 2);

	setup(NULL);
	user_regs[0] = user_regs[1] = 0;
	assert_int_equal(chip_open(), 0);
	assert_int_equal(nd.mac[0] & 3, 2);

	setup(NULL);
	pool_size = 1536;
	assert_int_equal(chip_open(), -ENOMEM);
	assert_int_equal(chip.irqs, 0);
}

/* ---- Receive --------------------------------------------------------------------- */

static void expect_frame(unsigned len, uint8_t fill)
{
	struct frame *f = stellaris_eth.recv(&nd);

	assert_non_null(f);
	assert_int_equal(f->len, len);
	assert_int_equal(((uintptr_t)f->data + 14) % 4, 0);
	for (unsigned i = 0; i < len; i++)
		assert_int_equal(f->data[i], fill);
	assert_true(f->data >= (uint8_t *)pool);
	assert_true(f->data + len + 4 <= (uint8_t *)pool + pool_size);
	stellaris_eth.release(&nd, f);
}

static void test_receive(void **state)
{
	static const unsigned lens[] = { 60, 61, 62, 63, 64, 65, 100, 1513, NETDEV_FRAME_MAX };

	assert_int_equal(chip_open(), 0);
	assert_null(stellaris_eth.recv(&nd));
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++) {
		assert_true(deliver(lens[i], (uint8_t)(0xa0 + i)));
		expect_frame(lens[i], (uint8_t)(0xa0 + i));
	}
	for (unsigned i = 0; i < 7; i++)
		assert_true(deliver(lens[i], (uint8_t)i));
	for (unsigned i = 0; i < 7; i++)
		expect_frame(lens[i], (uint8_t)i);
	assert_null(stellaris_eth.recv(&nd));
	assert_int_equal(chip.underruns, 0);
	assert_int_equal(count("stellaris_rx_frames_total"), ARRAY_LEN(lens) + 7);
}

/* Whole, but not frames of ours: the next one is. */
static void test_receive_misfits(void **state)
{
	static const unsigned lens[] = { 1, 2, 3, 4, 13, 59, 1515, 1516, 1517, 1518, 1900 };

	assert_int_equal(chip_open(), 0);
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++) {
		assert_true(deliver(lens[i], 0xbb));
		assert_true(deliver(70, (uint8_t)i));
		expect_frame(70, (uint8_t)i);
	}
	assert_int_equal(count("stellaris_rx_bad_total"), ARRAY_LEN(lens));
	assert_int_equal(count("stellaris_rx_resyncs_total"), 0);
	assert_int_equal(chip.underruns, 0);
}

/* A length that cannot be: nobody knows where the next frame begins. */
static void test_receive_nonsense(void **state)
{
	static const unsigned fields[] = { 0, 1, 2, 5, 6, 2049, 0x7fff, 0xffff };
	unsigned resets;

	assert_int_equal(chip_open(), 0);
	resets = chip.fifo_resets;
	for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
		deliver_raw(fields[i], 0xcc, 100);
		deliver(60, 0xdd);
		assert_null(stellaris_eth.recv(&nd));
		assert_int_equal(chip.fifo_resets, resets + i + 1);
		assert_int_equal(chip.rctl, 1 << 3 | 1);
		deliver(80, (uint8_t)i);
		expect_frame(80, (uint8_t)i);
	}
	assert_int_equal(count("stellaris_rx_resyncs_total"), ARRAY_LEN(fields));
	assert_int_equal(chip.underruns, 0);
}

static void test_receive_overrun(void **state)
{
	unsigned taken = 0;

	assert_int_equal(chip_open(), 0);
	while (deliver(300, (uint8_t)taken))
		taken++;
	assert_true(stellaris_eth.arm(&nd));
	assert_int_equal(count("stellaris_rx_overruns_total"), 1);
	for (unsigned i = 0; i < taken; i++)
		expect_frame(300, (uint8_t)i);
	assert_null(stellaris_eth.recv(&nd));
	chip.ris |= RX_ERROR | TX_ERROR;
	assert_false(stellaris_eth.arm(&nd));
	assert_int_equal(count("stellaris_rx_overruns_total"), 1);
	assert_int_equal(count("stellaris_rx_bad_total"), 1);
	assert_int_equal(count("stellaris_tx_bad_total"), 1);
}

/* Broken frames that come as fast as they are dropped do not hold recv() up. */
static void test_receive_flood(void **state)
{
	assert_int_equal(chip_open(), 0);
	chip.flood = true;
	deliver(20, 0xee);
	assert_null(stellaris_eth.recv(&nd));
	assert_in_range(count("stellaris_rx_bad_total"), 1, 63);
	assert_true(stellaris_eth.arm(&nd));
}

static void test_receive_dry(void **state)
{
	struct frame *f[BUFFERS];

	assert_int_equal(chip_open(), 0);
	for (unsigned i = 0; i < BUFFERS; i++) {
		deliver(60, (uint8_t)i);
		f[i] = stellaris_eth.recv(&nd);
		assert_non_null(f[i]);
		assert_true(f[i]->index < BUFFERS);
	}
	deliver(60, 0x99);
	assert_null(stellaris_eth.recv(&nd));
	assert_false(stellaris_eth.arm(&nd));
	for (unsigned i = 0; i < BUFFERS; i++)
		assert_int_equal(f[i]->data[20], i);
	stellaris_eth.release(&nd, f[2]);
	assert_true(stellaris_eth.arm(&nd));
	expect_frame(60, 0x99);
}

static void test_release_twice(void **state)
{
	static struct frame foreign;
	struct frame *f;

	assert_int_equal(chip_open(), 0);
	deliver(60, 1);
	f = stellaris_eth.recv(&nd);
	stellaris_eth.release(&nd, f);
	assert_true(PANICS(stellaris_eth.release(&nd, f)));
	assert_true(PANICS(stellaris_eth.release(&nd, &foreign)));
}

/* ---- Send ------------------------------------------------------------------------ */

static void send(unsigned len, uint8_t fill)
{
	uint8_t *buf = stellaris_eth.tx_get(&nd);

	assert_non_null(buf);
	assert_int_equal(((uintptr_t)buf + 14) % 4, 0);
	assert_ptr_equal(buf, stellaris_eth.tx_get(&nd));
	memset(buf, fill, len);
	stellaris_eth.tx_put(&nd, len, no_csum);
	stellaris_eth.flush(&nd);
}

/* Short frames are filled up with zeros, not with what was sent before. */
static void test_send(void **state)
{
	static const unsigned lens[] = { NETDEV_FRAME_MAX, 14, 42, 59, 60, 61, 62, 63 };

	assert_int_equal(chip_open(), 0);
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++) {
		send(lens[i], (uint8_t)(i + 1));
		assert_int_equal(chip.sent_count, i + 1);
		assert_int_equal(chip.sent_len, MAX(lens[i], 60u));
		for (unsigned k = 0; k < chip.sent_len; k++)
			assert_int_equal(chip.sent[k], k < lens[i] ? i + 1 : 0);
	}
	assert_true(PANICS(stellaris_eth.tx_put(&nd, 13, no_csum)));
	assert_true(PANICS(stellaris_eth.tx_put(&nd, NETDEV_FRAME_MAX + 1, no_csum)));
}

static void test_send_busy(void **state)
{
	assert_int_equal(chip_open(), 0);
	assert_false(stellaris_eth.arm(&nd));
	assert_false(chip.im & TX_EMPTY);
	send(60, 1);
	chip.busy = true;
	assert_null(stellaris_eth.tx_get(&nd));
	assert_null(stellaris_eth.tx_get(&nd));
	assert_int_equal(count("stellaris_tx_full_total"), 2);
	assert_false(stellaris_eth.arm(&nd));
	assert_false(irq_line());
	chip.busy = false;
	chip.ris |= TX_EMPTY;
	assert_true(irq_line());
	assert_true(stellaris_eth.arm(&nd));
	send(60, 2);
	assert_false(stellaris_eth.arm(&nd));
	assert_false(chip.im & TX_EMPTY);
}

/* ---- Waiting and link ------------------------------------------------------------- */

static void one_frame(void)
{
	chip.after_ack = NULL;
	deliver(60, 0x42);
}

static void test_arm(void **state)
{
	assert_int_equal(chip_open(), 0);
	assert_false(stellaris_eth.arm(&nd));
	assert_false(irq_line());
	deliver(60, 1);
	assert_true(irq_line());
	assert_true(stellaris_eth.arm(&nd));
	expect_frame(60, 1);
	assert_false(stellaris_eth.arm(&nd));
	assert_false(irq_line());
	chip.after_ack = one_frame;
	assert_true(stellaris_eth.arm(&nd) || irq_line());
	expect_frame(60, 0x42);
}

static void test_link(void **state)
{
	assert_int_equal(chip_open(), 0);
	chip.phy[1] = 0x7809;
	assert_false(stellaris_eth.link(&nd));
	chip.phy[1] = 0x782d;
	assert_true(stellaris_eth.link(&nd));
	chip.phy[1] = 0;                        /* says nothing: taken to be up */
	assert_true(stellaris_eth.link(&nd));

	setup(NULL);
	assert_int_equal(chip_open(), 0);
	chip.phy[1] = 0x7809;
	chip.stuck_phy = true;
	assert_true(stellaris_eth.link(&nd));
}

static void test_long_run(void **state)
{
	struct frame *held[BUFFERS], *f;
	unsigned n = 0;

	srand(1);
	assert_int_equal(chip_open(), 0);
	for (unsigned i = 0; i < 2000; i++) {
		for (unsigned k = rand() % 4; k > 0; k--) {
			if (rand() % 16 == 0)
				deliver_raw((unsigned)rand() & 0xffff, 0xcc, rand() % 50);
			else
				deliver(1 + rand() % 150, (uint8_t)rand());
		}
		chip.busy = rand() % 8 == 0;
		while (n < BUFFERS && rand() % 4 && (f = stellaris_eth.recv(&nd)) != NULL) {
			assert_in_range(f->len, 60, NETDEV_FRAME_MAX);
			memset(f->data, 0xee, f->len);
			held[n++] = f;
		}
		while (n > 0 && rand() % 4)
			stellaris_eth.release(&nd, held[--n]);
		if (rand() % 2 && !chip.busy)
			send(14 + rand() % 100, (uint8_t)rand());
		if (rand() % 8 == 0)
			stellaris_eth.arm(&nd);
	}
	while (n > 0)
		stellaris_eth.release(&nd, held[--n]);
	while ((f = stellaris_eth.recv(&nd)) != NULL)
		stellaris_eth.release(&nd, f);
	reset_fifo();
	for (unsigned i = 0; i < BUFFERS; i++) {
		assert_true(deliver(60, (uint8_t)i));
		held[i] = stellaris_eth.recv(&nd);
		assert_int_equal(held[i]->data[59], i);
	}
	assert_int_equal(fake_log_lines, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mmio_unit_test_setup(test_open, setup),
		mmio_unit_test_setup(test_open_odd, setup),
		mmio_unit_test_setup(test_receive, setup),
		mmio_unit_test_setup(test_receive_misfits, setup),
		mmio_unit_test_setup(test_receive_nonsense, setup),
		mmio_unit_test_setup(test_receive_overrun, setup),
		mmio_unit_test_setup(test_receive_flood, setup),
		mmio_unit_test_setup(test_receive_dry, setup),
		mmio_unit_test_setup(test_release_twice, setup),
		mmio_unit_test_setup(test_send, setup),
		mmio_unit_test_setup(test_send_busy, setup),
		mmio_unit_test_setup(test_arm, setup),
		mmio_unit_test_setup(test_link, setup),
		mmio_unit_test_setup(test_long_run, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
