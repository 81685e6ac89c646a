/* SPDX-License-Identifier: MIT */
/* What the benchmark compares with: a small epoll HTTP server in C that answers every GET with
 * {"time": ...}. As /init of a Linux guest it first loads the modules of /modules, mounts
 * nothing, and gives eth0 its address; as a program it only serves:
 *
 *	epoll PORT              serve on this computer
 *	init (pid 1)            the guest; zip=ADDRESS zmask=MASK on the kernel's command line;
 *	                        a /nginx.conf has nginx take its place
 *
 * It does what it must and no more: keep-alive, pipelining, Connection: close. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define CLIENTS 20000
#define INPUT 4096
#define EVENTS 256

struct client {
	int used;
	char data[INPUT];
};

static struct client *clients[CLIENTS];

static void load_modules(void)
{
	char line[256], path[300];
	FILE *list = fopen("/modules/order", "r");

	while (list && fgets(line, sizeof(line), list)) {
		int fd;

		line[strcspn(line, "\n")] = 0;
		snprintf(path, sizeof(path), "/modules/%s", line);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || syscall(SYS_finit_module, fd, "", 0) < 0)
			printf("init: %s: %s\n", path, strerror(errno));
		close(fd);
	}
}

static void set_address(int fd, const char *name, unsigned long request, const char *value)
{
	struct ifreq ifr = { 0 };
	struct sockaddr_in *sin = (struct sockaddr_in *)&ifr.ifr_addr;

	strcpy(ifr.ifr_name, name);
	sin->sin_family = AF_INET;
	inet_pton(AF_INET, value, &sin->sin_addr);
	if (ioctl(fd, request, &ifr) < 0)
		printf("init: %s %s: %s\n", name, value, strerror(errno));
}

static void go_up(int fd, const char *name)
{
	struct ifreq ifr = { 0 };

	strcpy(ifr.ifr_name, name);
	ioctl(fd, SIOCGIFFLAGS, &ifr);
	ifr.ifr_flags |= IFF_UP;
	ioctl(fd, SIOCSIFFLAGS, &ifr);
}

static void set_up_network(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	const char *ip = getenv("zip") ? getenv("zip") : "10.0.2.15";
	const char *mask = getenv("zmask") ? getenv("zmask") : "255.255.255.0";

	set_address(fd, "eth0", SIOCSIFADDR, ip);
	set_address(fd, "eth0", SIOCSIFNETMASK, mask);
	go_up(fd, "lo");
	go_up(fd, "eth0");
	close(fd);
}

static int answer(int fd, int close_it)
{
	static time_t date_of;
	static char date[64];
	struct timespec now;
	char body[64], out[300];
	int body_len, len;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != date_of) {
		date_of = now.tv_sec;
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime(&date_of));
	}
	body_len = snprintf(body, sizeof(body), "{\"time\": %lld.%06ld}", (long long)now.tv_sec,
			    now.tv_nsec / 1000);
	len = snprintf(out, sizeof(out), "HTTP/1.1 200 OK\r\nDate: %s\r\n"
		       "Content-Type: application/json\r\nContent-Length: %d\r\n%s\r\n%s",
		       date, body_len, close_it ? "Connection: close\r\n" : "", body);
	return send(fd, out, len, MSG_NOSIGNAL) == len ? 0 : -1;
}

/* Answers every whole request in the buffer; -1 when the connection is to end. */
static int serve(int fd, struct client *c)
{
	char *at = c->data, *end;

	c->data[c->used] = 0;
	while ((end = strstr(at, "\r\n\r\n"))) {
		int close_it;

		end[2] = 0;
		close_it = strcasestr(at, "\r\nconnection: close\r\n") != NULL;
		if (answer(fd, close_it) < 0 || close_it)
			return -1;
		at = end + 4;
	}
	c->used -= at - c->data;
	memmove(c->data, at, c->used);
	return c->used < INPUT - 1 ? 0 : -1;
}

static void drop(int fd)
{
	free(clients[fd]);
	clients[fd] = NULL;
	close(fd);
}

static void on_input(int fd)
{
	struct client *c = clients[fd];
	ssize_t n = recv(fd, c->data + c->used, INPUT - 1 - c->used, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n > 0)
		c->used += n;
	if (n <= 0 || serve(fd, c) < 0)
		drop(fd);
}

static void on_connection(int listener, int epoll)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

		if (fd >= CLIENTS || !(clients[fd] = malloc(sizeof(struct client)))) {
			close(fd);
			continue;
		}
		clients[fd]->used = 0;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
	}
}

static int listen_on(int port)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0 || listen(fd, 4096) < 0) {
		perror("epoll: listen");
		exit(1);
	}
	return fd;
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int listener, epoll = epoll_create1(EPOLL_CLOEXEC);

	if (getpid() == 1) {
		load_modules();
		set_up_network();
		if (access("/nginx.conf", R_OK) == 0) {
			printf("epoll: serving by nginx\n");
			fflush(stdout);
			execl("/usr/sbin/nginx", "nginx", "-p", "/", "-e", "stderr", "-c",
			      "/nginx.conf", (char *)NULL);
		}
	}
	listener = listen_on(argc > 1 && getpid() != 1 ? atoi(argv[1]) : 8080);
	epoll_ctl(epoll, EPOLL_CTL_ADD, listener,
		  &(struct epoll_event){ .events = EPOLLIN, .data.fd = listener });
	printf("epoll: serving\n");
	fflush(stdout);
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == listener)
				on_connection(listener, epoll);
			else
				on_input(events[i].data.fd);
		}
	}
}
