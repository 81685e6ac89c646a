/* SPDX-License-Identifier: MIT */
/* What picolibc asks of a system (its doc/os.md): standard streams, sbrk(),
 * _exit() and the clock. Not part of BOARD=host, which has a C library. */
#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "kernel/arch.h"
#include "kernel/clock.h"
#include "kernel/crash.h"
#include "kernel/dev.h"
#include "kernel/mem.h"
#include "kernel/random.h"

static int put(char c, FILE *stream)
{
	console_putc(c);
	return (unsigned char)c;
}

static FILE console = FDEV_SETUP_STREAM(put, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdin = &console;
FILE *const stdout = &console;
FILE *const stderr = &console;

/* malloc() comes out of the archive after link-time optimisation is over, too late to be seen
 * asking for this one. */
__attribute__((used, externally_visible)) void *sbrk(ptrdiff_t delta)
{
	void *was = mem_heap_grow(delta);

	if (was)
		return was;
	errno = ENOMEM;
	return (void *)-1;
}

struct mem_heap mem_heap(void)
{
	return (struct mem_heap){ mallinfo().uordblks, mem_heap_part().size };
}

_Noreturn void _exit(int code)
{
	arch_exit(code);
}

int gettimeofday(struct timeval *restrict tv, void *restrict unused)
{
	int64_t ns;
	int err = clock_unix_ns(&ns);

	if (err < 0) {
		errno = -err;
		return -1;
	}
	tv->tv_sec = (time_t)(ns / 1000000000);
	tv->tv_usec = (suseconds_t)(ns % 1000000000 / 1000);
	return 0;
}

int getentropy(void *buf, size_t len)
{
	random_bytes(buf, len);
	return 0;
}

/* Called by the compiler's stack protector. */
_Noreturn void __stack_chk_fail(void);
__attribute__((used)) _Noreturn void __stack_chk_fail(void)
{
	panic("stack smashed");
}
