/* SPDX-License-Identifier: MIT */
/* net/dev/vmxnet3.c and net/dev/ring.c against a model of the device's registers that plays its
 * side of the rings, well and badly. */
/* sources: net/dev/vmxnet3.c net/dev/ring.c tests/unit/fake_ring.c tests/unit/fake_mmio.c
 * tests/unit/fake_nic.c tests/unit/fake_kernel.c */
#include "net/dev/vmxnet3.h"
#include "tests/unit/fake_ring.h"

#define SIZE 256u
#define DONE (1u << 31)
#define WHOLE (RX_SOP | RX_EOP)
enum { RX = 0, TX = 1, LINK = 2 };

extern const struct netdev_ops vmxnet3;

static struct {
	uint32_t reg[1024], pass[1024];
	uint32_t last;                          /* command */
	unsigned resets, activations;
	uint32_t refusal, link;
	struct shared *shared;
	unsigned filled, completed, sent, reported;
} chip;

static uint32_t regs_read(unsigned r)
{
	if (r == COMMAND)
		return chip.last == GET_LINK ? chip.link : chip.last == ACTIVATE ? chip.refusal : 0;
	return chip.reg[r / 4];
}

static void regs_write(unsigned r, uint32_t value)
{
	chip.reg[r / 4] = value;
	assert_true(r != ICR);
	if (r != COMMAND)
		return;
	chip.last = value;
	if (value == RESET)
		chip.resets++;
		fake_pci.resets++;
	if (value != ACTIVATE)
		return;
	assert_int_equal(chip.resets, 1);
	assert_int_equal(chip.reg[REVISIONS / 4], 1);
	assert_int_equal(chip.reg[UPT_REVISIONS / 4], 1);
	chip.activations++;
	chip.shared = (struct shared *)(uintptr_t)(chip.reg[SHARED_LOW / 4] |
						   (uint64_t)chip.reg[SHARED_HIGH / 4] << 32);
}

static uint32_t pass_read(unsigned r)
{
	return chip.pass[r / 4];
}

static void pass_write(unsigned r, uint32_t value)
{
	assert_true(chip.activations > 0);
	chip.pass[r / 4] = value;
}

static const struct fake_mmio regs_model = { regs_read, regs_write };
static const struct fake_mmio pass_model = { pass_read, pass_write };

static int setup(void **state)
{
	static uintptr_t regs, pass;

	if (!regs) {
		regs = fake_mmio_map(&regs_model);
		pass = fake_mmio_map(&pass_model);
	}
	fake_pci_new();
	memset(&chip, 0, sizeof(chip));
	fake_pci.bar[0] = pass;
	fake_pci.bar[1] = regs;
	chip.reg[REVISIONS / 4] = chip.reg[UPT_REVISIONS / 4] = 3;
	chip.reg[MAC_LOW / 4] = 0x12005452;
	chip.reg[MAC_HIGH / 4] = 0xabcd5634;
	chip.link = 10000u << 16 | 1;
	return 0;
}

static int open_it(void)
{
	static const struct device at = { .kind = DEV_PCI_FUNCTION, .arg = 0x15ad07b0 };

	return vmxnet3.open(&nd, &at);
}

static void open_card(void)
{
	assert_int_equal(open_it(), 0);
}

/* The next completion that the device writes, on either ring. */
static void complete(unsigned ring, uint32_t first, uint32_t third, uint32_t last)
{
	unsigned *n = ring == RX ? &chip.completed : &chip.reported;
	uint64_t at = ring == RX ? chip.shared->rx.done_at : chip.shared->tx.done_at;
	struct completion *c = (struct completion *)(uintptr_t)at + *n % SIZE;

	c->first = first;
	c->third = third;
	c->last = last | ((*n)++ / SIZE % 2 ? 0 : DONE);
}

/* The descriptor that the device would take next: it must be of this turn. */
static struct ring_desc *take(void)
{
	struct ring_desc *d = (struct ring_desc *)(uintptr_t)chip.shared->rx.ring_at[0];

	d += chip.filled % SIZE;
	if (!!(d->word & RX_GENERATION) == chip.filled / SIZE % 2)
		return NULL;
	assert_int_equal(d->word & ~RX_GENERATION, chip.shared->mtu + 14);
	chip.filled++;
	return d;
}

static void deliver(uint8_t fill, unsigned len, uint32_t first, uint32_t last)
{
	struct ring_desc *d = take();

	assert_non_null(d);
	memset((void *)(uintptr_t)d->addr, fill, MIN(len, chip.shared->mtu + 14));
	complete(RX, ((chip.filled - 1) % SIZE) | first, len, last);
}

