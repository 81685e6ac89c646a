/* SPDX-License-Identifier: MIT */
/* The shape of a local socket's address (POSIX.1-2017 <sys/un.h>); socket() refuses AF_UNIX. */
#pragma once

#include <sys/socket.h>

struct sockaddr_un { sa_family_t sun_family; char sun_path[108]; };
