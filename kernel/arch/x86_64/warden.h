/* SPDX-License-Identifier: MIT */
/* Numbers that the warden shares with the payload's side of the gate; read by
 * the assembler too, so constants only. Manual: Intel SDM volume 3A. */
#pragma once

/* Selectors of the descriptor table in warden.S. */
#define SEL_KERNEL_CODE 0x08
#define SEL_USER_CODE 0x1b
#define SEL_USER_DATA 0x23
#define SEL_TSS 0x28

/* Calls: number in rax, arguments in rdi, rsi, rdx. */
#define GATE_IDLE 0
#define GATE_IDLE_ALARM 1
#define GATE_SUBMIT 2
#define GATE_NOTIFY 3
#define GATE_EXIT 4
#define GATE_RESET 5
#define GATE_WALL_CLOCK 6
#define GATE_OPEN_CALLS 7              /* those above are all that there is after the seal */
#define GATE_SEAL 7
#define GATE_CPUID 8
#define GATE_WRMSR 9
#define GATE_CALLS 10

/* Vectors. */
#define VECTOR_GATE 3
#define VECTOR_EXCEPTIONS 32           /* 0 to 31 */
#define VECTOR_TIMER 32
#define VECTOR_LINE 33                 /* lines, and MSI of devices that are acknowledged */
#define VECTOR_MESSAGE 34              /* MSI: nothing to acknowledge */
#define VECTOR_SPURIOUS 47             /* its low four bits must be ones on old CPUs */
#define VECTORS 48

/* What gate call GATE_IDLE* returns: what ended it. */
#define WOKE_TIMER 0
#define WOKE_DEVICE 1

/* Physical memory as the warden sees it, at this address + PA: device pages,
 * queues, the record of a fault. Entry 256 of the top page table. */
#define WARDEN_WINDOW 0xffff800000000000

/* Local APIC registers (SDM 3A §11.4.1). */
#define LAPIC_EOI 0x0b0
#define LAPIC_TIMER_INITIAL 0x380

/* struct warden_queue, 64 bytes. */
#define QUEUES 32                      /* ARCH_QUEUES */
#define QUEUE_SHIFT 6
#define QUEUE_STAGED 0
#define QUEUE_DESC 8
#define QUEUE_AVAIL 16
#define QUEUE_EVENT 24
#define QUEUE_NOTIFY 32
#define QUEUE_VALUE 40
#define QUEUE_MASK 44
#define QUEUE_SIZE 48
#define QUEUE_WIDTH 52
#define QUEUE_RINGS 56                 /* not 0: QUEUE_RING, with these in place of others */
#define QUEUE_REACH 16384              /* ARCH_REACH */
#define QUEUE_KEEP QUEUE_AVAIL
#define QUEUE_SPAN QUEUE_EVENT

/* struct warden_step, 16 bytes. */
#define STEP_SHIFT 4
#define STEP_KIND 0
#define STEP_VALUE 4
#define STEP_ADDRESS 8
#define STEP_END 0
#define STEP_PORT8 1
#define STEP_PORT16 2
#define STEP_MEMORY8 3
#define WARDEN_STEPS 4                 /* in each list, the end included */

#define WARDEN_ACKS 16                 /* devices to acknowledge, the end included */
#define IST_STACK 512                  /* double fault, NMI, machine check: each */
#define GATE_STACK 512
#define TSS_SIZE 104
#define PORT_BITMAP 8192
