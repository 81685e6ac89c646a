/* SPDX-License-Identifier: MIT */
/* net/dev/sun8i_emac.c against a model of the chip that plays well and badly. */
/* sources: net/dev/sun8i_emac.c kernel/siphash.c tests/unit/fake_mmio.c tests/unit/fake_nic.c
 * tests/unit/fake_kernel.c */
#include <errno.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/mem.h"
#include "net/dev/sun8i_emac.h"
#include "tests/unit/fake_mmio.h"
#include "tests/unit/fake_nic.h"

#define RX_COUNT 128u
#define TX_COUNT 64u
#define FRAMES 256u
#define FCS 4u
#define WHOLE (RX_STATUS_FIRST | RX_STATUS_LAST)
#define SYSCON 0x30u

extern const struct netdev_ops sun8i_emac;

static struct {
	uint32_t reg[64], syscon, phy[32];
	bool stuck_reset, stuck_mii, stuck_phy;
	struct arch_queue queue[16];
	unsigned queues, queues_most, submitted[16], rung[16];
	unsigned irqs;
	unsigned rx_at, tx_at;          /* the device's place in its rings */
} chip;
static uintptr_t base, system_control;
static char sealed[4][2 * PAGE_SIZE] __attribute__((aligned(4096)));
static unsigned sealed_count;
static char taken[1 << 20] __attribute__((aligned(16)));
static size_t taken_len;

/* ---- Registers --------------------------------------------------------------------- */

static void mii(uint32_t command)
{
	unsigned r = command >> 4 & 31;

	if (!(command & MII_BUSY))
		return;
	assert_int_equal(command >> 12 & 31, 1);
	if (!(command & MII_WRITE))
		chip.reg[MII_DATA / 4] = chip.phy[r];
	else if (r == BMCR && !chip.stuck_phy)
		chip.phy[r] = chip.reg[MII_DATA / 4] & ~BMCR_RESET;
	else
		chip.phy[r] = chip.reg[MII_DATA / 4];
	if (!chip.stuck_mii)
		chip.reg[MII_CMD / 4] &= ~MII_BUSY;
}

static uint32_t emac_read(unsigned offset)
{
	assert_true(offset / 4 < ARRAY_LEN(chip.reg));
	return chip.reg[offset / 4];
}

static void emac_write(unsigned offset, uint32_t value)
{
	assert_true(offset / 4 < ARRAY_LEN(chip.reg));
	chip.reg[offset / 4] = value;
	if (offset == BASIC_CTL1 && !chip.stuck_reset)
		chip.reg[offset / 4] &= ~CTL1_RESET;
	if (offset == MII_CMD)
		mii(value);
}

static uint32_t syscon_read(unsigned offset)
{
	return chip.syscon;
}

static void syscon_write(unsigned offset, uint32_t value)
{
	assert_int_equal(offset, SYSCON);
	chip.syscon = value;
}

/* ---- The warden ---------------------------------------------------------------------- */

int arch_queue_add(const struct arch_queue *q)
{
	if (chip.queues == chip.queues_most)
		return -ENOSPC;
	assert_int_equal(q->kind, QUEUE_OWNED);
	assert_int_equal(q->notify_width, 4);
	chip.queue[chip.queues] = *q;
	return (int)chip.queues++;
}

void arch_notify(unsigned q)
{
	const struct arch_queue *queue = &chip.queue[q];

	assert_true(q < chip.queues);
	chip.rung[q]++;
	emac_write((unsigned)((uintptr_t)queue->notify - base), queue->notify_value);
}

int arch_submit(unsigned q, unsigned n)
{
	const struct arch_queue *queue = &chip.queue[q];

	assert_true(q < chip.queues && queue->staged && n <= queue->size);
	for (; n > 0; n--) {
		unsigned i = chip.submitted[q]++ % queue->size;
		const struct owned_desc *from = (const struct owned_desc *)queue->staged + i;
		struct owned_desc *to = (struct owned_desc *)queue->desc + i;

		to->size = from->size;
		to->status = from->status;
	}
	arch_notify(q);
	return 0;
}

