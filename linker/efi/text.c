/* SPDX-License-Identifier: MIT */
/* Text between us, who speak ASCII, and firmware, which speaks UCS-2 (UEFI 2.10 §2.3.1). */
#include "linker/efi/stub.h"

#define CHUNK 64u

static void put(struct efi_out *out, const char *text)
{
	uint16_t chunk[CHUNK + 1];
	size_t n;

	while (*text) {
		for (n = 0; n < CHUNK && *text; n++)
			chunk[n] = (uint8_t)*text++;
		chunk[n] = 0;
		out->output(out, chunk);
	}
}

void say(struct stub *s, const char *what)
{
	if (!s->system->out)
		return;
	put(s->system->out, "zeitkern: ");
	put(s->system->out, what);
	put(s->system->out, "\r\n");
}

bool fail(struct stub *s, const char *what)
{
	say(s, what);
	return false;
}

bool text_ascii(char *to, size_t room, const uint16_t *from, size_t units)
{
	bool all = true;
	size_t n = 0;

	for (; units > 0 && *from; units--, from++) {
		if (n == room - 1) {
			all = false;
			break;
		}
		to[n] = *from >= ' ' && *from <= '~' ? (char)*from : '?';
		all = all && to[n] == (char)*from && *from < 0x80;
		n++;
	}
	to[n] = 0;
	return all;
}
