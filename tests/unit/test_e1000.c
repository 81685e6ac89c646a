/* SPDX-License-Identifier: MIT */
/* net/dev/e1000.c and net/dev/ring.c against a model of the chip's registers that plays its side
 * of the rings, well and badly. */
/* sources: net/dev/e1000.c net/dev/ring.c tests/unit/fake_ring.c tests/unit/fake_mmio.c
 * tests/unit/fake_nic.c tests/unit/fake_kernel.c */
#include "tests/unit/fake_ring.h"

#define REGS_PAGES 6
#define SIZE 256u
enum {
	CTRL = 0, STATUS = 8, EERD = 0x14, ICR = 0xc0, IMS = 0xd0, IMC = 0xd8, RCTL = 0x100,
	TCTL = 0x400, RDBAL = 0x2800, RDBAH = 0x2804, RDLEN = 0x2808, RDT = 0x2818, TDBAL = 0x3800,
	TDLEN = 0x3808, TDT = 0x3818, RAL = 0x5400, RAH = 0x5404,
};
#define RST (1u << 26)
#define RCTL_LPE (1u << 5)
#define RCTL_SIZES (3u << 16 | 1u << 25)
#define DD (1ull << 32)
#define EOP (2ull << 32)
#define TCPCS (0x20ull << 32)
#define IXSM (4ull << 32)
#define TCPE (0x20ull << 40)
enum { RX = 0, TX = 1 };

extern const struct netdev_ops e1000;

static struct {
	uint32_t reg[REGS_PAGES * 1024];
	unsigned resets;
	bool stuck, eeprom_stuck, was_on;
	uint16_t eeprom[3];
	unsigned filled;               /* receive slots so far */
} chip;

static uint32_t chip_read(unsigned r)
{
	return chip.reg[r / 4];
}

static void read_eeprom(uint32_t command)
{
	if (!chip.eeprom_stuck && (command & 1))
		chip.reg[EERD / 4] = 1u << 4 |
				     (uint32_t)chip.eeprom[(command >> 8) % 3] << 16;
}

static void chip_write(unsigned r, uint32_t value)
{
	if (r == CTRL && (value & RST)) {
		chip.resets++;
		fake_pci.resets++;
		chip.was_on |= chip.reg[RCTL / 4] || chip.reg[TCTL / 4];
		value = chip.stuck ? value : value & ~RST;
	}
	/* Nothing is turned on before the reset. */
	if (r == IMS || ((r == RCTL || r == TCTL) && value))
		assert_true(chip.resets > 0);
	chip.reg[r / 4] = value;
	if (r == EERD)
		read_eeprom(value);
}

static const struct fake_mmio model = { chip_read, chip_write };

static int setup(void **state)
{
	static uintptr_t regs;

	if (!regs)
		regs = fake_mmio_map_pages(&model, REGS_PAGES);
	fake_pci_new();
	memset(&chip, 0, sizeof(chip));
	fake_pci.bar[0] = regs;
	chip.reg[STATUS / 4] = 2;
	chip.reg[RAL / 4] = 0x12005452;
	chip.reg[RAH / 4] = 0x80005634;
	chip.reg[RCTL / 4] = 2;                 /* as firmware left it */
	return 0;
}

static int open_id(uint32_t id)
{
	const struct device at = { .kind = DEV_PCI_FUNCTION, .arg = id };

	return e1000.open(&nd, &at);
}

static void open_card(void)
{
	assert_int_equal(open_id(0x8086100e), 0);
}

static struct ring_desc *desc(unsigned gate, unsigned slot)
{
	return &((struct ring_desc *)fake_pci.gate[gate].desc)[slot % SIZE];
}

/* The device's side: puts a frame, or anything, into the next slot that it was given. */
static void deliver(uint8_t fill, unsigned len, uint64_t bits)
{
	struct ring_desc *d = desc(RX, chip.filled);

	assert_int_not_equal(chip.filled % SIZE, fake_pci.next[RX]);
	assert_int_equal(d->word, 0);
	memset((void *)(uintptr_t)d->addr, fill, MIN(len, fake_pci.gate[RX].span));
	d->word = len | bits;
	chip.filled++;
}

