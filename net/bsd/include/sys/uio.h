/* SPDX-License-Identifier: MIT */
/* Vectors of buffers (POSIX.1-2017 <sys/uio.h>), for sockets. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include <bsd_name.h>

#ifndef IOV_MAX
#define IOV_MAX 1024
#endif

#ifndef __iovec_defined                /* glibc's <fcntl.h> may have it, too */
#define __iovec_defined 1
struct iovec { void *iov_base; size_t iov_len; };
#endif

ssize_t readv(int fd, const struct iovec *iov, int n) BSD(readv);
ssize_t writev(int fd, const struct iovec *iov, int n) BSD(writev);
