/* SPDX-License-Identifier: MIT */
/* What a microcontroller's HTTP server is measured beside: lwIP's own httpd (src/apps/http of the
 * tarball) with the stock core on an LM3S6965, as its documentation has it: NO_SYS, frames
 * copied into PBUF_POOL, one loop, everything privileged, SysTick as the clock. It serves one
 * file with the head and the length of body that the time service answers with.
 *
 * LM3S6965 data sheet, chapters 3.1 (SysTick) and 15 (Ethernet controller). Address by lwipopts.h,
 * on QEMU's user-mode network. */
#include <stdint.h>
#include <string.h>

#include <lwip/apps/httpd.h>
#include <lwip/etharp.h>
#include <lwip/init.h>
#include <lwip/netif.h>
#include <lwip/timeouts.h>

#define REG(address) (*(volatile uint32_t *)(address))

#define SYST_CSR REG(0xe000e010)
#define SYST_RVR REG(0xe000e014)
#define SYST_CVR REG(0xe000e018)
#define NVIC_ISER1 REG(0xe000e104)
#define NVIC_ICPR1 REG(0xe000e284)
#define ETH_IRQ_BIT (1u << (42 - 32))
#define CYCLES_PER_MS 12500u           /* at reset QEMU's clock is 12.5 MHz */

#define MACRIS REG(0x40048000)
#define MACIM REG(0x40048004)
#define MACRCTL REG(0x40048008)
#define MACTCTL REG(0x4004800c)
#define MACDATA REG(0x40048010)
#define MACIA0 REG(0x40048014)
#define MACIA1 REG(0x40048018)
#define MACNP REG(0x40048034)
#define MACTR REG(0x40048038)
#define RXINT 1u
#define HEADER 14u
#define FRAME_MIN 60u
#define FRAME_MAX 1514u
#define FRAMING 6u                     /* length word's half and FCS */

extern uint32_t __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[], __stack[];

int main(void);
void start(void);
void tick(void);
void eth(void);
void stop(void);

static struct netif nic;
static volatile uint32_t ms;
static uint32_t tx[(2 + FRAME_MAX + 3) / 4];
static uint32_t seed = 1;

u32_t sys_now(void)
{
	return ms;
}

u32_t bench_rand(void)
{
	return seed = seed * 1664525u + 1013904223u;
}

void tick(void)
{
	ms++;
}

/* Ends WFI; the loop does the rest. */
void eth(void)
{
	MACIM = 0;
}

void stop(void)
{
	for (;;)
		;
}

/* The pbuf begins with two bytes of padding (ETH_PAD_SIZE), where the FIFO has the length. */
static err_t send(struct netif *netif, struct pbuf *p)
{
	unsigned len = pbuf_copy_partial(p, tx, sizeof(tx), 0) - ETH_PAD_SIZE;

	if (len < FRAME_MIN) {
		memset((uint8_t *)tx + ETH_PAD_SIZE + len, 0, FRAME_MIN - len);
		len = FRAME_MIN;
	}
	*(uint16_t *)tx = (uint16_t)(len - HEADER);
	while (MACTR & 1)
		;
	for (unsigned i = 0; i < (len + ETH_PAD_SIZE + 3) / 4; i++)
		MACDATA = tx[i];
	MACTR = 1;
	return ERR_OK;
}

static struct pbuf *receive(void)
{
	uint32_t word = MACDATA;
	unsigned len = (word & 0xffff) - FRAMING, words = ((word & 0xffff) + 3) / 4;
	struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)(len + FRAMING + ETH_PAD_SIZE), PBUF_POOL);
	uint32_t *out = p ? p->payload : NULL;

	for (unsigned i = 0; i < words; i++) {
		if (out)
			out[i] = word;
		if (i + 1 < words)
			word = MACDATA;
	}
	if (p)
		pbuf_realloc(p, (u16_t)(len + ETH_PAD_SIZE));
	return p;
}

static err_t set_up(struct netif *netif)
{
	uint32_t low = MACIA0, high = MACIA1;

	for (unsigned i = 0; i < 4; i++)
		netif->hwaddr[i] = (u8_t)(low >> 8 * i);
	netif->hwaddr[4] = (u8_t)high;
	netif->hwaddr[5] = (u8_t)(high >> 8);
	netif->hwaddr_len = 6;
	netif->mtu = 1500;
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_LINK_UP;
	netif->output = etharp_output;
	netif->linkoutput = send;
	MACRCTL = 0x19;                /* reset FIFO, reject bad CRC, on */
	MACTCTL = 0x17;                /* duplex, CRC, padding, on */
	return ERR_OK;
}

int main(void)
{
	ip4_addr_t ip, mask, gateway;

	SYST_RVR = CYCLES_PER_MS - 1;
	SYST_CVR = 0;
	SYST_CSR = 7;
	NVIC_ISER1 = ETH_IRQ_BIT;
	lwip_init();
	IP4_ADDR(&ip, 10, 0, 2, 15);
	IP4_ADDR(&mask, 255, 255, 255, 0);
	IP4_ADDR(&gateway, 10, 0, 2, 2);
	netif_add(&nic, &ip, &mask, &gateway, NULL, set_up, netif_input);
	netif_set_default(&nic);
	netif_set_up(&nic);
	httpd_init();
	for (;;) {
		while (MACNP) {
			struct pbuf *p = receive();

			if (p && nic.input(p, &nic) != ERR_OK)
				pbuf_free(p);
		}
		sys_check_timeouts();
		MACRIS = RXINT;
		MACIM = RXINT;
		if (!MACNP)
			__asm__ volatile("wfi");
	}
}

void start(void)
{
	for (uint32_t *to = __data_start, *from = __data_load; to < __data_end; )
		*to++ = *from++;
	for (uint32_t *to = __bss_start; to < __bss_end; )
		*to++ = 0;
	main();
}

/* ARMv7-M ARM B1.5.3: the initial stack pointer, then exceptions and interrupts by number. */
__attribute__((section(".vectors"), used)) static void (*const vectors[16 + 43])(void) = {
	[0] = (void (*)(void))__stack, [1] = start,
	[2 ... 14] = stop, [15] = tick, [16 ... 16 + 41] = stop, [16 + 42] = eth,
};
