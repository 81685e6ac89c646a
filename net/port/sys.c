/* SPDX-License-Identifier: MIT */
/* What lwIP asks of the system: the time for TCP timestamps, and numbers that a
 * peer must not guess: initial sequence numbers (RFC 6528), IP ids. */
#include "kernel/clock.h"
#include "kernel/random.h"
#include "kernel/wide.h"

#include <lwip/opt.h>

#include <lwip/sys.h>

#include "net/port/hooks.h"
#include "net/port/ip.h"
#include "net/port/port.h"

#define ISN_TICK_NS 4000               /* RFC 6528 §3: M is a 4 microsecond clock */
#define ISN_GAP 65536u                 /* beyond whatever the last one still has under way */

static u32_t time_offset;              /* RFC 7323 §7.1: uptime is nobody's business */
static uint64_t id_state, id_step;
static u32_t isn_floor;
static bool isn_has_floor;

void port_sys_init(void)
{
	time_offset = random_u32();
	random_bytes(&id_state, sizeof(id_state));
	random_bytes(&id_step, sizeof(id_step));
	id_step |= 1;
}

u32_t sys_now(void)
{
	return (u32_t)(clock_now() / 1000000) + time_offset;
}

uint16_t port_random16(void)
{
	struct wide product;

	id_state += id_step;
	product = wide_mul(id_state, id_state ^ id_step);
	return (uint16_t)(product.high ^ product.low);
}

void port_isn_floor(uint32_t seq)
{
	isn_floor = seq + ISN_GAP;
	isn_has_floor = true;
}

u32_t port_isn(const ip_addr_t *local, u16_t local_port, const ip_addr_t *remote,
	       u16_t remote_port)
{
	struct { struct addr local, remote; u16_t local_port, remote_port; } tuple = {
		addr_of_ip(local), addr_of_ip(remote), local_port, remote_port,
	};
	u32_t isn = (u32_t)(clock_now() / ISN_TICK_NS) +
		    (u32_t)random_hash(&tuple, sizeof(tuple));

	if (isn_has_floor && (s32_t)(isn - isn_floor) < 0)
		isn = isn_floor;
	isn_has_floor = false;
	return isn;
}
