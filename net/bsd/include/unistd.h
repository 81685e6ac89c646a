/* SPDX-License-Identifier: MIT */
/* The C library's <unistd.h>, where descriptors are sockets and sleeping yields. */
#pragma once

#include_next <unistd.h>

#include <bsd_name.h>

int close(int fd) BSD(close);
ssize_t read(int fd, void *buf, size_t len) BSD(read);
ssize_t write(int fd, const void *data, size_t len) BSD(write);
unsigned sleep(unsigned seconds) BSD(sleep);
int usleep(useconds_t us) BSD(usleep);
