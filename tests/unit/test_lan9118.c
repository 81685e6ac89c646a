/* SPDX-License-Identifier: MIT */
/* net/dev/lan9118.c against a model of the chip that plays well and badly. */
/* sources: net/dev/lan9118.c tests/unit/fake_lan9118.c tests/unit/fake_mmio.c
 * tests/unit/fake_nic.c tests/unit/fake_kernel.c */
#include "tests/unit/fake_lan9118.h"

#define BUFFERS 64u

static int setup(void **state)
{
	chip_new();
	return 0;
}

/* For tests that begin with an open NIC and its link up. */
static void open_up(void)
{
	assert_int_equal(chip_open(), 0);
	assert_true(lan9118.link(&nd));
}

/* ---- Boot ------------------------------------------------------------------------ */

static void test_open(void **state)
{
	assert_int_equal(chip_open(), 0);
	assert_int_equal(chip.resets, 1);
	assert_int_equal(chip.rx_cfg, 2 << 8);
	assert_int_equal(chip.tx_cfg, 1 << 2 | 1 << 1);
	assert_int_equal(chip.hw_cfg, 1 << 20 | 5 << 16);
	assert_int_equal(chip.int_en, 0);
	assert_int_equal(chip.fifo_int & 0xff, 0);
	assert_int_equal(chip.mac[MAC_CR] & (1u << 18 | 0xc), 0xc);     /* not promiscuous */
	assert_int_equal(chip.irq_enabled, 1);
	assert_memory_equal(nd.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_int_equal(nd.mtu, 1500);
	assert_int_equal(nd.rx_count, BUFFERS);
	assert_false(nd.tx_csum || nd.rx_csum);
	assert_int_equal(chip.phy[BMCR], 0x3000);
	assert_non_null(strstr(nd.where, "0x"));
}

static void test_open_odd(void **state)
{
	chip.id = 0x92200000;
	chip.mac[MAC_ADDRL] = chip.mac[MAC_ADDRH] = UINT32_MAX;         /* no EEPROM */
	chip.phy[BMCR] = 0x0800;                                        /* powered down */
	pool_size = 5 * 1536;
	assert_int_equal(chip_open(), 0);
	assert_int_equal(nd.rx_count, 4);
	assert_memory_equal(nd.mac, "\xfe\xff\xff\xff\xff\xff", 6);
	assert_int_equal(chip.mac[MAC_ADDRL], 0xfffffffe);
	assert_int_equal(chip.mac[MAC_ADDRH], 0xffff);
	assert_int_equal(chip.phy[BMCR], 1 << 12 | 1 << 9);

	chip_new();
	chip.mac[MAC_ADDRL] = 0;
	chip.mac[MAC_ADDRH] = 0xffff0000;                               /* reserved bits */
	assert_int_equal(chip_open(), 0);
	assert_int_equal(nd.mac[0], 0xfe);
}

static void test_open_refused(void **state)
{
	struct device odd = { .kind = DEV_LAN9118, .base = 0x40200004 };

	assert_int_equal(lan9118.open(&nd, &odd), -EINVAL);
	chip.byte_test = 0x43218765;
	assert_int_equal(chip_open(), -ENODEV);
	assert_int_equal(chip.resets, 0);
	assert_int_equal(fake_log_lines, 0);

	chip_new();
	chip.id = 0x33220000;
	assert_int_equal(chip_open(), -ENODEV);
	assert_non_null(strstr(fake_log, "3322"));

	chip_new();
	chip.pmt = 0;
	assert_int_equal(chip_open(), -ETIMEDOUT);
	chip_new();
	chip.stuck_reset = true;
	assert_int_equal(chip_open(), -ETIMEDOUT);
	chip_new();
	chip.e2p = E2P_BUSY;
	assert_int_equal(chip_open(), -ETIMEDOUT);
	chip_new();
	chip.stuck_mac = true;
	assert_int_equal(chip_open(), -ETIMEDOUT);
	chip_new();
	chip.stuck_mii = true;
	assert_int_equal(chip_open(), -ETIMEDOUT);
	chip_new();
	pool_size = 2 * 1536;
	assert_int_equal(chip_open(), -ENOMEM);
	assert_int_equal(chip.irq_enabled, 0);
}

/* ---- Receive --------------------------------------------------------------------- */

static void expect_frame(unsigned len, uint8_t fill)
{
	struct frame *f = lan9118.recv(&nd);

	assert_non_null(f);
	assert_int_equal(f->len, len);
	assert_int_equal(((uintptr_t)f->data + 14) % 4, 0);
	assert_in_range((uintptr_t)f->data, (uintptr_t)pool, (uintptr_t)pool + pool_size);
	for (unsigned i = 0; i < len; i++)
		assert_int_equal(f->data[i], fill);
	lan9118.release(&nd, f);
}

static void test_receive(void **state)
{
	static const unsigned lens[] = { 60, 61, 62, 63, 64, 14, NETDEV_FRAME_MAX, 15, 1513 };

	open_up();
	assert_null(lan9118.recv(&nd));
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++)
		assert_true(deliver(lens[i], (uint8_t)(0xa0 + i), 0));
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++)
		expect_frame(lens[i], (uint8_t)(0xa0 + i));
	assert_null(lan9118.recv(&nd));
	assert_int_equal(rx_words(), 0);
	assert_int_equal(chip.underruns, 0);
	assert_int_equal(count("lan9118_rx_frames_total"), ARRAY_LEN(lens));
	assert_int_equal(count("lan9118_rx_bad_total"), 0);
}

