/* SPDX-License-Identifier: MIT */
/* See userdata.h. */
#include "kernel/userdata.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "kernel/config.h"
#include "kernel/kernel.h"
#include "kernel/mem.h"

#define FIRST "#zeitkern"
#define FIRST_LEN (sizeof(FIRST) - 1)
#define SHOWN 40                       /* characters of another first line */
#define LABEL_MAX 64u                  /* RFC 1123 §2.1, with the NUL */

/* ---- Settings ----------------------------------------------------------------- */

/* Where the first byte is that no text has, or `len`. */
static size_t text_ends(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && ((uint8_t)text[i] >= ' ' || (text[i] >= '\t' && text[i] <= '\r')) &&
	       text[i] != 0x7f)
		i++;
	return i;
}

static void refuse(const char *text, size_t len, const char *source)
{
	char line[SHOWN + 1];
	size_t n = 0;

	for (; n < SHOWN && n < len && text[n] >= ' ' && text[n] <= '~'; n++)
		line[n] = text[n];
	line[n] = '\0';
	if (len >= 2 && text[0] == 0x1f && (unsigned char)text[1] == 0x8b)
		log_warn("%s: user-data is compressed: expected text; not used", source);
	else if (text_ends(text, len) < len)
		log_warn("%s: user-data: byte %zu is none of a text; not used", source,
			 text_ends(text, len) + 1);
	else
		log_warn("%s: user-data: the first line is %s%s%s: expected \"" FIRST "\" and "
			 "settings; not used", source, *line == '#' ? "\"" : "",
			 *line == '#' ? line : "another", *line == '#' ? "\"" : "");
}

void userdata_apply(const char *text, size_t len, const char *source, bool late)
{
	static const char mark[] = "\xef\xbb\xbf";       /* of UTF-8, as some editors write it */

	if (len >= 3 && memcmp(text, mark, 3) == 0) {
		text += 3;
		len -= 3;
	}
	if (len == 0)
		return;
	if (text_ends(text, len) < len || len < FIRST_LEN || memcmp(text, FIRST, FIRST_LEN) != 0 ||
	    (len > FIRST_LEN && !strchr(" \t\r\n", text[FIRST_LEN]))) {
		refuse(text, len, source);
		return;
	}
	log_info("%s: %zu bytes of settings", source, len);
	config_apply_document(text + FIRST_LEN, len - FIRST_LEN, source, late);
}

/* ---- Meta-data ------------------------------------------------------------------ */

/* Behind the string of JSON that begins at p, a quote; or `end`. */
static const char *string_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : end;
}

static const char *skip_space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
		p++;
	return p;
}

/* The value of a key at the top level of an object of JSON, or NULL. */
static const char *find_json(const char *p, const char *end, const char *key)
{
	size_t len = strlen(key);
	unsigned depth = 0;

	while (p < end) {
		const char *from = p;

		if (*p != '"') {
			depth += *p == '{' || *p == '[';
			depth -= *p == '}' || *p == ']';
			p++;
			continue;
		}
		p = string_end(p, end);
		if (depth != 1 || (size_t)(p - from) != len + 2 || memcmp(from + 1, key, len) != 0)
			continue;
		p = skip_space(p, end);
		if (p < end && *p == ':')
			return skip_space(p + 1, end);
	}
	return NULL;
}

/* Of YAML: behind "key:" at the beginning of a line. */
static const char *find_yaml(const char *p, const char *end, const char *key)
{
	size_t len = strlen(key);

	while (p && p < end) {
		if ((size_t)(end - p) > len && memcmp(p, key, len) == 0 && p[len] == ':')
			return p + len + 1;
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return NULL;
}

bool userdata_member(const char *text, size_t len, const char *key, char *to, size_t size)
{
	const char *end = text + len, *p = skip_space(text, end);
	char quote = 0;
	size_t n = 0;

	if (p < end && *p == '{')
		p = find_json(p, end, key);
	else
		p = find_yaml(text, end, key);
	while (p && p < end && (*p == ' ' || *p == '\t'))
		p++;
	if (!p || p == end)
		return false;
	if (*p == '"' || *p == '\'')
		quote = *p++;
	for (; p < end && n < size - 1 && *p > ' ' && *p <= '~' && !strchr("\"'\\{}[],", *p); p++)
		to[n++] = *p;
	to[n] = '\0';
	return n > 0 && (quote ? p < end && *p == quote : p == end || *p <= ' ');
}

void userdata_hostname(const char *name, const char *source, bool late)
{
	char word[sizeof("hostname=") + LABEL_MAX];
	size_t len = strcspn(name, ".");

	if (len == 0)
		return;
	if (len >= LABEL_MAX) {
		log_warn("%s: hostname: expected at most %u characters", source, LABEL_MAX - 1);
		return;
	}
	snprintf(word, sizeof(word), "hostname=%.*s", (int)len, name);
	config_apply_document(word, strlen(word), source, late);
}