void arch_irq_enable(uint32_t irq, volatile void *status, volatile void *ack)
{
	assert_int_equal(irq, 32 + 82);
	assert_true((uintptr_t)status == base + INT_STA && ack == status);
	chip.irqs++;
}

void *mem_sealed_pages(unsigned n)
{
	assert_true(sealed_count < ARRAY_LEN(sealed) && n <= 2);
	return memset(sealed[sealed_count++], 0, sizeof(sealed[0]));
}

void *mem_take(size_t size)
{
	void *p = taken + taken_len;

	taken_len += ALIGN_UP(size, (size_t)16);
	return taken_len <= sizeof(taken) ? p : NULL;
}

/* ---- The device ---------------------------------------------------------------------- */

static struct owned_desc *ring_desc(unsigned q)
{
	return chip.queue[q].desc;
}

static const char *tx_buffer(unsigned i)
{
	return pool + (RX_COUNT + i) * 2048;
}

/* A frame of `len` bytes of `fill` with this status: false when the ring is dry. */
static bool arrives(unsigned len, uint8_t fill, uint32_t status)
{
	struct owned_desc *d = &ring_desc(1)[chip.rx_at % RX_COUNT];

	if (!(d->status & OWNED_BY_DEVICE))
		return false;
	memset(pool + chip.rx_at % RX_COUNT * 2048, fill, MIN(len, 2047u));
	d->status = (len + FCS) << 16 | status;
	chip.rx_at++;
	return true;
}

/* Sends one frame: its size word, 0 when there is none. */
static uint32_t sends(uint32_t status)
{
	struct owned_desc *d = &ring_desc(0)[chip.tx_at % TX_COUNT];

	if (!(d->status & OWNED_BY_DEVICE))
		return 0;
	d->status = status;
	chip.tx_at++;
	return d->size;
}

/* ---- Tests --------------------------------------------------------------------------- */

static int chip_open(void)
{
	const struct device dev = {
		.kind = DEV_SUN8I_EMAC, .irq = 32 + 82, .base = base, .size = 0x10000,
		.base2 = system_control + SYSCON,
	};

	return sun8i_emac.open(&nd, &dev);
}

static int setup(void **state)
{
	static const struct fake_mmio emac = { emac_read, emac_write };
	static const struct fake_mmio syscon = { syscon_read, syscon_write };

	if (!base) {
		base = fake_mmio_map(&emac);
		system_control = fake_mmio_map(&syscon);
	}
	fake_nic_new();
	memset(&chip, 0, sizeof(chip));
	chip.queues_most = ARCH_QUEUES;
	chip.phy[BMSR] = BMSR_LINK;
	chip.reg[ADDR_LOW / 4] = 0x12005452;
	chip.reg[ADDR_HIGH / 4] = 0x5634;
	sealed_count = 0;
	taken_len = 0;
	return 0;
}

