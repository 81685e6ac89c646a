/* SPDX-License-Identifier: MIT */
/* The C library's <fcntl.h>, where descriptors are sockets. */
#pragma once

#include_next <fcntl.h>

#include <bsd_name.h>

int fcntl(int fd, int command, ...) BSD(fcntl);
