/* SPDX-License-Identifier: MIT */
/* A handshake's arithmetic takes milliseconds. mbedTLS asks at every step along a curve whether
 * there is an accelerator for it (MBEDTLS_ECP_INTERNAL_ALT); there is none, and the question is
 * the moment to let everybody else run.
 *
 * Outside: only the task that has called tls_breathe_here() yields, and no other runs
 * handshakes: mbedTLS's global state is never entered twice. */
#include <mbedtls/ecp.h>

#include <ecp_internal_alt.h>

#include "kernel/task.h"
#include "net/tls/impl.h"

#define SLICE MILLIS(1)

static struct task *who;
static ktime slice_end;

void tls_breathe_here(void)
{
	who = task_self();
	slice_end = clock_now() + SLICE;
}

void tls_breathe(void)
{
	if (!who || task_self() != who || clock_now() < slice_end)
		return;
	task_yield();
	slice_end = clock_now() + SLICE;
}

unsigned char mbedtls_internal_ecp_grp_capable(const mbedtls_ecp_group *group)
{
	tls_breathe();
	return 0;
}

int mbedtls_internal_ecp_init(const mbedtls_ecp_group *group)
{
	return 0;
}

void mbedtls_internal_ecp_free(const mbedtls_ecp_group *group) {}

/* Never called, for no group is capable. */
int mbedtls_internal_ecp_double_jac(const mbedtls_ecp_group *group, mbedtls_ecp_point *r,
				    const mbedtls_ecp_point *p)
{
	return MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE;
}

int mbedtls_internal_ecp_double_add_mxz(const mbedtls_ecp_group *group, mbedtls_ecp_point *r,
					mbedtls_ecp_point *s, const mbedtls_ecp_point *p,
					const mbedtls_ecp_point *q, const mbedtls_mpi *d)
{
	return MBEDTLS_ERR_ECP_FEATURE_UNAVAILABLE;
}