/* Each is read to its end, so that the next is whole. */
static void test_receive_broken(void **state)
{
	static const struct { unsigned len; uint32_t bits; } bad[] = {
		{ 60, 1u << 15 | 1u << 1 },             /* checksum */
		{ 8, 1u << 15 | 1u << 11 },             /* runt */
		{ 1515, 1u << 15 | 1u << 7 },           /* too long */
		{ 2000, 1u << 15 | 1u << 7 },
		{ 100, 1u << 3 },                       /* MII error */
		{ 2030, 1u << 4 },                      /* receive watchdog */
		{ 100, 1u << 30 },                      /* failed the filter */
		{ 1515, 0 }, { 13, 0 }, { 1, 0 },       /* no word of error, yet impossible */
	};

	open_up();
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		assert_true(deliver(bad[i].len, 0xbb, bad[i].bits));
		assert_true(deliver(60, (uint8_t)i, 1u << 12));      /* length field: a type */
	}
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
		expect_frame(60, (uint8_t)i);
	assert_null(lan9118.recv(&nd));
	assert_int_equal(count("lan9118_rx_bad_total"), ARRAY_LEN(bad));
	assert_int_equal(count("lan9118_rx_resyncs_total"), 0);
	assert_int_equal(chip.underruns, 0);
}

/* A status that belongs to no data: both FIFOs are emptied, and all goes on. */
static void test_receive_out_of_step(void **state)
{
	static const struct { uint32_t status; unsigned words; } bad[] = {
		{ 64u << 16, 16 }, { 64u << 16, 0 }, { 0, 0 }, { 0, 4 }, { 0x3fffu << 16, 400 },
		{ UINT32_MAX, 17 },
	};

	open_up();
	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		deliver_raw(bad[i].status, bad[i].words);
		assert_null(lan9118.recv(&nd));
		assert_int_equal(chip.rx_dumps, i + 1);
		assert_int_equal(chip.rx_cfg, 2 << 8);
		assert_false(chip.int_sts & INT_RXSTOP);
		assert_true(deliver(99, (uint8_t)i, 0));
		expect_frame(99, (uint8_t)i);
	}
	/* Behind a frame that is dropped: what that took is not there any more. */
	deliver(500, 0, RX_ERROR);
	deliver_raw(400u << 16, 0);
	assert_null(lan9118.recv(&nd));
	assert_int_equal(count("lan9118_rx_resyncs_total"), ARRAY_LEN(bad) + 1);
	assert_int_equal(chip.underruns, 0);
	assert_true(chip.mac[MAC_CR] & CR_FDPX);        /* what was negotiated stays */
}

static void test_receive_error(void **state)
{
	open_up();
	deliver(60, 1, 0);
	chip.int_sts |= INT_RXE;
	assert_true(lan9118.link(&nd));
	assert_int_equal(chip.rx_dumps, 1);
	assert_false(chip.int_sts & INT_RXE);
	assert_true(lan9118.link(&nd));
	assert_int_equal(chip.rx_dumps, 1);
	deliver(60, 2, 0);
	expect_frame(60, 2);
}

