/* SPDX-License-Identifier: MIT */
/* What warden.S, switch.S and the C files beside them share: gate numbers, the warden's own
 * data, the numbers of the MPU's regions.
 *
 * The payload can read the warden's data, which holds no secret, and after the seal not write
 * it: one region of eight serves it and sealed data alike. */
#pragma once

/* Gate calls: r12 at SVC. */
#define GATE_IDLE 0                    /* r0, r1: alarm in ticks */
#define GATE_TICKS 1                   /* returns r0, r1 */
#define GATE_SWITCH 2                  /* puts the guard below the stack that sp is on */
#define GATE_RESET 3
#define GATE_PROTECT 4                 /* r0: struct protection; boot only */
#define GATE_ROUTE 5                   /* r0: interrupt line; boot only */
#define GATE_COUNT 6

/* Offsets in struct warden. */
#define W_TICKS 160
#define W_PERIOD 168
#define W_NEXT 172
#define W_FIRED 176
#define W_FIRED_WORDS 2
#define W_SEALED 184
#define W_CRASHED 188
#define W_STACKS 192
#define W_STACKS_SIZE 196
#define W_STRIDE 200
#define W_GUARD 204
#define W_CONSOLE 208
#define W_FRESH 212
#define W_DEEP 216
#define W_DEEP_SIZE 220
#define W_SIZE 224

/* Offsets in struct protection. */
#define P_SEALS 64
#define P_STACKS 68

/* Interrupt lines that there are vectors for. */
#define LINES 64

/* MPU regions (ARM DDI 0403, B3.5): where two overlap, the higher number decides. */
#define REGION_FLASH 0
#define REGION_WARDEN 1
#define REGION_RAM 2
#define REGION_SEALED 3
#define REGION_GUARD 4
#define REGION_DEVICE 5
#define REGIONS 8

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

#include "kernel/arch.h"

struct warden {
	uint32_t stack[40];            /* MSP; below it RAM ends */
	uint64_t ticks;                /* at the beginning of SysTick's period */
	uint32_t period, next;         /* its length, and that of the one after */
	uint32_t fired[W_FIRED_WORDS]; /* lines that are off until the next idle */
	uint32_t sealed, crashed;
	uint32_t stacks, stacks_size;  /* first usable byte of task stacks; bytes of all */
	uint32_t stride, guard;        /* from one to the next; bytes of the guard below each */
	uint32_t console;              /* UART data register for the last line, or 0 */
	uint32_t fresh;                /* the period was begun anew; not seen to count yet */
	uint32_t deep, deep_size;      /* the deep stack */
};

_Static_assert(offsetof(struct warden, ticks) == W_TICKS, "");
_Static_assert(offsetof(struct warden, period) == W_PERIOD, "");
_Static_assert(offsetof(struct warden, next) == W_NEXT, "");
_Static_assert(offsetof(struct warden, fired) == W_FIRED, "");
_Static_assert(offsetof(struct warden, sealed) == W_SEALED, "");
_Static_assert(offsetof(struct warden, crashed) == W_CRASHED, "");
_Static_assert(offsetof(struct warden, stacks) == W_STACKS, "");
_Static_assert(offsetof(struct warden, stride) == W_STRIDE, "");
_Static_assert(offsetof(struct warden, console) == W_CONSOLE, "");
_Static_assert(offsetof(struct warden, fresh) == W_FRESH, "");
_Static_assert(offsetof(struct warden, deep) == W_DEEP, "");
_Static_assert(sizeof(struct warden) == W_SIZE, "");

extern struct warden warden;

/* What the MPU and the warden are to know. */
struct protection {
	struct { uint32_t rbar, rasr; } region[REGIONS];
	uint32_t seals;                /* this is the last one */
	uint32_t stacks, stacks_size, stride, guard, deep, deep_size;
};

_Static_assert(offsetof(struct protection, seals) == P_SEALS, "");
_Static_assert(offsetof(struct protection, stacks) == P_STACKS, "");

/* linker/armv7m.ld */
extern char __flash_start[], __warden_start[], __warden_end[], __text_start[], __text_end[];
extern char __flash_end[], __image_in_flash[], __ram_start[], __ram_end[], __sealed_end[];
extern char __data_load[], __data_start[], __data_end[], __bss_start[], __bss_end[];
extern char __boot_stack[], __boot_stack_top[], __image_end[];

/* mpu.c: flash is read-only, RAM is not executable, the warden's code and page zero are out of
 * reach from here on; devices and sealed data are open until arch_seal(). */
void protect_boot(void);

/* A call of the gate with two arguments; what r0 and r1 hold afterwards. */
static inline uint64_t gate(uint32_t number, uint64_t argument)
{
	register uint32_t r0 __asm__("r0") = (uint32_t)argument;
	register uint32_t r1 __asm__("r1") = (uint32_t)(argument >> 32);
	register uint32_t r12 __asm__("r12") = number;

	__asm__ volatile("svc 0" : "+r"(r0), "+r"(r1) : "r"(r12) : "memory");
	return (uint64_t)r1 << 32 | r0;
}

#endif