static void test_open(void **state)
{
	struct owned_desc *rx, *tx;

	assert_int_equal(chip_open(), 0);
	assert_memory_equal(nd.mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_true(nd.mtu == 1500 && nd.tx_csum && !nd.rx_csum && nd.rx_count == FRAMES);
	assert_int_equal(chip.irqs, 1);
	assert_int_equal(chip.syscon & SYSCON_INTERNAL, SYSCON_INTERNAL);
	assert_int_equal(chip.phy[BMCR], BMCR_AUTO | BMCR_RESTART);
	assert_int_equal(chip.reg[RX_FRM_FLT / 4], RX_ALL_MULTICAST);   /* not promiscuous */
	assert_int_equal(chip.reg[INT_EN / 4], INT_RX);
	assert_int_equal(chip.reg[RX_CTL1 / 4] & RX_CTL1_START, RX_CTL1_START);
	assert_int_equal(fake_mmio_mapped(base), 1);
	tx = ring_desc(0);
	rx = ring_desc(1);
	assert_int_equal(chip.reg[RX_DMA_DESC_LIST / 4], (uint32_t)(uintptr_t)rx);
	assert_int_equal(chip.reg[TX_DMA_DESC_LIST / 4], (uint32_t)(uintptr_t)tx);
	for (unsigned i = 0; i < RX_COUNT; i++) {
		assert_int_equal(rx[i].status, OWNED_BY_DEVICE);
		assert_int_equal(rx[i].size, OWNED_SIZE_MAX);
		assert_int_equal(rx[i].buffer, (uint32_t)(uintptr_t)(pool + i * 2048));
		assert_int_equal(rx[i].next, (uint32_t)(uintptr_t)&rx[(i + 1) % RX_COUNT]);
	}
	for (unsigned i = 0; i < TX_COUNT; i++)
		assert_int_equal(tx[i].status, 0);
}

static void test_addresses(void **state)
{
	static const struct { uint32_t low, high; } bad[] = {
		{ 0, 0 }, { 0x12005453, 0x5634 }, { UINT32_MAX, UINT32_MAX },
	};

	for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
		setup(state);
		chip.reg[ADDR_LOW / 4] = bad[i].low;
		chip.reg[ADDR_HIGH / 4] = bad[i].high;
		assert_int_equal(chip_open(), 0);
		assert_memory_equal(nd.mac, "\xfe\xff\xff\xff\xff\xff", 6);     /* at random */
		assert_int_equal(chip.reg[ADDR_LOW / 4], 0xfffffffe);
		assert_int_equal(chip.reg[ADDR_HIGH / 4], 0xffff);
	}
}

static void test_open_refused(void **state)
{
	struct device odd = { .kind = DEV_SUN8I_EMAC, .base = base + 4 };

	assert_int_equal(sun8i_emac.open(&nd, &odd), -EINVAL);
	chip.stuck_reset = true;
	assert_int_equal(chip_open(), -ETIMEDOUT);
	setup(state);
	chip.stuck_mii = true;
	assert_int_equal(chip_open(), -ETIMEDOUT);
	setup(state);
	chip.stuck_phy = true;
	assert_int_equal(chip_open(), -ETIMEDOUT);
	assert_string_equal(fake_log, "sun8i-emac: the PHY stays in reset");
	setup(state);
	pool_size = RX_COUNT * 2048;
	assert_int_equal(chip_open(), -ENOMEM);
	for (unsigned most = 0; most < 10; most++) {
		setup(state);
		chip.queues_most = most;
		assert_int_equal(chip_open(), -ENOSPC);
		assert_int_equal(chip.irqs, 0);
	}
}

static void expect_frame(unsigned len, uint8_t fill)
{
	struct frame *f = sun8i_emac.recv(&nd);

	assert_non_null(f);
	assert_int_equal(f->len, len);
	assert_false(f->csum_ok);
	for (unsigned i = 0; i < len; i++)
		assert_int_equal(f->data[i], fill);
	sun8i_emac.release(&nd, f);
}

static void test_receive(void **state)
{
	assert_int_equal(chip_open(), 0);
	assert_null(sun8i_emac.recv(&nd));
	assert_false(sun8i_emac.arm(&nd));
	for (unsigned n = 0; n < 3 * RX_COUNT; n++) {
		unsigned len = 14 + n * 5 % (NETDEV_FRAME_MAX - 13);

		assert_true(arrives(len, (uint8_t)n, WHOLE));
		assert_true(sun8i_emac.arm(&nd));
		expect_frame(len, (uint8_t)n);
		assert_null(sun8i_emac.recv(&nd));
		if (n % 7 == 0)
			sun8i_emac.flush(&nd);
	}
	sun8i_emac.flush(&nd);
	assert_int_equal(chip.submitted[1], 3 * RX_COUNT);
	assert_int_equal(count("sun8i_emac_rx_frames_total"), 3 * RX_COUNT);
	assert_int_equal(count("sun8i_emac_rx_bad_total"), 0);
}