static void another_broken_one(void)
{
	deliver(60, 0xee, RX_ERROR);
}

/* Broken frames that come as fast as they are dropped do not hold recv() up. */
static void test_receive_flood(void **state)
{
	open_up();
	another_broken_one();
	another_broken_one();
	chip.after_state = another_broken_one;
	assert_null(lan9118.recv(&nd));
	assert_int_equal(count("lan9118_rx_bad_total"), 2);
	assert_true(lan9118.arm(&nd));
}

/* More than the FIFOs hold: the chip drops and counts, the rest is whole. */
static void test_receive_overrun(void **state)
{
	unsigned taken = 0;

	open_up();
	while (deliver(1000, (uint8_t)taken, 0))
		taken++;
	for (unsigned i = 0; i < 6; i++)
		deliver(1000, 0, 0);
	for (unsigned i = 0; i < taken; i++)
		expect_frame(1000, (uint8_t)i);
	assert_null(lan9118.recv(&nd));
	lan9118.link(&nd);
	assert_int_equal(count("lan9118_rx_dropped_total"), 7);
	lan9118.link(&nd);
	assert_int_equal(count("lan9118_rx_dropped_total"), 7);
	deliver(60, 0x77, 0);
	expect_frame(60, 0x77);
}

static void test_receive_dry(void **state)
{
	struct frame *f[BUFFERS];

	open_up();
	for (unsigned i = 0; i < BUFFERS; i++) {
		assert_true(deliver(60, (uint8_t)i, 0));
		f[i] = lan9118.recv(&nd);
		assert_non_null(f[i]);
	}
	/* The frame stays where it is, and nobody is woken for it. */
	assert_true(deliver(60, 0x99, 0));
	assert_null(lan9118.recv(&nd));
	assert_false(lan9118.arm(&nd));
	assert_false(irq_line());
	assert_int_equal(rx_frames(), 1);
	for (unsigned i = 0; i < BUFFERS; i++)
		assert_int_equal(f[i]->data[20], i);
	lan9118.release(&nd, f[17]);
	assert_true(lan9118.arm(&nd));
	expect_frame(60, 0x99);
}

static void test_release_twice(void **state)
{
	static struct frame foreign;
	struct frame *f;

	open_up();
	deliver(60, 1, 0);
	f = lan9118.recv(&nd);
	lan9118.release(&nd, f);
	assert_true(PANICS(lan9118.release(&nd, f)));
	assert_true(PANICS(lan9118.release(&nd, &foreign)));
}

/* ---- Send ------------------------------------------------------------------------ */

static void send(unsigned len, uint8_t fill)
{
	uint8_t *buf = lan9118.tx_get(&nd);

	assert_non_null(buf);
	assert_int_equal(((uintptr_t)buf + 14) % 4, 0);
	assert_ptr_equal(buf, lan9118.tx_get(&nd));
	memset(buf, fill, len);
	lan9118.tx_put(&nd, len, no_csum);
	lan9118.flush(&nd);
}

static void test_send(void **state)
{
	static const unsigned lens[] = { 14, 42, 60, 61, 62, 63, NETDEV_FRAME_MAX };

	open_up();
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++) {
		send(lens[i], (uint8_t)(i + 1));
		assert_int_equal(chip.sent_count, i + 1);
		assert_int_equal(chip.sent_len, lens[i]);
		for (unsigned k = 0; k < lens[i]; k++)
			assert_int_equal(chip.sent[k], i + 1);
	}
	assert_true(PANICS(lan9118.tx_put(&nd, 13, no_csum)));
	assert_true(PANICS(lan9118.tx_put(&nd, NETDEV_FRAME_MAX + 1, no_csum)));
	assert_int_equal(count("lan9118_tx_frames_total"), ARRAY_LEN(lens));
}

/* What the chip says of frames is taken in time, and errors are counted. */
static void test_send_states(void **state)
{
	open_up();
	for (unsigned i = 0; i < 500; i++) {
		send(60, 1);
		assert_in_range(chip.tx_states, 1, 2);
	}
	assert_int_equal(count("lan9118_tx_bad_total"), 0);
	lan9118.tx_get(&nd);
	chip.tx_state = TX_ERROR | 1u << 10;
	send(60, 1);
	lan9118.tx_get(&nd);
	assert_int_equal(count("lan9118_tx_bad_total"), 1);
}

