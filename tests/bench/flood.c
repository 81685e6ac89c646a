/* SPDX-License-Identifier: MIT */
/* Floods a machine with frames, as fast as one core sends them:
 *
 *	flood IFNAME MAC SOURCE TARGET garbage|ping SECONDS
 *
 * garbage: frames of every length behind right and wrong Ethernet, IP and ARP headers; ping: echo
 * requests of 56 bytes, whose answers nobody reads. MAC and TARGET are the machine's, SOURCE is
 * ours. Prints how many frames were sent. Outside: runs in a private namespace, on its TAP. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX 1514
#define ETH 14
#define IP 20
#define PING_DATA 56
#define SECONDS_MAX 600

static uint8_t frame[FRAME_MAX];
static uint64_t noise = 88172645463325252u;

static uint32_t next(void)
{
	noise ^= noise << 13;
	noise ^= noise >> 7;
	noise ^= noise << 17;
	return (uint32_t)(noise >> 16);
}

static uint16_t sum(const uint8_t *p, size_t len)
{
	uint32_t s = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		s += (uint32_t)p[i] << 8 | p[i + 1];
	s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~((s & 0xffff) + (s >> 16));
}

static void put16(uint8_t *p, unsigned n)
{
	p[0] = (uint8_t)(n >> 8);
	p[1] = (uint8_t)n;
}

static void ip_head(unsigned len, uint8_t protocol, uint32_t source, uint32_t target)
{
	uint8_t *ip = frame + ETH;

	put16(frame + 12, 0x0800);
	memset(ip, 0, IP);
	ip[0] = 0x45;
	put16(ip + 2, len);
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, &source, 4);
	memcpy(ip + 16, &target, 4);
	put16(ip + 10, sum(ip, IP));
}

static size_t ping(uint32_t source, uint32_t target)
{
	uint8_t *icmp = frame + ETH + IP;

	ip_head(IP + 8 + PING_DATA, 1, source, target);
	memset(icmp, 0, 8 + PING_DATA);
	icmp[0] = 8;
	put16(icmp + 6, next() & 0xffff);
	put16(icmp + 2, sum(icmp, 8 + PING_DATA));
	return ETH + IP + 8 + PING_DATA;
}

static size_t garbage(const uint8_t *mac, uint32_t source, uint32_t target)
{
	static const uint16_t types[] = { 0x0800, 0x0806, 0x86dd, 0x8100, 0x0001 };
	size_t len = ETH + next() % (FRAME_MAX - ETH + 1);

	for (size_t i = 0; i + 4 <= sizeof(frame); i += 4) {
		uint32_t word = next();

		memcpy(frame + i, &word, 4);
	}
	if (next() % 8)
		memcpy(frame, mac, 6);
	else if (next() % 2)
		memset(frame, 0xff, 6);
	put16(frame + 12, types[next() % (sizeof(types) / sizeof(types[0]))]);
	if (next() % 2 && len >= ETH + IP)
		ip_head((unsigned)(len - ETH), (uint8_t)(next() % 3 ? 6 : next()), source, target);
	return len;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_halen = 6 };
	int seconds = argc == 7 ? atoi(argv[6]) : 0;
	bool pings = argc == 7 && strcmp(argv[5], "ping") == 0;
	uint32_t source, target;
	struct timespec now;
	unsigned long sent = 0;
	uint8_t mac[6];
	time_t end;
	int fd;

	if (seconds < 1 || seconds > SECONDS_MAX ||
	    (!pings && strcmp(argv[5], "garbage") != 0) ||
	    sscanf(argv[2], "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", mac, mac + 1, mac + 2, mac + 3,
		   mac + 4, mac + 5) != 6 ||
	    inet_pton(AF_INET, argv[3], &source) != 1 ||
	    inet_pton(AF_INET, argv[4], &target) != 1) {
		fprintf(stderr, "flood IFNAME MAC SOURCE TARGET garbage|ping SECONDS\n");
		return 2;
	}
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	if (fd < 0 || to.sll_ifindex == 0) {
		fprintf(stderr, "flood: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	memcpy(frame, mac, 6);
	memcpy(frame + 6, "\x02\x00\x00\x00\x00\x66", 6);
	clock_gettime(CLOCK_MONOTONIC, &now);
	for (end = now.tv_sec + seconds; now.tv_sec < end; clock_gettime(CLOCK_MONOTONIC, &now)) {
		size_t len = pings ? ping(source, target) : garbage(mac, source, target);

		if (sendto(fd, frame, len, 0, (struct sockaddr *)&to, sizeof(to)) > 0)
			sent++;
		else if (errno != ENOBUFS && errno != EAGAIN)
			break;
	}
	printf("%lu\n", sent);
	return 0;
}