static void test_broken_frames(void **state)
{
	static const struct { unsigned len; uint32_t status; } bad[] = {
		{ 60, RX_STATUS_FIRST }, { 60, RX_STATUS_LAST }, { 60, 0 }, { 13, WHOLE },
		{ NETDEV_FRAME_MAX + 1, WHOLE }, { 0x3fff - FCS, WHOLE }, { 60, WHOLE | 1u << 14 },
		{ 60, WHOLE | 1u << 11 }, { 60, WHOLE | 1u << 6 }, { 60, WHOLE | 1u << 4 },
		{ 60, WHOLE | 1u << 3 }, { 60, WHOLE | 1u << 1 },
	};

	assert_int_equal(chip_open(), 0);
	for (unsigned round = 0; round < 40; round++) {
		for (unsigned i = 0; i < ARRAY_LEN(bad); i++)
			assert_true(arrives(bad[i].len, 1, bad[i].status));
		assert_true(arrives(60, 2, WHOLE));
		expect_frame(60, 2);
		assert_null(sun8i_emac.recv(&nd));
		sun8i_emac.flush(&nd);
	}
	assert_int_equal(count("sun8i_emac_rx_bad_total"), 40 * ARRAY_LEN(bad));
	assert_int_equal(count("sun8i_emac_rx_frames_total"), 40);
}

/* The stack keeps frames: the ring goes on, until there are no more of them. */
static void test_frames_kept(void **state)
{
	struct frame *kept[FRAMES];

	assert_int_equal(chip_open(), 0);
	for (unsigned i = 0; i < FRAMES; i++) {
		assert_true(arrives(60, (uint8_t)i, WHOLE));
		kept[i] = sun8i_emac.recv(&nd);
		assert_non_null(kept[i]);
		sun8i_emac.flush(&nd);
	}
	assert_true(arrives(60, 9, WHOLE));
	assert_null(sun8i_emac.recv(&nd));
	assert_false(sun8i_emac.arm(&nd));
	assert_int_equal(count("sun8i_emac_rx_full_total"), 1);
	for (unsigned i = 0; i < FRAMES; i++) {
		assert_int_equal(kept[i]->data[0], (uint8_t)i);
		sun8i_emac.release(&nd, kept[i]);
	}
	expect_frame(60, 9);
}

/* After a flood QEMU's device, which has used all descriptors up, begins with the first. */
static void test_ring_ran_dry(void **state)
{
	assert_int_equal(chip_open(), 0);
	for (unsigned i = 0; i < 5; i++) {
		assert_true(arrives(60, 1, WHOLE));
		expect_frame(60, 1);
	}
	sun8i_emac.flush(&nd);
	while (arrives(60, 2, WHOLE))
		;
	for (unsigned i = 0; i < RX_COUNT; i++)
		expect_frame(60, 2);
	sun8i_emac.flush(&nd);
	chip.rx_at = 0;
	for (unsigned n = 0; n < 3 * RX_COUNT; n++) {
		assert_true(arrives(60, (uint8_t)n, WHOLE));
		sun8i_emac.arm(&nd);
		assert_true(sun8i_emac.arm(&nd));
		expect_frame(60, (uint8_t)n);
		sun8i_emac.flush(&nd);
	}
}

static void put(size_t len, uint8_t fill, struct tx_csum csum)
{
	uint8_t *buf = sun8i_emac.tx_get(&nd);

	assert_non_null(buf);
	assert_ptr_equal(buf, sun8i_emac.tx_get(&nd));
	memset(buf, fill, len);
	sun8i_emac.tx_put(&nd, len, csum);
}