/* ---- Boot ------------------------------------------------------------------- */

static void test_open(void **state)
{
	open_card();
	assert_int_equal(chip.resets, 1);
	assert_true(fake_pci.master);
	assert_false(chip.was_on);
	assert_memory_equal(nd.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_int_equal(nd.mtu, 1500);
	assert_int_equal(nd.rx_count, SIZE - 1);
	assert_false(nd.tx_csum || nd.polled);
	assert_int_equal(chip.reg[RDBAL / 4], (uint32_t)(uintptr_t)desc(RX, 0));
	assert_int_equal(chip.reg[RDBAH / 4], (uintptr_t)desc(RX, 0) >> 32);
	assert_int_equal(chip.reg[TDBAL / 4], (uint32_t)(uintptr_t)desc(TX, 0));
	assert_int_equal(chip.reg[RDLEN / 4], SIZE * 16);
	assert_int_equal(chip.reg[RDT / 4], SIZE - 1);
	assert_int_equal(chip.reg[TDT / 4], 0);
	/* No frame is longer than a buffer, and no buffer longer than the warden checks. */
	assert_int_equal(chip.reg[RCTL / 4] & (RCTL_LPE | RCTL_SIZES), 0);
	assert_int_equal(fake_pci.gate[RX].span, 2048);
	assert_int_equal(fake_pci.gate[RX].keep, 0);
	assert_true((fake_pci.gate[TX].keep & 0xffff) < fake_pci.gate[TX].span);
	assert_int_equal(fake_pci.gate[TX].keep >> 29 & 1, 0);  /* DEXT: not an address */
	assert_true(fake_pci.irq_acks);
	assert_ptr_equal(fake_pci.irq_status, fake_pci.bar[0] + ICR);
	for (unsigned i = 0; i < SIZE - 1; i++)
		assert_int_equal((desc(RX, i)->addr + 14) % 4, 0);
}

static void test_eeprom(void **state)
{
	chip.reg[RAH / 4] = 0;
	chip.eeprom[0] = 0x5452;
	chip.eeprom[1] = 0xab00;
	chip.eeprom[2] = 0x01cd;
	open_card();
	assert_memory_equal(nd.mac, "\x52\x54\x00\xab\xcd\x01", 6);
	assert_int_equal(chip.reg[RAL / 4], 0xab005452);
	assert_int_equal(chip.reg[RAH / 4], 0x800001cd);
}

static void test_open_refused(void **state)
{
	const struct device other = { .arg = 0x80861234 };

	assert_false(e1000.is(&other));
	assert_int_equal(open_id(0x80861234), -ENODEV);
	chip.stuck = true;
	assert_int_equal(open_id(0x8086100e), -EIO);
	chip.stuck = false;
	chip.reg[RAH / 4] = 0;
	chip.eeprom_stuck = true;
	assert_int_equal(open_id(0x8086100e), -EIO);
	chip.eeprom_stuck = false;              /* an empty one: all zeros */
	assert_int_equal(open_id(0x8086100e), -EIO);
	chip.reg[RAL / 4] = 0x12005401;         /* a group's address */
	chip.reg[RAH / 4] = 0x80005634;
	assert_int_equal(open_id(0x8086100e), -EIO);
	assert_int_equal(fake_log_lines, 4);
	chip.reg[RAL / 4] = 0x12005452;
	fake_pci.gates_max = 1;
	assert_int_equal(open_id(0x8086100e), -ENOSPC);
	fake_pci.bar[0] = 0;
	assert_int_equal(open_id(0x8086100e), -ENOTSUP);
	assert_int_equal(chip.reg[IMS / 4], 0);
}

static void test_little_memory(void **state)
{
	pool_size = 400 << 10;
	open_card();
	assert_int_equal(nd.rx_count, 63);
	pool_size = 1 << 10;
	assert_int_equal(open_id(0x8086100e), -ENOMEM);
}

static void test_close(void **state)
{
	open_card();
	e1000.close(&nd);
	assert_int_equal(chip.resets, 2);
	assert_int_equal(chip.reg[RCTL / 4], 0);
	assert_int_equal(chip.reg[IMC / 4], ~0u);
}

static void test_link(void **state)
{
	open_card();
	assert_true(e1000.link(&nd));
	chip.reg[STATUS / 4] = 0;
	assert_false(e1000.link(&nd));
}

/* ---- A larger MTU ------------------------------------------------------------ */

static void open_large(void)
{
	nd.mtu_wanted = 9000;
	open_card();
}

static void test_large(void **state)
{
	struct frame *f;
	unsigned rx, sent = 0;

	open_large();
	rx = chip.reg[RDLEN / 4] / 16;
	assert_int_equal(nd.mtu, 9000);
	assert_int_equal(nd.rx_count, rx - 1);
	assert_int_equal(chip.reg[RCTL / 4] & (RCTL_LPE | RCTL_SIZES),
			 RCTL_LPE | 1u << 16 | 1u << 25);
	assert_int_equal(fake_pci.gate[RX].span, 16384);
	assert_int_equal(fake_pci.gate[TX].keep & 0xffff, 0x3fff);
	assert_int_equal(fake_pci.gate[TX].span, 16384);
	/* However long a frame is that the chip lets in, it reaches into no other. */
	for (unsigned i = 1; i < rx - 1; i++)
		assert_int_equal(desc(RX, i)->addr - desc(RX, i - 1)->addr, 16384);
	deliver(0x77, 9014, DD | EOP);
	f = e1000.recv(&nd);
	assert_int_equal(f->len, 9014);
	assert_int_equal(f->data[9013], 0x77);
	e1000.release(&nd, f);
	for (; e1000.tx_get(&nd); sent++)
		e1000.tx_put(&nd, 9014, no_csum);
	assert_int_equal(sent, chip.reg[TDLEN / 4] / 16 - 1);
	e1000.flush(&nd);
	assert_int_equal(desc(TX, 0)->word, 9014 | 0xbull << 24);
}

/* Longer than the MTU, and one that goes on and on. */
static void test_large_nonsense(void **state)
{
	static const unsigned lens[] = { 13, 9015, 9018, 16383, 16384, 65535 };
	unsigned rx;

	open_large();
	rx = chip.reg[RDLEN / 4] / 16;
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++)
		deliver(0xbb, lens[i], DD | EOP);
	assert_null(e1000.recv(&nd));
	assert_int_equal(count("ring_rx_bad_total"), ARRAY_LEN(lens));
	e1000.flush(&nd);
	for (unsigned i = ARRAY_LEN(lens); i < 1000; i++) {
		desc(RX, i % rx)->word = DD | 9014;
		assert_null(e1000.recv(&nd));
		e1000.flush(&nd);
	}
	desc(RX, 1000 % rx)->word = DD | EOP | 60;      /* its end */
	desc(RX, 1001 % rx)->word = DD | EOP | 61;
	assert_int_equal(e1000.recv(&nd)->len, 61);
	assert_int_equal(count("ring_rx_bad_total"), 1001);
	assert_int_equal(count("ring_rx_frames_total"), 1);
	assert_int_equal(fake_log_lines, 0);
}

