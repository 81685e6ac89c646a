/* SPDX-License-Identifier: MIT */
/* Addresses and names (net/bsd/bsd.h): POSIX.1-2017 <netdb.h> and <arpa/inet.h> over
 * net/addr.h and net_resolve_all(). */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/kernel.h"
#include "net/bsd/bsd.h"
#include "net/net.h"

#define PORT_MAX 65535

/* ---- Shapes of an address ----------------------------------------------- */

int bsd_endpoint(struct endpoint *e, const struct sockaddr *from, size_t len)
{
	struct sockaddr_in6 in6;
	struct sockaddr_in in;

	if (len >= sizeof(in) && from->sa_family == AF_INET) {
		memcpy(&in, from, sizeof(in));
		*e = (struct endpoint){ addr_ip4(in.sin_addr.s_addr), ntohs(in.sin_port) };
	} else if (len >= sizeof(in6) && from->sa_family == AF_INET6) {
		memcpy(&in6, from, sizeof(in6));
		memcpy(e->addr.word, &in6.sin6_addr, sizeof(in6.sin6_addr));
		e->port = ntohs(in6.sin6_port);
	} else {
		return len < sizeof(in) || from->sa_family == AF_INET6 ? -EINVAL : -EAFNOSUPPORT;
	}
	return 0;
}

/* As the family of its address: its length. */
static socklen_t fill(struct sockaddr_storage *to, const struct endpoint *e)
{
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(e->port) };
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(e->port) };

	if (addr_is_ip4(&e->addr)) {
		in.sin_addr.s_addr = addr_as_ip4(&e->addr);
		memcpy(to, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, e->addr.word, sizeof(in6.sin6_addr));
	memcpy(to, &in6, sizeof(in6));
	return sizeof(in6);
}

void bsd_sockaddr(struct sockaddr *to, unsigned *len, const struct endpoint *e)
{
	struct sockaddr_storage whole;
	socklen_t size = fill(&whole, e);

	memcpy(to, &whole, MIN(*len, size));
	*len = size;
}

/* ---- <arpa/inet.h> ------------------------------------------------------ */

/* The whole text is an address of the family, AF_UNSPEC: of either. */
static bool parse(const char *text, int family, struct addr *a)
{
	if (addr_parse(&text, a) < 0 || *text)
		return false;
	return family == AF_UNSPEC || family == (addr_is_ip4(a) ? AF_INET : AF_INET6);
}

int inet_pton(int family, const char *text, void *addr)
{
	struct addr a;

	if (family != AF_INET && family != AF_INET6)
		return bsd_fail(-EAFNOSUPPORT);
	if (family == AF_INET ? !parse(text, AF_INET, &a) || strchr(text, ':')
			      : !strchr(text, ':') || !parse(text, AF_UNSPEC, &a))
		return 0;
	if (family == AF_INET)
		memcpy(addr, &(struct in_addr){ addr_as_ip4(&a) }, sizeof(struct in_addr));
	else
		memcpy(addr, a.word, sizeof(struct in6_addr));
	return 1;
}

static void quad(char *text, size_t room, const char *before, const uint8_t *b)
{
	snprintf(text, room, "%s%u.%u.%u.%u", before, b[0], b[1], b[2], b[3]);
}

const char *inet_ntop(int family, const void *addr, char *text, socklen_t len)
{
	char whole[INET6_ADDRSTRLEN] = "::";
	struct addr a;

	if (family != AF_INET && family != AF_INET6) {
		bsd_fail(-EAFNOSUPPORT);
		return NULL;
	}
	if (family == AF_INET6)
		memcpy(a.word, addr, sizeof(a.word));
	if (family == AF_INET)
		quad(whole, sizeof(whole), "", addr);
	else if (addr_is_ip4(&a))
		quad(whole, sizeof(whole), "::ffff:", (const uint8_t *)addr + 12);
	else if (!addr_is_none(&a))
		addr_text(whole, &a);
	if (strlen(whole) >= len) {
		bsd_fail(-ENOSPC);
		return NULL;
	}
	return strcpy(text, whole);
}

int inet_aton(const char *text, struct in_addr *addr)
{
	return inet_pton(AF_INET, text, addr) == 1;
}

in_addr_t inet_addr(const char *text)
{
	struct in_addr in;

	return inet_aton(text, &in) ? in.s_addr : INADDR_NONE;
}

/* ---- <netdb.h> ---------------------------------------------------------- */

static int eai_of(int err)
{
	switch (err) {
	case -ENOENT:
		return EAI_NONAME;
	case -ENOMEM:
		return EAI_MEMORY;
	case -ETIMEDOUT:
	case -ENETDOWN:
		return EAI_AGAIN;
	default:
		return EAI_SYSTEM;
	}
}

