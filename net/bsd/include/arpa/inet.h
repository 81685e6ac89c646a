/* SPDX-License-Identifier: MIT */
/* Addresses as text (POSIX.1-2017 <arpa/inet.h>). */
#pragma once

#include <netinet/in.h>

int inet_pton(int family, const char *text, void *addr) BSD(inet_pton);
const char *inet_ntop(int family, const void *addr, char *text, socklen_t len) BSD(inet_ntop);
int inet_aton(const char *text, struct in_addr *addr) BSD(inet_aton);
in_addr_t inet_addr(const char *text) BSD(inet_addr);