/* Where there is no room for buffers of that size, the usual ones. */
static void test_large_little_memory(void **state)
{
	pool_size = 1 << 20;
	open_large();
	assert_int_equal(nd.mtu, 1500);
	assert_int_equal(chip.reg[RCTL / 4] & (RCTL_LPE | RCTL_SIZES), 0);
	assert_int_equal(fake_pci.gate[RX].span, 2048);
}

/* ---- Receive ---------------------------------------------------------------- */

static void test_receive(void **state)
{
	struct frame *a, *b, *c;

	open_card();
	assert_null(e1000.recv(&nd));
	assert_false(e1000.arm(&nd));
	deliver(0xaa, 60, DD | EOP | TCPCS);
	deliver(0xbb, 1514, DD | EOP | TCPCS | TCPE);
	deliver(0xcc, 14, DD | EOP | TCPCS | IXSM);
	assert_true(e1000.arm(&nd));
	a = e1000.recv(&nd);
	b = e1000.recv(&nd);
	c = e1000.recv(&nd);
	assert_null(e1000.recv(&nd));
	assert_int_equal(a->len, 60);
	assert_int_equal(a->data[59], 0xaa);
	assert_true(a->csum_ok);
	assert_int_equal(b->len, 1514);
	assert_int_equal(b->data[1513], 0xbb);
	assert_false(b->csum_ok);               /* the stack looks, and counts it */
	assert_int_equal(c->len, 14);
	assert_false(c->csum_ok);
}