static void test_send_full(void **state)
{
	unsigned sent = 0;

	open_up();
	assert_false(lan9118.arm(&nd));
	assert_int_equal(chip.int_en, INT_RSFL);
	chip.holds_frames = true;
	while (lan9118.tx_get(&nd)) {
		send(NETDEV_FRAME_MAX, 1);
		sent++;
	}
	assert_int_equal(sent, 3);
	assert_int_equal(count("lan9118_tx_full_total"), 1);
	assert_false(lan9118.arm(&nd));
	assert_false(irq_line());
	/* Room again: the line says so, and once more when it is asked. */
	chip.tx_used = 0;
	assert_true(irq_line());
	assert_true(lan9118.arm(&nd));
	send(60, 2);
	assert_false(lan9118.arm(&nd));
	assert_int_equal(chip.int_en, INT_RSFL);
	assert_false(irq_line());
}

/* Room is promised for the longest frame, whatever came before. */
static void test_send_room(void **state)
{
	open_up();
	chip.holds_frames = true;
	for (unsigned len = 14; len < 1400; len += 37) {
		chip.tx_used = 0;
		while (4608 - chip.tx_used > 1536 + len)
			send(len, 1);
		while (lan9118.tx_get(&nd))
			send(NETDEV_FRAME_MAX, 2);
		assert_in_range(chip.tx_used, 4608 - 1600, 4608);
	}
}

static void test_send_error(void **state)
{
	static const uint32_t causes[] = { INT_TXE, INT_TDFO };

	open_up();
	for (unsigned i = 0; i < ARRAY_LEN(causes); i++) {
		chip.holds_frames = true;
		while (lan9118.tx_get(&nd))
			send(NETDEV_FRAME_MAX, 1);
		chip.holds_frames = false;
		chip.int_sts |= causes[i];
		lan9118.link(&nd);
		assert_int_equal(chip.tx_dumps, i + 1);
		assert_false(chip.int_sts & (causes[i] | INT_TXSTOP));
		send(77, 3);
		assert_int_equal(chip.sent_len, 77);
	}
	assert_int_equal(count("lan9118_tx_resyncs_total"), ARRAY_LEN(causes));
	assert_int_equal(chip.rx_dumps, 0);
}

/* ---- Waiting --------------------------------------------------------------------- */

static void one_frame(void)
{
	chip.after_ack = NULL;
	deliver(60, 0x42, 0);
}

static void test_arm(void **state)
{
	open_up();
	assert_false(irq_line());
	assert_false(lan9118.arm(&nd));
	assert_false(irq_line());
	deliver(60, 1, 0);
	assert_true(irq_line());
	assert_true(lan9118.arm(&nd));
	expect_frame(60, 1);
	assert_false(lan9118.arm(&nd));
	assert_false(irq_line());

	/* One that comes in the middle is not missed. */
	chip.after_ack = one_frame;
	assert_true(lan9118.arm(&nd) || irq_line());
	expect_frame(60, 0x42);
}

/* ---- Link ------------------------------------------------------------------------ */

static void test_link(void **state)
{
	open_up();
	assert_true(chip.mac[MAC_CR] & CR_FDPX);
	chip.phy[BMSR] &= (uint16_t)~BMSR_LINK;
	assert_false(lan9118.link(&nd));
	assert_false(lan9118.link(&nd));
	chip.phy[BMSR] |= BMSR_LINK;
	chip.phy[ANLPAR] = 1 << 7 | 1 << 6;             /* 100 half goes before 10 full */
	assert_true(lan9118.link(&nd));
	assert_int_equal(chip.mac[MAC_CR], CR_ON | CR_RCVOWN);

	chip.phy[BMSR] &= (uint16_t)~BMSR_LINK;
	lan9118.link(&nd);
	chip.phy[BMSR] |= BMSR_LINK;
	chip.phy[ANLPAR] = 1 << 6;
	assert_true(lan9118.link(&nd));
	assert_int_equal(chip.mac[MAC_CR], CR_ON | CR_FDPX);
}

