/* SPDX-License-Identifier: MIT */
/* Switches the MPU off, which is here what a page table is elsewhere. It must fault: the register
 * is privileged (ARM DDI 0403, B3.5.5). On a machine of QEMU that drops such a write instead, page
 * zero must be out of reach as before. */
#include "tests/guests/forbidden.h"

#define MPU_CTRL 0xe000ed94u

void image_boot(void)
{
}

void image_main(void *unused)
{
	log_info("write_mpu: writing at %#x", MPU_CTRL);
	*(volatile uint32_t *)MPU_CTRL = 0;
	log_info("write_mpu: no fault; reading page zero");
	log_info("read %#x", (unsigned)*(const volatile uint32_t *)8);
	forbidden_access_succeeded();
}
