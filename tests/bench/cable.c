/* SPDX-License-Identifier: MIT */
/* A cable between two TAPs: carries frames both ways until it is killed.
 *
 *	cable FD FD
 *
 * With it a Linux server in a namespace of its own is reached over TAPs, as a virtual machine or
 * BOARD=host is, and somebody on the server's core reads and writes its TAP, as they do. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define BATCH 64

static char frame[70000];

static void carry(int from, int to)
{
	for (int i = 0; i < BATCH; i++) {
		ssize_t n = read(from, frame, sizeof(frame));

		if (n <= 0)
			return;
		if (write(to, frame, (size_t)n) < 0 && errno != EAGAIN && errno != EIO)
			perror("cable: write");
	}
}

int main(int argc, char **argv)
{
	struct pollfd ends[2] = { { .events = POLLIN }, { .events = POLLIN } };

	if (argc != 3)
		return 2;
	for (int i = 0; i < 2; i++) {
		ends[i].fd = atoi(argv[i + 1]);
		fcntl(ends[i].fd, F_SETFL, O_NONBLOCK);
		ioctl(ends[i].fd, TUNSETOFFLOAD, TUN_F_CSUM);
	}
	while (poll(ends, 2, -1) >= 0) {
		carry(ends[0].fd, ends[1].fd);
		carry(ends[1].fd, ends[0].fd);
	}
	return 1;
}
