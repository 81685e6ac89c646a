/* SPDX-License-Identifier: MIT */
/* ioctl() of sockets: to block or not, and how much there is to read. */
#pragma once

#include <bsd_name.h>

#define FIONREAD 0x541B
#define FIONBIO 0x5421

int ioctl(int fd, unsigned long request, ...) BSD(ioctl);
