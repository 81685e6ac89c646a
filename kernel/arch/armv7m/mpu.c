/* SPDX-License-Identifier: MIT */
/* What the payload may touch: the regions of the MPU.
 *
 * ARM DDI 0403, B3.5. Flash is read and executed, RAM read and written; the warden's part of
 * flash, which page zero is in, is the warden's alone; the first part of RAM, the warden's data
 * and sealed data, becomes read-only. One region is the guard below the running stack. What is
 * left is for devices, one each. The system's own registers (NVIC, SysTick, MPU) are privileged
 * whatever the regions say. */
#include "kernel/arch/armv7m/warden.h"
#include "kernel/mem.h"

#define RBAR_VALID (1u << 4)
#define RASR_ENABLE 1u
#define RASR_SIZE(log2) (((log2) - 1u) << 1)
#define RASR_SKIP(subregions) ((uint32_t)(subregions) << 8)
#define RASR_NORMAL (1u << 17)                   /* C: write-through, as on-chip memory is */
#define RASR_DEVICE (1u << 18 | 1u << 16)        /* S, B */
#define RASR_XN (1u << 28)

/* AP: privileged, payload. */
#define AP_PRIVILEGED_READ (5u << 24)
#define AP_READ (6u << 24)
#define AP_PAYLOAD_READ (2u << 24)
#define AP_WRITE (3u << 24)

#define PERIPHERALS 0x40000000u
#define PERIPHERALS_LOG2 29u
#define REGION_LEAST 32u
#define SUBREGIONS 8u

struct place {
	uintptr_t base;
	uint8_t log2;
	bool writable;
};

static struct place devices[REGIONS - REGION_DEVICE] SEALED;
static unsigned device_count SEALED;

static unsigned log2_of(uintptr_t size)
{
	return size <= 1 ? 0 : 32u - (unsigned)__builtin_clz(size - 1);
}

/* A device has a region of its own: as many as there are regions left. */
void arch_map(uintptr_t va, uint64_t pa, size_t len, unsigned prot)
{
	unsigned log2 = log2_of(MAX(len, REGION_LEAST));

	ASSERT((prot & (PROT_W | PROT_X)) != (PROT_W | PROT_X));
	if (!(prot & PROT_DEVICE))
		return;                            /* flash and RAM are mapped as wholes */
	if (va != pa || va % ((uintptr_t)1 << log2))
		panic("mpu: device at %#zx: not where a region can be", (size_t)va);
	for (unsigned i = 0; i < device_count; i++)
		if (devices[i].base == va && devices[i].log2 == log2)
			return;
	if (device_count == ARRAY_LEN(devices))
		panic("mpu: device at %#zx: no region left, %u are in use", (size_t)va, REGIONS);
	devices[device_count++] = (struct place){ va, (uint8_t)log2, prot & PROT_W };
}

static void set(struct protection *p, unsigned region, uintptr_t base, unsigned log2, uint32_t how)
{
	p->region[region].rbar = base;
	p->region[region].rasr = how | RASR_SIZE(log2) | RASR_ENABLE;
}

/* The linker script has put the end on an eighth of a power of two. */
static void set_sealed(struct protection *p)
{
	size_t size = (size_t)(__sealed_end - __ram_start);
	unsigned log2 = MAX(log2_of(size), 8u);
	size_t skipped = SUBREGIONS - (size >> (log2 - 3));

	set(p, REGION_SEALED, (uintptr_t)__ram_start, log2,
	    AP_PAYLOAD_READ | RASR_XN | RASR_NORMAL | RASR_SKIP(0xff00u >> skipped & 0xff));
}

static void set_memory(struct protection *p)
{
	set(p, REGION_FLASH, (uintptr_t)__flash_start,
	    log2_of((uintptr_t)(__flash_end - __flash_start)), AP_READ | RASR_NORMAL);
	set(p, REGION_WARDEN, (uintptr_t)__warden_start,
	    log2_of((uintptr_t)(__warden_end - __warden_start)), AP_PRIVILEGED_READ | RASR_NORMAL);
	set(p, REGION_RAM, (uintptr_t)__ram_start, log2_of((uintptr_t)(__ram_end - __ram_start)),
	    AP_WRITE | RASR_XN | RASR_NORMAL);
}

void protect_boot(void)
{
	struct protection p = { .seals = 0 };

	set_memory(&p);
	set(&p, REGION_DEVICE, PERIPHERALS, PERIPHERALS_LOG2, AP_WRITE | RASR_XN | RASR_DEVICE);
	gate(GATE_PROTECT, (uintptr_t)&p);
}

static void log_budget(void)
{
	size_t flash = (size_t)(__image_in_flash - __flash_start);

	log_info("flash: %zu of %zu KiB; RAM: %zu bytes of %zu KiB are static", flash >> 10,
		 (size_t)(__flash_end - __flash_start) >> 10, (size_t)(__image_end - __ram_start),
		 (size_t)(__ram_end - __ram_start) >> 10);
}

/* No driver of the NIC has DMA here: `dma` is memory like any other. */
void arch_seal(struct region dma)
{
	struct mem_stacks s = mem_stacks();
	struct mem_stack deep = mem_deep_stack();
	struct protection p = {
		.seals = 1, .stacks = s.base, .stacks_size = s.count * s.stride, .stride = s.stride,
		.guard = BUDGET_STACK_GUARD, .deep = deep.base, .deep_size = deep.size,
	};

	ASSERT(s.base % BUDGET_STACK_GUARD == 0 && s.stride % BUDGET_STACK_GUARD == 0);
	set_memory(&p);
	set_sealed(&p);
	set(&p, REGION_GUARD, s.base - BUDGET_STACK_GUARD, log2_of(BUDGET_STACK_GUARD), RASR_XN);
	for (unsigned i = 0; i < device_count; i++)
		set(&p, REGION_DEVICE + i, devices[i].base, devices[i].log2,
		    (devices[i].writable ? AP_WRITE : AP_PAYLOAD_READ) | RASR_XN | RASR_DEVICE);
	log_budget();
	gate(GATE_PROTECT, (uintptr_t)&p);
}
