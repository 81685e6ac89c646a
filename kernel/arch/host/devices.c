/* SPDX-License-Identifier: MIT */
/* BOARD=host's console, real-time clock and power button (kernel/dev.h). */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "kernel/arch/host/devices.h"
#include "kernel/arch/host/host.h"

/* ---- Console: lines to standard output ----------------------------------- */

static char line[512];
static unsigned line_len;

static int console_open(const struct device *dev)
{
	return 0;
}

static void flush(void)
{
	const char *p = line;

	while (line_len > 0) {
		ssize_t n = write(STDOUT_FILENO, p, line_len);

		if (n < 0 && errno != EINTR)
			break;
		if (n > 0) {
			p += n;
			line_len -= (unsigned)n;
		}
	}
	line_len = 0;
}

static void put(char c)
{
	line[line_len++] = c;
	if (c == '\n' || line_len == sizeof(line))
		flush();
}

static int get(void)
{
	return -EAGAIN;
}

const struct uart host_console = {
	.kind = DEV_HOST_CONSOLE, .open = console_open, .putc = put, .getc = get,
};

/* ---- Clock: whole seconds, like any RTC ---------------------------------- */

static int rtc_open(const struct device *dev)
{
	return 0;
}

static int rtc_seconds(int64_t *unix_s)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	*unix_s = t.tv_sec;
	return 0;
}

const struct rtc host_rtc = { .kind = DEV_HOST_RTC, .open = rtc_open, .read = rtc_seconds };

/* ---- Power button: SIGTERM or SIGINT ------------------------------------- */

static volatile sig_atomic_t stops;

static void on_stop(int sig)
{
	stops = 1;
}

static int power_open(const struct device *dev)
{
	struct sigaction act = { .sa_handler = on_stop };

	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	return 0;
}

static int power_pressed(void)
{
	int was = stops;

	stops = 0;
	return was;
}

const struct button host_power = {
	.kind = DEV_HOST_POWER, .open = power_open, .pressed = power_pressed,
};
