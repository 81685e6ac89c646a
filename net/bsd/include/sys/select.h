/* SPDX-License-Identifier: MIT */
/* The C library's <sys/select.h> with our select(), and room for every descriptor. */
#pragma once

#ifndef FD_SETSIZE
#define FD_SETSIZE 1024
#endif

#include_next <sys/select.h>

_Static_assert(sizeof(fd_set) >= 1024 / 8, "select() writes a whole set: FD_SETSIZE is too small");

#include <bsd_name.h>

int select(int n, fd_set *readable, fd_set *writable, fd_set *odd,
	   struct timeval *timeout) BSD(select);
/* The mask is of no account: there are no signals. */
int pselect(int n, fd_set *readable, fd_set *writable, fd_set *odd,
	    const struct timespec *timeout, const sigset_t *mask) BSD(pselect);