static void test_link_odd(void **state)
{
	assert_int_equal(chip_open(), 0);
	chip.phy[BMSR] = 0;                             /* no PHY of this kind: up */
	assert_true(lan9118.link(&nd));

	/* Not to be asked: as it was, and it comes back. */
	chip.stuck_mac = true;
	assert_true(lan9118.link(&nd));
	assert_int_equal(count("lan9118_timeouts_total"), 1);
	chip.stuck_mac = false;
	chip.stuck_mii = true;
	assert_true(lan9118.link(&nd));
	assert_int_equal(count("lan9118_timeouts_total"), 2);
	chip.stuck_mii = false;
	chip.phy[BMSR] = 0x7809;
	assert_false(lan9118.link(&nd));
	assert_int_equal(count("lan9118_timeouts_total"), 2);
}

/* ---- Long run: random frames, good and bad, against a random stack ---------------- */

static uint32_t rnd(void)
{
	static uint64_t s = 88172645463325252ull;

	s ^= s << 13, s ^= s >> 7, s ^= s << 17;
	return (uint32_t)(s >> 16);
}

static void random_chip(void)
{
	for (unsigned i = rnd() % 4; i > 0; i--) {
		if (rnd() % 16 == 0)
			deliver_raw(rnd(), rnd() % 50);
		else
			deliver(1 + rnd() % 120, (uint8_t)rnd(),
				rnd() % 8 ? 0 : rnd() & 0x5000fffe);
	}
	if (rnd() % 64 == 0)
		chip.int_sts |= rnd() & INT_ERRORS;
	chip.holds_frames = rnd() % 16 == 0;
	if (!chip.holds_frames)
		chip.tx_used = 0;
	chip.tx_state = rnd() & 0xffff;
}

static void test_long_run(void **state)
{
	struct frame *held[BUFFERS], *f;
	unsigned n = 0;

	open_up();
	for (unsigned i = 0; i < 1500; i++) {
		random_chip();
		while (n < BUFFERS && rnd() % 4 && (f = lan9118.recv(&nd)) != NULL) {
			assert_in_range(f->len, 14, NETDEV_FRAME_MAX);
			memset(f->data, 0xee, f->len);
			held[n++] = f;
		}
		while (n > 0 && rnd() % 4) {
			unsigned k = rnd() % n;

			lan9118.release(&nd, held[k]);
			held[k] = held[--n];
		}
		if (rnd() % 2 && lan9118.tx_get(&nd))
			send(14 + rnd() % 100, (uint8_t)rnd());
		if (rnd() % 8 == 0)
			lan9118.arm(&nd);
		if (rnd() % 64 == 0)
			lan9118.link(&nd);
	}
	assert_int_equal(fake_log_lines, 0);

	/* Nothing was lost on the way. */
	while (n > 0)
		lan9118.release(&nd, held[--n]);
	lan9118.link(&nd);
	while (lan9118.arm(&nd))
		if ((f = lan9118.recv(&nd)) != NULL)
			lan9118.release(&nd, f);
	for (unsigned i = 0; i < BUFFERS; i++) {
		assert_true(deliver(60, (uint8_t)i, 0));
		held[i] = lan9118.recv(&nd);
		assert_int_equal(held[i]->data[59], i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mmio_unit_test_setup(test_open, setup),
		mmio_unit_test_setup(test_open_odd, setup),
		mmio_unit_test_setup(test_open_refused, setup),
		mmio_unit_test_setup(test_receive, setup),
		mmio_unit_test_setup(test_receive_broken, setup),
		mmio_unit_test_setup(test_receive_out_of_step, setup),
		mmio_unit_test_setup(test_receive_error, setup),
		mmio_unit_test_setup(test_receive_flood, setup),
		mmio_unit_test_setup(test_receive_overrun, setup),
		mmio_unit_test_setup(test_receive_dry, setup),
		mmio_unit_test_setup(test_release_twice, setup),
		mmio_unit_test_setup(test_send, setup),
		mmio_unit_test_setup(test_send_states, setup),
		mmio_unit_test_setup(test_send_full, setup),
		mmio_unit_test_setup(test_send_room, setup),
		mmio_unit_test_setup(test_send_error, setup),
		mmio_unit_test_setup(test_arm, setup),
		mmio_unit_test_setup(test_link, setup),
		mmio_unit_test_setup(test_link_odd, setup),
		mmio_unit_test_setup(test_long_run, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
