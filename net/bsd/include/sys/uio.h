/* SPDX-License-Identifier: MIT */
/* Vectors of buffers (POSIX.1-2017 <sys/uio.h>), for sockets. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include <bsd_name.h>

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

struct iovec { void *iov_base; size_t iov_len; };

ssize_t readv(int fd, const struct iovec *iov, int n) BSD(readv);
ssize_t writev(int fd, const struct iovec *iov, int n) BSD(writev);