/* ---- Boot ------------------------------------------------------------------- */

static void test_open(void **state)
{
	struct shared *s;

	open_card();
	s = chip.shared;
	assert_true(fake_pci.master);
	assert_int_equal(chip.resets, 1);
	assert_memory_equal(nd.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_int_equal(nd.rx_count, SIZE - 1);
	assert_true(nd.tx_csum && nd.rx_csum && !nd.polled);
	/* It and the tables lie in sealed pages: nowhere in the pool. */
	assert_false((char *)s >= pool && (char *)s < pool + POOL);
	assert_ptr_equal((void *)(uintptr_t)s->queues_at, &s->tx);
	assert_int_equal(s->queues_len, 512);
	assert_int_equal(s->magic, 0xbabefee1);
	assert_ptr_equal((void *)(uintptr_t)s->tx.ring_at, fake_pci.gate[TX].desc);
	assert_ptr_equal((void *)(uintptr_t)s->rx.ring_at[0], fake_pci.gate[RX].desc);
	assert_int_equal(s->rx.ring_at[1] % 512, 0);
	assert_int_equal(s->rx.size[1] % 32, 0);
	/* MSI-X: what is sent has a vector that stays masked. */
	assert_int_equal(s->interrupts, 2);
	assert_int_equal(s->tx.interrupt, 1);
	assert_int_equal(chip.pass[MASK / 4], 0);
	assert_int_equal(chip.pass[RX_PRODUCED / 4], SIZE - 1);
	assert_false(fake_pci.irq_acks);
	/* No length makes the device reach further than the warden looks. */
	assert_int_equal(fake_pci.gate[RX].span, 1u << 14);
	assert_int_equal(fake_pci.gate[TX].span, 1u << 14);
}

static void test_open_otherwise(void **state)
{
	fake_pci.irq = PCI_INTX;
	open_card();
	assert_int_equal(chip.shared->interrupts, 1);
	assert_int_equal(chip.shared->tx.interrupt, 0);
	assert_ptr_equal(fake_pci.irq_status, fake_pci.bar[1] + ICR);
}

static void test_open_refused(void **state)
{
	static const struct device other = { .arg = 0x15ad0000 };

	assert_false(vmxnet3.is(&other));
	assert_int_equal(vmxnet3.open(&nd, &other), -ENODEV);
	chip.reg[UPT_REVISIONS / 4] = 2;
	assert_int_equal(open_it(), -ENOTSUP);
	setup(NULL);
	chip.refusal = 1;
	assert_int_equal(open_it(), -EIO);
	setup(NULL);
	fake_pci.gates_max = 2;
	assert_int_equal(open_it(), -ENOSPC);
	setup(NULL);
	pool_size = 1 << 10;
	assert_int_equal(open_it(), -ENOMEM);
	assert_int_equal(chip.activations, 0);
	fake_pci.bar[1] = 0;
	assert_int_equal(open_it(), -ENOTSUP);
}

static void test_close(void **state)
{
	open_card();
	vmxnet3.close(&nd);
	assert_int_equal(chip.resets, 2);
}

static void test_link(void **state)
{
	open_card();
	assert_true(vmxnet3.link(&nd));
	chip.link = 10000u << 16;
	assert_false(vmxnet3.link(&nd));
	assert_int_equal(chip.last, GET_LINK);
	assert_null(fake_pci.gate[LINK].staged);
}

/* ---- Receive ---------------------------------------------------------------- */

static void test_receive(void **state)
{
	static const struct { uint32_t first, last; bool ok; } sums[] = {
		{ 0, RX_SUM_OK | 1u << 18, true },
		{ 0, RX_SUM_OK | 1u << 17, true },
		{ 0, RX_SUM_OK, false },                /* of neither TCP nor UDP */
		{ 0, 1u << 18, false },
		{ RX_NO_SUM, RX_SUM_OK | 1u << 18, false },
		{ 0, RX_SUM_OK | 1u << 18 | RX_FRAGMENT, false },
	};

	open_card();
	assert_null(vmxnet3.recv(&nd));
	for (unsigned i = 0; i < ARRAY_LEN(sums); i++)
		deliver((uint8_t)i, 60 + i, WHOLE | sums[i].first, sums[i].last);
	assert_true(vmxnet3.arm(&nd));
	for (unsigned i = 0; i < ARRAY_LEN(sums); i++) {
		struct frame *f = vmxnet3.recv(&nd);

		assert_int_equal(f->len, 60 + i);
		assert_int_equal(f->data[59], i);
		assert_int_equal(f->csum_ok, sums[i].ok);
	}
	assert_null(vmxnet3.recv(&nd));
	assert_false(vmxnet3.arm(&nd));
}

static void test_receive_for_ever(void **state)
{
	struct frame *held[8] = { NULL };

	open_card();
	for (unsigned i = 0; i < 5000; i++) {
		struct frame *f;

		deliver((uint8_t)i, 60, WHOLE, 0);
		f = vmxnet3.recv(&nd);
		assert_non_null(f);
		assert_int_equal(f->data[30], i & 0xff);
		if (held[i * 7 % 8])
			vmxnet3.release(&nd, held[i * 7 % 8]);
		held[i * 7 % 8] = f;
		vmxnet3.flush(&nd);
		assert_int_equal(chip.pass[RX_PRODUCED / 4], fake_pci.next[RX]);
	}
	assert_int_equal(count("ring_rx_frames_total"), 5000);
	assert_int_equal(count("ring_rx_bad_total"), 0);
}

static void test_receive_dry(void **state)
{
	struct frame *f[SIZE - 1];

	open_card();
	for (unsigned i = 0; i < SIZE - 1; i++)
		deliver((uint8_t)i, 60, WHOLE, 0);
	assert_null(take());
	for (unsigned i = 0; i < SIZE - 1; i++)
		f[i] = vmxnet3.recv(&nd);
	/* A frame in a slot that the device does not have. */
	for (unsigned slot = 0; slot < SIZE; slot++)
		complete(RX, slot | WHOLE, 60, 0);
	assert_null(vmxnet3.recv(&nd));
	assert_int_equal(count("ring_rx_bad_total"), SIZE);
	for (unsigned i = 0; i < SIZE - 1; i++)
		vmxnet3.release(&nd, f[SIZE - 2 - i]);
	vmxnet3.flush(&nd);
	deliver(7, 61, WHOLE, 0);
	assert_int_equal(vmxnet3.recv(&nd)->len, 61);
}

static void test_receive_nonsense(void **state)
{
	static const unsigned lens[] = { 0, 1, 13, 1515, 2048, 0x3fff };
	struct frame *f;

	open_card();
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++)
		deliver(0, lens[i], WHOLE, 0);
	deliver(0, 60 | RX_ERROR, WHOLE, 0);
	deliver(0, 60, RX_SOP, 0);
	deliver(0, 60, RX_EOP, 0);
	deliver(0, 60, 0, 0);
	/* Slots that there are not, then one given back out of turn: those before it are free. */
	complete(RX, SIZE | WHOLE, 60, 0);
	complete(RX, 0xfff | WHOLE, 60, 0);
	chip.filled += 3;
	deliver(0x77, 60, WHOLE, 0);
	f = vmxnet3.recv(&nd);
	assert_non_null(f);
	assert_int_equal(f->data[0], 0x77);
	assert_null(vmxnet3.recv(&nd));
	assert_int_equal(count("ring_rx_bad_total"), ARRAY_LEN(lens) + 4 + 2 + 3);
	/* The same slot again. */
	complete(RX, (chip.filled - 1) % SIZE | WHOLE, 60, 0);
	assert_null(vmxnet3.recv(&nd));
	assert_int_equal(count("ring_rx_frames_total"), 1);
	assert_int_equal(fake_log_lines, 0);
	deliver(0x78, 60, WHOLE, 0);
	assert_int_equal(vmxnet3.recv(&nd)->data[0], 0x78);
}