/* -1: it is no port. */
static long port_of(const char *service)
{
	char *end;
	long port = service ? strtol(service, &end, 10) : 0;

	return service && (!*service || *end || port < 0 || port > PORT_MAX) ? -1 : port;
}

static const char *checked(const struct addrinfo *h, const char *node, const char *service,
			   int *error)
{
	*error = 0;
	if (h->ai_family != AF_UNSPEC && h->ai_family != AF_INET && h->ai_family != AF_INET6)
		*error = EAI_FAMILY;
	else if (h->ai_socktype != 0 && h->ai_socktype != SOCK_STREAM)
		*error = EAI_SOCKTYPE;
	else if (!node && !service)
		*error = EAI_NONAME;
	else if (port_of(service) < 0)
		*error = EAI_SERVICE;
	if (node)
		return node;
	if (h->ai_family == AF_INET6)
		return h->ai_flags & AI_PASSIVE ? "::" : "::1";
	return h->ai_flags & AI_PASSIVE ? "0.0.0.0" : "127.0.0.1";
}

/* Those of the wanted family, with their addresses and the canonical name in one piece. */
static int answer(const struct addrinfo *h, const char *node, struct endpoint *e,
		  const struct addr *addrs, int n, struct addrinfo **list)
{
	struct entry { struct addrinfo info; struct sockaddr_storage addr; } *all, *a;

	all = calloc(1, (size_t)n * sizeof(*all) + strlen(node) + 1);
	if (!all)
		return EAI_MEMORY;
	a = all;
	for (int i = 0; i < n; i++) {
		e->addr = addrs[i];
		if (h->ai_family != AF_UNSPEC && (h->ai_family == AF_INET) != addr_is_ip4(&e->addr))
			continue;
		a->info.ai_addrlen = fill(&a->addr, e);
		a->info.ai_addr = (struct sockaddr *)&a->addr;
		a->info.ai_family = a->addr.ss_family;
		a->info.ai_socktype = SOCK_STREAM;
		a->info.ai_protocol = IPPROTO_TCP;
		if (a > all)
			a[-1].info.ai_next = &a->info;
		a++;
	}
	if (a == all) {
		free(all);
		return EAI_NONAME;
	}
	if (h->ai_flags & AI_CANONNAME)
		all->info.ai_canonname = strcpy((char *)(all + n), node);
	*list = &all->info;
	return 0;
}

int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
		struct addrinfo **list)
{
	static const struct addrinfo any = { 0 };
	const struct addrinfo *h = hints ? hints : &any;
	struct addr addrs[BUDGET_DNS_ADDRS];
	struct endpoint e;
	int err, n = 1;

	node = checked(h, node, service, &err);
	if (err)
		return err;
	e.port = (uint16_t)port_of(service);
	if (!parse(node, AF_UNSPEC, &addrs[0])) {
		if (h->ai_flags & AI_NUMERICHOST)
			return EAI_NONAME;
		n = net_resolve_all(node, addrs, FOREVER);
		if (n < 0) {
			errno = -n;
			return eai_of(n);
		}
	}
	return answer(h, node, &e, addrs, n, list);
}

void freeaddrinfo(struct addrinfo *list)
{
	free(list);
}

const char *gai_strerror(int error)
{
	switch (error) {
	case EAI_NONAME:
		return "there is no such host of this family";
	case EAI_AGAIN:
		return "no name server answers";
	case EAI_FAMILY:
		return "the address family is not supported";
	case EAI_SOCKTYPE:
		return "the socket type is not supported";
	case EAI_SERVICE:
		return "a service is a port, 0 to 65535";
	case EAI_MEMORY:
		return "out of memory";
	case EAI_OVERFLOW:
		return "the buffer is too small";
	default:
		return "the name could not be resolved";
	}
}

int getnameinfo(const struct sockaddr *addr, socklen_t len, char *host, socklen_t host_len,
		char *service, socklen_t service_len, int flags)
{
	struct endpoint e;
	uint32_t ip4;

	if (bsd_endpoint(&e, addr, len) < 0)
		return EAI_FAMILY;
	if (flags & NI_NAMEREQD)
		return EAI_NONAME;
	ip4 = addr_as_ip4(&e.addr);
	if (host && host_len > 0 &&
	    !inet_ntop(addr->sa_family, addr->sa_family == AF_INET ? &ip4 : e.addr.word, host,
		       host_len))
		return EAI_OVERFLOW;
	if (service && service_len > 0 &&
	    snprintf(service, service_len, "%u", e.port) >= (int)service_len)
		return EAI_OVERFLOW;
	return 0;
}
