/* SPDX-License-Identifier: MIT */
/* TCP's options (POSIX.1-2017 <netinet/tcp.h>). Each connection has TCP_NODELAY and keepalives;
 * their pace is not a socket's to set. */
#pragma once

#define TCP_NODELAY 1
#define TCP_MAXSEG 2
#define TCP_KEEPIDLE 4
#define TCP_KEEPINTVL 5
#define TCP_KEEPCNT 6
