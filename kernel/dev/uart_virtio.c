/* SPDX-License-Identifier: MIT */
/* Virtio console (virtio 1.2 §5.3), port 0, for what it writes; nothing is read. The console of
 * a machine that has no UART. Each entry of the queue is one byte of a buffer that the sealed
 * table names for ever, so that a line is a doorbell and no descriptor changes.
 *
 * QEMU: -device virtio-serial-pci (or -device) -device virtconsole,chardev=... */
#include <errno.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/dev/virtio.h"
#include "kernel/mem.h"

#define TRANSMIT 1u            /* §5.3.2: of port 0 */
#define BYTES 256u
#define WAIT_MS 50             /* then bytes are dropped until the host takes some again */

static struct virtqueue q;
static volatile char *text SEALED;
static bool stuck;             /* the last wait was in vain: the next are one look */

/* Hands over what was written and waits until the host has taken it, so that the last line of a
 * machine that ends is seen. The host may say anything of what it has taken: at worst bytes are
 * lost. */
static void flush(void)
{
	uint64_t until = arch_ticks() + (stuck ? 0 : arch_ticks_hz() / 1000 * WAIT_MS);

	if (q.published != q.next && virtq_publish(&q))
		arch_notify((unsigned)q.gate);
	do
		stuck = q.used->idx != q.next;
	while (stuck && arch_ticks() < until);
}

static bool full(void)
{
	return (uint16_t)(q.next - q.used->idx) >= q.size;
}

static void uart_putc(char c)
{
	if (full())
		flush();
	if (full())
		return;
	text[q.next & q.mask] = c;
	virtq_post(&q, q.next & q.mask);
	if (c == '\n')
		flush();
}

static int uart_getc(void)
{
	return -EAGAIN;
}

static int start(struct virtio *v)
{
	char *bytes = mem_dma_alloc(BYTES, BYTES);
	int rc = bytes ? virtio_reset(v) : -ENOMEM;

	if (rc == 0)
		rc = virtio_negotiate(v, 0);
	if (rc == 0)
		rc = virtio_queue(v, &q, TRANSMIT, BYTES);
	if (rc == 0 && q.size > BYTES)
		rc = virtio_fail(v, -ENOTSUP);         /* a legacy device's is as long as it says */
	if (rc == 0)
		rc = virtio_queue_gate(&q, NULL);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < q.size; i++)
		q.desc[i] = (struct vring_desc){ .addr = mem_dma_addr(bytes + i), .len = 1 };
	text = bytes;
	virtio_ready(v);
	return 0;
}

static int open_mmio(const struct device *dev)
{
	struct virtio v;
	int rc = virtio_mmio_open(&v, dev, VIRTIO_CONSOLE);

	return rc < 0 ? rc : start(&v);
}

static int open_pci(const struct device *dev)
{
	struct virtio v;
	int rc = virtio_pci_open(&v, dev, VIRTIO_CONSOLE);

	return rc < 0 ? rc : start(&v);
}

const struct uart uart_virtio = {
	.kind = DEV_VIRTIO_MMIO,
	.late = true,
	.open = open_mmio,
	.putc = uart_putc,
	.getc = uart_getc,
};
const struct uart uart_virtio_pci = {
	.kind = DEV_PCI_FUNCTION,
	.late = true,
	.open = open_pci,
	.putc = uart_putc,
	.getc = uart_getc,
};