/* ---- A larger MTU ------------------------------------------------------------ */

static void test_large(void **state)
{
	static const unsigned lens[] = { 13, 9015, 0x3fff };
	struct frame *f, *held;
	unsigned sent = 0;

	nd.mtu_wanted = 9000;
	open_card();
	assert_int_equal(nd.mtu, 9000);
	assert_int_equal(chip.shared->mtu, 9000);
	assert_int_equal(nd.rx_count, chip.shared->rx.size[0] - 1);
	deliver(0x77, 9014, WHOLE, 0);
	held = vmxnet3.recv(&nd);
	assert_int_equal(held->len, 9014);
	for (unsigned i = 0; i < ARRAY_LEN(lens); i++)
		deliver(0xbb, lens[i], WHOLE, 0);
	deliver(0xbb, 9014, RX_SOP, 0);                 /* more would be in the body ring */
	deliver(0x78, 9014, WHOLE, 0);
	f = vmxnet3.recv(&nd);
	assert_int_equal(f->data[9013], 0x78);
	assert_int_equal(held->data[9013], 0x77);
	assert_int_equal(count("ring_rx_bad_total"), ARRAY_LEN(lens) + 1);
	for (; vmxnet3.tx_get(&nd); sent++)
		vmxnet3.tx_put(&nd, 9014, no_csum);
	assert_int_equal(sent, chip.shared->tx.size - 1);
	vmxnet3.flush(&nd);
	assert_int_equal(fake_log_lines, 0);
}