static void test_send(void **state)
{
	const struct tx_csum csum = { 34, 16 };

	assert_int_equal(chip_open(), 0);
	sun8i_emac.flush(&nd);
	assert_int_equal(chip.submitted[0], 0);
	for (unsigned n = 0; n < 3 * TX_COUNT; n++) {
		unsigned len = 14 + n * 9 % (NETDEV_FRAME_MAX - 13);
		uint32_t size;

		put(len, (uint8_t)n, n % 2 ? csum : no_csum);
		assert_int_equal(sends(0), 0);          /* not before it is flushed */
		sun8i_emac.flush(&nd);
		assert_int_equal(tx_buffer(n % TX_COUNT)[len - 1], (char)n);
		size = sends(n % 10 ? 0 : 1u << 8);
		assert_int_equal(size & OWNED_SIZE_MAX, len);
		assert_int_equal(size & TX_SIZE_FIRST, TX_SIZE_FIRST);
		assert_int_equal(size & TX_SIZE_LAST, TX_SIZE_LAST);
		assert_int_equal(size & TX_SIZE_CHECKSUMS, n % 2 ? TX_SIZE_CHECKSUMS : 0);
	}
	assert_int_equal(count("sun8i_emac_tx_frames_total"), 3 * TX_COUNT);
	assert_true(count("sun8i_emac_tx_bad_total") > 0);
}

static void test_send_ring_full(void **state)
{
	assert_int_equal(chip_open(), 0);
	for (unsigned i = 0; i < TX_COUNT; i++)
		put(60, 1, no_csum);
	assert_null(sun8i_emac.tx_get(&nd));
	sun8i_emac.flush(&nd);
	assert_null(sun8i_emac.tx_get(&nd));
	assert_int_equal(count("sun8i_emac_tx_full_total"), 2);
	assert_int_equal(chip.reg[INT_EN / 4], INT_RX | INT_TX);
	assert_false(sun8i_emac.arm(&nd));
	assert_true(sends(0) != 0);
	assert_true(sun8i_emac.arm(&nd));
	put(60, 2, no_csum);
	assert_int_equal(chip.reg[INT_EN / 4], INT_RX);
}

static void test_link(void **state)
{
	static const struct { uint32_t partner, mode; } modes[] = {
		{ ANLPAR_100_FULL | ANLPAR_10, CTL0_100M | CTL0_FULL_DUPLEX },
		{ ANLPAR_100 | ANLPAR_10_FULL, CTL0_100M },
		{ ANLPAR_10_FULL, CTL0_10M | CTL0_FULL_DUPLEX }, { ANLPAR_10, CTL0_10M },
		{ 0, CTL0_100M | CTL0_FULL_DUPLEX },
	};

	assert_int_equal(chip_open(), 0);
	assert_true(sun8i_emac.link(&nd));
	chip.phy[BMSR] = 0x7849;
	for (unsigned i = 0; i < 3; i++)
		sun8i_emac.link(&nd);
	assert_false(sun8i_emac.link(&nd));
	chip.phy[BMSR] = 0;                    /* a PHY without registers */
	sun8i_emac.link(&nd);
	assert_true(sun8i_emac.link(&nd));
	chip.phy[BMSR] = BMSR_LINK;
	for (unsigned i = 0; i < ARRAY_LEN(modes); i++) {
		chip.phy[ANLPAR] = modes[i].partner;
		for (unsigned k = 0; k < 4; k++)
			assert_true(sun8i_emac.link(&nd));
		assert_int_equal(chip.reg[BASIC_CTL0 / 4], modes[i].mode);
	}
	chip.stuck_mii = true;                 /* the last word stands */
	for (unsigned k = 0; k < 4; k++)
		assert_true(sun8i_emac.link(&nd));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		mmio_unit_test_setup(test_open, setup),
		mmio_unit_test_setup(test_addresses, setup),
		mmio_unit_test_setup(test_open_refused, setup),
		mmio_unit_test_setup(test_receive, setup),
		mmio_unit_test_setup(test_broken_frames, setup),
		mmio_unit_test_setup(test_frames_kept, setup),
		mmio_unit_test_setup(test_ring_ran_dry, setup),
		mmio_unit_test_setup(test_send, setup),
		mmio_unit_test_setup(test_send_ring_full, setup),
		mmio_unit_test_setup(test_link, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
