/* SPDX-License-Identifier: MIT */
/* The last words (kernel/crash.h). Lines that a script can resolve:
 *
 *	*** fault: page fault: write to a read-only page, address 0x...
 *	build id 0123...
 *	pc 0x...
 *	bt 0x...                 one for each return address
 *	rax 0x...  rbx (may be secret)
 *	task 0 main: running ...
 *	exit code 2
 *
 * Outside: console_putc() polls, so it works wherever the machine stopped. */
#include "kernel/crash.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kernel/arch.h"
#include "kernel/dev.h"
#include "kernel/task.h"

#define BACKTRACE_MAX 24
#define NOTE_NAME_AT 12        /* ELF note: three words, name, descriptor */
#define BLOCK_BITS 24          /* 16 MiB: the image, and much of what it points to */

/* The note of -Wl,--build-id, placed by the linker script. */
extern uint8_t __build_id_note[];

static bool reboots SEALED;
static bool crashing;

int crash_set(const char *word)
{
	if (strcmp(word, "exit") != 0 && strcmp(word, "reboot") != 0)
		return -EINVAL;
	reboots = strcmp(word, "reboot") == 0;
	return 0;
}

const char *build_id(void)
{
	static char hex[41];
	uint32_t name_len, len;

	if (hex[0])
		return hex;
	memcpy(&name_len, __build_id_note, sizeof(name_len));
	memcpy(&len, __build_id_note + 4, sizeof(len));
	if (name_len != 4 || len > (sizeof(hex) - 1) / 2)
		return "unknown";
	for (unsigned i = 0; i < len; i++)
		snprintf(hex + 2 * i, 3, "%02x", __build_id_note[NOTE_NAME_AT + name_len + i]);
	return hex;
}

static void say_line(const char *text)
{
	while (*text)
		console_putc(*text++);
	console_putc('\n');
}

static void say(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void say(const char *fmt, ...)
{
	char text[200];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say_line(text);
}

static void say_backtrace(uintptr_t fp)
{
	uintptr_t pc[BACKTRACE_MAX];
	unsigned n = arch_backtrace(fp, pc, BACKTRACE_MAX);

	for (unsigned i = 0; i < n; i++)
		say("bt %#llx", (unsigned long long)pc[i]);
}

void crash_say_code(int code)
{
	static bool said;

	if (!said)
		say("exit code %d", code);
	said = true;
}

static _Noreturn void leave(int code)
{
	crash_say_code(code);
	if (reboots)
		arch_reset();
	arch_exit(code);
}

/* A crash inside the report ends it there. */
static void begin(int code)
{
	if (crashing)
		leave(code);
	crashing = true;
	dev_open_console();                     /* in case it is that early */
}

_Noreturn void panic(const char *fmt, ...)
{
	char text[160];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	say("*** panic: %s", text);
	begin(EXIT_PANIC);
	say("build id %s", build_id());
	say_backtrace((uintptr_t)__builtin_frame_address(0));
	task_dump(say_line);
	leave(EXIT_PANIC);
}

/* Whether a register points to a stack or frame (sp, rsp, rbp), or its value is small or near the
 * image's. Any other may be a piece of a key, and the console is kept in logs. */
static bool may_show(const char *name, uintptr_t value)
{
	uintptr_t block = value >> BLOCK_BITS;

	return block == 0 || block == UINTPTR_MAX >> BLOCK_BITS ||
	       block == (uintptr_t)crash_main >> BLOCK_BITS ||
	       block == (uintptr_t)&arch_fault >> BLOCK_BITS ||
	       name[1] == 'p' || name[2] == 'p';
}

static void say_registers(const struct arch_fault *f)
{
	char text[128] = "";
	size_t n = 0;

	for (unsigned i = 0; arch_reg_names[i][0]; i++) {
		const char *name = arch_reg_names[i];

		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      may_show(name, (uintptr_t)f->reg[i]) ?
				      "%-3s 0x%016llx  " : "%-3s (may be secret)     ", name,
				      (unsigned long long)f->reg[i]);
		if (i % 4 == 3) {
			say_line(text);
			n = 0;
			text[0] = '\0';
		}
	}
	if (n > 0)
		say_line(text);
}

__attribute__((used)) _Noreturn void crash_main(void)
{
	const struct arch_fault *f = &arch_fault;
	char text[96];

	arch_fault_text(f, text, sizeof(text));
	say("*** fault: %s, address %#llx", text, (unsigned long long)f->address);
	begin(EXIT_FAULT);
	say("build id %s", build_id());
	say("pc %#llx  flags %#llx  cause %#llx", (unsigned long long)f->pc,
	    (unsigned long long)f->flags, (unsigned long long)f->cause);
	say_registers(f);
	say_backtrace(0);
	task_dump(say_line);
	leave(EXIT_FAULT);
}
