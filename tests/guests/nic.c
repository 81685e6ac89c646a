/* SPDX-License-Identifier: MIT */
/* The NIC driver alone, without lwIP: asks QEMU's user-mode network for the address of 10.0.2.2
 * (ARP, RFC 826), asleep between question and answer, then in one burst that overfills the send
 * ring; what a small FIFO had no room for is asked again. Needs NET=user; ends with 0 when every
 * answer came and sleep was ended by interrupts. With nic.twice=yes the NIC is opened once more
 * while it runs, as firmware may leave it: nothing of the first time may come back. */
#include <string.h>

#include "kernel/arch.h"
#include "kernel/clock.h"
#include "kernel/config.h"
#include "kernel/crash.h"
#include "kernel/dev.h"
#include "kernel/image.h"
#include "kernel/kernel.h"
#include "kernel/task.h"
#include "net/netdev.h"

#define ROUNDS 200
#define BURST 1000
#define ANSWER_MS 1000
#define BURST_MS 100
#define BURSTS_MAX 50
#define ARP_LEN 42

static struct netdev nic;
static struct event irq;
static const struct tx_csum no_csum;
static unsigned sent, answers, naps;
static bool twice;
static const struct setting settings[] = {
	{ .key = "nic.twice", .type = SETTING_BOOL, .value = &twice, .expected = "yes or no" },
};

static bool open_on(const struct netdev_ops *ops)
{
	const struct device *d = NULL;

	while ((d = machine_find(ops->kind, d)))
		if (ops->open(&nic, d) == 0)
			return true;
	return false;
}

static bool ask(void)
{
	static const uint8_t head[] = { 8, 6, 0, 1, 8, 0, 6, 4, 0, 1 };
	static const uint8_t addresses[] = { 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2 };
	uint8_t *p = nic.ops->tx_get(&nic);

	if (!p)
		return false;
	memset(p, 0xff, 6);
	memcpy(p + 6, nic.mac, 6);
	memcpy(p + 12, head, sizeof(head));
	memcpy(p + 22, nic.mac, 6);
	memcpy(p + 28, addresses, sizeof(addresses));
	nic.ops->tx_put(&nic, ARP_LEN, no_csum);
	sent++;
	return true;
}

/* Leaves it with frames on their way both ways, and begins anew. */
static bool open_again(void)
{
	for (unsigned i = 0; i < ROUNDS && ask(); i++)
		nic.ops->flush(&nic);
	sent = 0;
	return open_on(nic.ops);
}

void image_boot(void)
{
	config_declare(settings, ARRAY_LEN(settings));
	config_apply(machine.cmdline, "command line");
	task_poll_event(&irq);
	for (unsigned i = 0; board_netdevs[i]; i++) {
		nic.ops = board_netdevs[i];
		if (open_on(nic.ops) && (!twice || open_again()))
			return;
	}
	log_error("no NIC");
	arch_exit(EXIT_TEST_FAILED);
}

/* Takes what has come; answers of other kinds are not for us. */
static void drain(void)
{
	struct frame *f;

	while ((f = nic.ops->recv(&nic)) != NULL) {
		if (f->len >= ARP_LEN && f->data[12] == 8 && f->data[13] == 6 &&
		    f->data[21] == 2 && f->data[31] == 2)
			answers++;
		nic.ops->release(&nic, f);
	}
}

/* Asks, and sleeps until the answer is there: the interrupt was asked for before the question, so
 * it must come. False when it does not. */
static bool ask_and_sleep(void)
{
	ktime deadline = clock_after_ms(ANSWER_MS);

	while (nic.ops->arm(&nic))
		drain();
	if (!ask())
		return false;
	nic.ops->flush(&nic);
	while (answers < sent) {
		if (event_wait(&irq, deadline) < 0)
			return false;
		naps++;
		do
			drain();
		while (nic.ops->arm(&nic));
	}
	return true;
}

/* Sleeps until the NIC may have news, and takes it; false when none came for a while. */
static bool nap(void)
{
	ktime deadline = clock_after_ms(BURST_MS);
	unsigned before = answers;

	nic.ops->flush(&nic);
	while (answers == before) {
		if (!nic.ops->arm(&nic) && event_wait(&irq, deadline) < 0)
			return false;
		drain();
	}
	return true;
}

static _Noreturn void fail(const char *what)
{
	log_error("%s: %u sent, %u answered, %u naps", what, sent, answers, naps);
	arch_exit(EXIT_TEST_FAILED);
}

void image_main(void *unused)
{
	ktime start = clock_now();
	unsigned bursts = 0, lost = 0;

	log_info("%s, mac %02x:%02x:%02x:%02x:%02x:%02x, mtu %u, %u buffers", nic.where, nic.mac[0],
		 nic.mac[1], nic.mac[2], nic.mac[3], nic.mac[4], nic.mac[5], nic.mtu, nic.rx_count);
	while (answers < ROUNDS)
		if (!ask_and_sleep())
			fail("no answer");
	log_info("%u rounds in %u us, %u naps", ROUNDS, (unsigned)((clock_now() - start) / 1000),
		 naps);

	while (answers < ROUNDS + BURST) {
		while (sent < ROUNDS + BURST && ask())
			;
		if (nap())
			continue;
		if (++bursts == BURSTS_MAX)
			fail("burst");
		lost += sent - answers;
		sent = answers;
	}
	log_info("nic: %u answers, %u asked for again", answers, lost);
	arch_exit(EXIT_OK);
}