static void test_large_little_memory(void **state)
{
	nd.mtu_wanted = 9000;
	pool_size = 1 << 20;
	open_card();
	assert_int_equal(nd.mtu, 1500);
	assert_int_equal(chip.shared->mtu, 1500);
	deliver(0, 1515, WHOLE, 0);
	assert_null(vmxnet3.recv(&nd));
}

/* ---- Send ------------------------------------------------------------------- */

static void test_send(void **state)
{
	struct tx_csum csum = { .start = 34, .offset = 16 };
	const struct ring_desc *d;
	uint8_t *p;

	open_card();
	d = fake_pci.gate[TX].desc;
	p = vmxnet3.tx_get(&nd);
	assert_ptr_equal(vmxnet3.tx_get(&nd), p);
	vmxnet3.tx_put(&nd, 1514, no_csum);
	assert_non_null(vmxnet3.tx_get(&nd));
	vmxnet3.tx_put(&nd, 54, csum);
	assert_int_equal(chip.pass[TX_PRODUCED / 4], 0);
	vmxnet3.flush(&nd);
	assert_int_equal(chip.pass[TX_PRODUCED / 4], 2);
	assert_ptr_equal((uint8_t *)(uintptr_t)d[0].addr, p);
	assert_int_equal(d[0].word, 1514 | TX_GENERATION | TX_EOP | TX_REPORT);
	assert_int_equal(d[1].word, 54 | TX_GENERATION | TX_EOP | TX_REPORT | TX_SUM |
				    34ull << 32 | 50ull << 18);
}

static void test_send_for_ever(void **state)
{
	const struct ring_desc *d;
	unsigned sent = 0;

	open_card();
	d = fake_pci.gate[TX].desc;
	for (; vmxnet3.tx_get(&nd); sent++)
		vmxnet3.tx_put(&nd, 60, no_csum);
	assert_int_equal(sent, SIZE - 1);
	vmxnet3.flush(&nd);
	assert_null(vmxnet3.tx_get(&nd));
	/* One completion may stand for many. */
	complete(TX, 9, 0, 0);
	for (unsigned i = 0; i < 3000; i++, sent++) {
		assert_non_null(vmxnet3.tx_get(&nd));
		vmxnet3.tx_put(&nd, 60, no_csum);
		vmxnet3.flush(&nd);
		assert_int_equal(!!(d[sent % SIZE].word & TX_GENERATION), !(sent / SIZE % 2));
		complete(TX, (10 + i) % SIZE, 0, 0);
	}
	assert_int_equal(count("ring_tx_bad_total"), 0);
}

static void test_send_nonsense(void **state)
{
	open_card();
	vmxnet3.tx_get(&nd);
	vmxnet3.tx_put(&nd, 60, no_csum);
	vmxnet3.flush(&nd);
	complete(TX, SIZE, 0, 0);               /* no such slot, one not sent, one twice */
	complete(TX, 1, 0, 0);
	complete(TX, 0, 0, 0);
	complete(TX, 0, 0, 0);
	vmxnet3.flush(&nd);
	assert_int_equal(count("ring_tx_bad_total"), 3);
	for (unsigned i = 0; i < 10 * SIZE; i++)
		complete(TX, i * 77, 0, 0);
	vmxnet3.flush(&nd);
	assert_non_null(vmxnet3.tx_get(&nd));
	assert_int_equal(fake_log_lines, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mmio_unit_test_setup(test_open, setup),
		mmio_unit_test_setup(test_open_otherwise, setup),
		mmio_unit_test_setup(test_open_refused, setup),
		mmio_unit_test_setup(test_close, setup),
		mmio_unit_test_setup(test_link, setup),
		mmio_unit_test_setup(test_receive, setup),
		mmio_unit_test_setup(test_receive_for_ever, setup),
		mmio_unit_test_setup(test_receive_dry, setup),
		mmio_unit_test_setup(test_receive_nonsense, setup),
		mmio_unit_test_setup(test_large, setup),
		mmio_unit_test_setup(test_large_little_memory, setup),
		mmio_unit_test_setup(test_send, setup),
		mmio_unit_test_setup(test_send_for_ever, setup),
		mmio_unit_test_setup(test_send_nonsense, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