static void test_receive_for_ever(void **state)
{
	struct frame *held[8] = { NULL };

	open_card();
	for (unsigned i = 0; i < 5000; i++) {
		struct frame *f;

		deliver((uint8_t)i, 60, DD | EOP);
		f = e1000.recv(&nd);
		assert_non_null(f);
		assert_int_equal(f->data[30], i & 0xff);
		/* Some are held for a while and come back out of order. */
		if (held[i * 7 % 8])
			e1000.release(&nd, held[i * 7 % 8]);
		held[i * 7 % 8] = f;
		e1000.flush(&nd);
	}
	assert_int_equal(count("ring_rx_frames_total"), 5000);
	assert_int_equal(count("ring_rx_bad_total"), 0);
	assert_in_range(fake_pci.submits[RX], 5000 / 16 - 2, 5000 / 16 + 2);
}

static void test_receive_dry(void **state)
{
	struct frame *f[SIZE - 1];

	open_card();
	for (unsigned i = 0; i < SIZE - 1; i++)
		deliver((uint8_t)i, 60, DD | EOP);
	for (unsigned i = 0; i < SIZE - 1; i++)
		f[i] = e1000.recv(&nd);
	/* What still says "done" was not given to the device again. */
	desc(RX, SIZE - 1)->word = DD | EOP | 60;
	for (unsigned i = 0; i < 1000; i++)
		assert_null(e1000.recv(&nd));
	assert_false(e1000.arm(&nd));
	desc(RX, SIZE - 1)->word = 0;
	for (unsigned i = 0; i < SIZE - 1; i++)
		e1000.release(&nd, f[SIZE - 2 - i]);
	e1000.flush(&nd);
	assert_int_equal(chip.reg[RDT / 4], (SIZE - 1 + SIZE - 1) % SIZE);
	deliver(7, 61, DD | EOP);
	assert_int_equal(e1000.recv(&nd)->len, 61);
}

static void test_receive_nonsense(void **state)
{
	static const unsigned lens[] = { 0, 1, 13, 1515, 1600, 2048, 2049, 65535 };
	struct frame *f;

	open_card();
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++)
		deliver(0, lens[i], DD | EOP);
	for (unsigned bit = 40; bit < 48; bit++)
		if (0x97u >> (bit - 40) & 1)
			deliver(0, 60, DD | EOP | 1ull << bit);
	/* A frame in three parts, the last of which looks like one. */
	deliver(0, 60, DD);
	deliver(0, 60, DD);
	deliver(0, 60, DD | EOP);
	deliver(0x77, 60, DD | EOP);
	f = e1000.recv(&nd);
	assert_non_null(f);
	assert_int_equal(f->data[0], 0x77);
	assert_null(e1000.recv(&nd));
	assert_int_equal(count("ring_rx_bad_total"), ARRAY_LEN(lens) + 5 + 3);
	assert_int_equal(count("ring_rx_frames_total"), 1);
	e1000.flush(&nd);
	assert_int_equal(chip.reg[RDT / 4], (SIZE - 1 + ARRAY_LEN(lens) + 5 + 3) % SIZE);
	assert_int_equal(fake_log_lines, 0);
}

