/* SPDX-License-Identifier: MIT */
/* Settings (kernel/config.h). The words come from outside the machine: any
 * bytes may stand in them, and none reaches the console unprintable. */
#include "kernel/config.h"

#include <errno.h>
#include <string.h>

#include "kernel/budget.h"
#include "kernel/kernel.h"

#define TABLES_MAX 16
#define KEY_MAX BUDGET_SETTING_KEY
#define VALUE_MAX BUDGET_SETTING_VALUE

struct word {
	char key[KEY_MAX], value[VALUE_MAX];
	bool has_value;            /* there was a "=" */
	bool whole;                /* neither was cut, and a quote was closed */
};

static struct {
	const struct setting *table;
	unsigned n;
} tables[TABLES_MAX] SEALED;
static unsigned table_count SEALED;

/* What VMMs and Linux boot loaders put there for Linux; a name that ends in
 * "." stands for all that begin with it. */
static const char *const foreign[] = {
	"console", "earlycon", "earlyprintk", "reboot", "panic", "pci", "acpi", "apic", "noapic",
	"virtio_mmio.", "i8042.", "8250.", "random.", "net.ifnames", "nomodule", "nomodules",
	"root", "rootfstype", "rootflags", "ro", "rw", "init", "initrd", "BOOT_IMAGE", "quiet",
	"loglevel", "swiotlb", "tsc", "tsc_early_khz", "clocksource", "nokaslr", "mitigations",
	"no_timer_check", "noreplace-smp",
};

void config_declare(const struct setting *table, unsigned n)
{
	ASSERT(table_count < TABLES_MAX);
	tables[table_count].table = table;
	tables[table_count].n = n;
	table_count++;
}

static const struct setting *find(const char *key)
{
	for (unsigned i = 0; i < table_count; i++)
		for (unsigned k = 0; k < tables[i].n; k++)
			if (strcmp(tables[i].table[k].key, key) == 0)
				return &tables[i].table[k];
	return NULL;
}

static bool is_foreign(const char *key)
{
	for (unsigned i = 0; i < ARRAY_LEN(foreign); i++) {
		size_t n = strlen(foreign[i]);

		if (foreign[i][n - 1] == '.' ? strncmp(key, foreign[i], n) == 0
					     : strcmp(key, foreign[i]) == 0)
			return true;
	}
	return false;
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Adds c to the NUL-terminated text of `size` bytes: false when it is full. */
static bool append(char *text, size_t size, size_t *len, char c)
{
	if (*len + 1 >= size)
		return false;
	text[(*len)++] = c;
	text[*len] = '\0';
	return true;
}

/* Reads the word at p, which lies before `end`, and returns where it ended. */
static const char *read_word(const char *p, const char *end, struct word *w)
{
	size_t key_len = 0, value_len = 0;
	bool quoted = false;

	w->key[0] = w->value[0] = '\0';
	w->has_value = false;
	w->whole = true;
	for (; p < end && (quoted || !is_space(*p)); p++) {
		if (!w->has_value && *p == '=')
			w->has_value = true;
		else if (!w->has_value)
			w->whole &= append(w->key, KEY_MAX, &key_len, *p);
		else if (*p == '"')
			quoted = !quoted;
		else
			w->whole &= append(w->value, VALUE_MAX, &value_len, *p);
	}
	w->whole &= !quoted;
	return p;
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if (*s < '!' || *s > '~')
			return false;
	return true;
}

static void make_printable(char *s)
{
	for (; *s; s++)
		if (*s < ' ' || *s > '~')
			*s = '?';
}

static int set_u32(const struct setting *s, const char *value)
{
	uint64_t n = 0;

	if (!*value)
		return -EINVAL;
	for (; *value; value++) {
		if (*value < '0' || *value > '9')
			return -EINVAL;
		n = n * 10 + (uint64_t)(*value - '0');
		if (n > s->max)
			return -EINVAL;
	}
	if (n < s->min)
		return -EINVAL;
	*(uint32_t *)s->value = (uint32_t)n;
	return 0;
}

static int set_bool(const struct setting *s, const char *value)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true", "0", "1" };

	for (unsigned i = 0; i < ARRAY_LEN(words); i++) {
		if (strcmp(value, words[i]) == 0) {
			*(bool *)s->value = i % 2;
			return 0;
		}
	}
	return -EINVAL;
}

static int set_string(const struct setting *s, const char *value)
{
	size_t n = strlen(value);

	if (n >= s->max || !printable(value))
		return -EINVAL;
	memcpy(s->value, value, n + 1);
	return 0;
}

static int set(const struct setting *s, const struct word *w)
{
	if (!w->has_value || !w->whole)
		return -EINVAL;
	switch (s->type) {
	case SETTING_U32:
		return set_u32(s, w->value);
	case SETTING_STRING:
		return set_string(s, w->value);
	case SETTING_BOOL:
		return set_bool(s, w->value);
	case SETTING_CHECKED:
		return s->check(w->value);
	}
	return -EINVAL;
}

static void explain(const struct setting *s, struct word *w, const char *source)
{
	static const char *const usual[] = {
		[SETTING_U32] = "a number in its range",
		[SETTING_STRING] = "fewer printable characters, without a space",
		[SETTING_BOOL] = "yes or no",
		[SETTING_CHECKED] = "another value",
	};
	const char *expected = s->expected ? s->expected : usual[s->type];

	make_printable(w->value);
	log_warn("%s: %s=%.60s: expected %s", source, s->key, s->secret ? "(secret)" : w->value,
		 expected);
}

int config_apply_text(const char *words, size_t len, const char *source)
{
	static struct word w;
	const char *end = words + strnlen(words, len);
	const struct setting *s;
	int refused = 0;

	for (;;) {
		while (words < end && is_space(*words))
			words++;
		if (words == end)
			return refused;
		words = read_word(words, end, &w);
		s = find(w.key);
		if (s && set(s, &w) < 0) {
			explain(s, &w, source);
			refused++;
		} else if (!s && !is_foreign(w.key)) {
			make_printable(w.key);
			log_warn("%s: unknown setting \"%s\"%s", source, w.key,
				 w.has_value ? "" : ", expected key=value");
			refused++;
		}
	}
}

int config_apply(const char *words, const char *source)
{
	return config_apply_text(words, strlen(words), source);
}