/* A device that says of every slot, each time it is looked at, that it is done. */
static void test_receive_storm(void **state)
{
	open_card();
	for (unsigned n = 0; n < 10; n++) {
		for (unsigned i = 0; i < SIZE; i++)
			desc(RX, i)->word = DD | EOP | 5;
		assert_null(e1000.recv(&nd));
		e1000.flush(&nd);
	}
	assert_true(count("ring_rx_bad_total") <= 10 * SIZE);
}

/* ---- Send ------------------------------------------------------------------- */

static void test_send(void **state)
{
	uint8_t *p;

	open_card();
	p = e1000.tx_get(&nd);
	assert_ptr_equal(e1000.tx_get(&nd), p);
	memset(p, 0x5a, 1514);
	e1000.tx_put(&nd, 1514, no_csum);
	assert_int_equal(chip.reg[TDT / 4], 0);
	e1000.flush(&nd);
	assert_int_equal(chip.reg[TDT / 4], 1);
	assert_ptr_equal((uint8_t *)(uintptr_t)desc(TX, 0)->addr, p);
	assert_int_equal(desc(TX, 0)->word, 1514 | 0xbull << 24);
	assert_ptr_not_equal(e1000.tx_get(&nd), p);
	e1000.flush(&nd);
	assert_int_equal(fake_pci.submits[TX], 1);
}

static void test_send_full(void **state)
{
	unsigned sent = 0;

	open_card();
	for (; e1000.tx_get(&nd); sent++)
		e1000.tx_put(&nd, 60, no_csum);
	assert_int_equal(sent, SIZE - 1);
	e1000.flush(&nd);
	assert_null(e1000.tx_get(&nd));
	/* They are taken back in turn: what is done behind one that is not does not count. */
	desc(TX, 1)->word |= DD;
	assert_null(e1000.tx_get(&nd));
	desc(TX, 0)->word |= DD;
	for (unsigned i = 0; i < 2; i++) {
		assert_non_null(e1000.tx_get(&nd));
		e1000.tx_put(&nd, 60, no_csum);
	}
	assert_null(e1000.tx_get(&nd));
	e1000.flush(&nd);
	assert_int_equal(chip.reg[TDT / 4], 1);
	assert_int_equal(count("ring_tx_frames_total"), SIZE + 1);
	assert_int_equal(count("ring_tx_full_total"), 4);
}

/* A device that says "done" of what it was never given. */
static void test_send_nonsense(void **state)
{
	open_card();
	for (unsigned n = 0; n < 3000; n++) {
		for (unsigned i = 0; i < SIZE; i++)
			desc(TX, i)->word = ~0ull;
		if (e1000.tx_get(&nd))
			e1000.tx_put(&nd, 14 + n % 1500, no_csum);
		if (n % 5 == 0)
			e1000.flush(&nd);
	}
	assert_int_equal(count("ring_tx_frames_total"), 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mmio_unit_test_setup(test_open, setup),
		mmio_unit_test_setup(test_eeprom, setup),
		mmio_unit_test_setup(test_open_refused, setup),
		mmio_unit_test_setup(test_little_memory, setup),
		mmio_unit_test_setup(test_close, setup),
		mmio_unit_test_setup(test_link, setup),
		mmio_unit_test_setup(test_large, setup),
		mmio_unit_test_setup(test_large_nonsense, setup),
		mmio_unit_test_setup(test_large_little_memory, setup),
		mmio_unit_test_setup(test_receive, setup),
		mmio_unit_test_setup(test_receive_for_ever, setup),
		mmio_unit_test_setup(test_receive_dry, setup),
		mmio_unit_test_setup(test_receive_nonsense, setup),
		mmio_unit_test_setup(test_receive_storm, setup),
		mmio_unit_test_setup(test_send, setup),
		mmio_unit_test_setup(test_send_full, setup),
		mmio_unit_test_setup(test_send_nonsense, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
