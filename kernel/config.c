/* SPDX-License-Identifier: MIT */
/* Settings (kernel/config.h). The words come from outside the machine: any
 * bytes may stand in them, and none reaches the console unprintable. A value is
 * copied for as long as it is looked at, then wiped: any may be a secret. */
#include "kernel/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kernel/budget.h"
#include "kernel/kernel.h"
#include "kernel/mem.h"

#define TABLES_MAX 16
#define KEY_MAX BUDGET_SETTING_KEY

static struct {
	const struct setting *table;
	unsigned n;
} tables[TABLES_MAX] SEALED;
static unsigned table_count SEALED;

/* Order between sources, for images that have late ones: one bit for each key of a table. Where
 * neither config_hold() nor config_apply_document() is linked, the compiler sees that these never
 * change, and leaves out all of it; in a section of their own it would not. */
static bool holding, in_document, yields, late;
static uint64_t held[TABLES_MAX];
static uint64_t given[TABLES_MAX];     /* in this document */

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

/* Where the word at p ends: at white space outside the quotes of its value, or at `end`. */
static const char *word_end(const char *p, const char *end)
{
	bool quoted = false, in_value = false;

	for (; p < end && (quoted || !is_space(*p)); p++) {
		if (quoted && *p == '\\' && p + 1 < end)
			p++;
		else if (in_value && *p == '"')
			quoted = !quoted;
		in_value |= *p == '=';
	}
	return p;
}

/* Copies the value in [p, end) without its quotes: true, or false when one is open. */
static bool unquote(char *to, const char *p, const char *end)
{
	bool quoted = false;

	for (; p < end; p++) {
		if (*p == '"')
			quoted = !quoted;
		else if (!quoted || *p != '\\' || p + 1 == end)
			*to++ = *p;
		else
			*to++ = *++p == 'n' ? '\n' : *p;
	}
	*to = '\0';
	return !quoted;
}

/* Lest a piece of a secret that lacks its quotes is taken for a key, and printed. */
static bool is_key(const char *key)
{
	size_t n = strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789._-");

	return n > 0 && n < KEY_MAX - 1 && key[n] == '\0';
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

static int set(const struct setting *s, const char *value)
{
	switch (s->type) {
	case SETTING_U32:
		return set_u32(s, value);
	case SETTING_STRING:
		return set_string(s, value);
	case SETTING_BOOL:
		return set_bool(s, value);
	case SETTING_CHECKED:
		return s->check(value);
	}
	return -EINVAL;
}

static void explain(const struct setting *s, char *value, const char *source)
{
	static const char *const usual[] = {
		[SETTING_U32] = "a number in its range",
		[SETTING_STRING] = "fewer printable characters, without a space",
		[SETTING_BOOL] = "yes or no",
		[SETTING_CHECKED] = "another value",
	};
	const char *expected = s->expected ? s->expected : usual[s->type];

	make_printable(value);
	log_warn("%s: %s=%.60s: expected %s", source, s->key, s->secret ? "(secret)" : value,
		 expected);
}

void config_hold(void)
{
	for (unsigned i = 0; i < table_count; i++)
		ASSERT(tables[i].n <= 64);
	holding = true;
}

/* In which table it is, and its bit of those that are kept of that. */
static unsigned table_of(const struct setting *s, uint64_t *bit)
{
	unsigned i = 0;

	while (s < tables[i].table || s >= tables[i].table + tables[i].n)
		i++;
	*bit = 1ull << (s - tables[i].table);
	return i;
}

bool config_is_held(const char *key)
{
	const struct setting *s = find(key);
	uint64_t bit;

	return s && held[table_of(s, &bit)] & bit;
}

/* Whether this source may set it, be it a value or not. */
static bool admit(const struct setting *s, const char *source)
{
	bool refused = late && s->boot, stands;
	uint64_t bit;
	unsigned i;

	if (!holding && !in_document)
		return true;
	i = table_of(s, &bit);
	if (in_document && given[i] & bit)
		log_warn("%s: %s is given twice, the last one counts", source, s->key);
	given[i] |= bit;
	stands = yields && held[i] & bit;
	if (refused)
		log_warn("%s: %s is decided at boot, before the network is there: give it by a "
			 "config drive, SMBIOS, fw_cfg or the command line", source, s->key);
	else if (stands)
		log_info("%s: %s stands as another source has it", source, s->key);
	else if (!late)
		held[i] |= holding ? bit : 0;
	return !refused && !stands;
}

/* One word, the `number`th: how many were refused. */
static int apply_word(const char *word, const char *end, unsigned number, const char *source)
{
	const char *equals = memchr(word, '=', (size_t)(end - word));
	size_t len = (size_t)((equals ? equals : end) - word);
	const struct setting *s;
	char key[KEY_MAX] = "";
	char *value;
	bool done;

	memcpy(key, word, MIN(len, sizeof(key) - 1));
	s = find(key);
	if (!s && is_foreign(key))
		return 0;
	if (!s) {
		if (is_key(key))
			log_warn("%s: unknown setting \"%s\"%s", source, key,
				 equals ? "" : ", expected key=value");
		else
			log_warn("%s: word %u: expected key=value", source, number);
		mem_wipe(key, sizeof(key));
		return 1;
	}
	if (!admit(s, source))
		return late && s->boot;
	value = malloc((size_t)(end - word) + 1);
	if (!value) {
		log_warn("%s: %s: no memory for its value", source, s->key);
		return 1;
	}
	done = unquote(value, equals ? equals + 1 : end, end) && equals && set(s, value) == 0;
	if (!done)
		explain(s, value, source);
	mem_wipe(value, (size_t)(end - word) + 1);
	free(value);
	return !done;
}

/* Stops after `most` that are refused. */
static int apply_all(const char *words, size_t len, const char *source, int most)
{
	const char *end = words + strnlen(words, len), *after;
	int refused = 0;

	for (unsigned number = 1;; number++) {
		while (words < end && is_space(*words))
			words++;
		if (words == end)
			return refused;
		if (refused == most) {
			log_warn("%s: %d words are refused, the rest is not looked at", source,
				 most);
			return refused;
		}
		after = word_end(words, end);
		refused += apply_word(words, after, number, source);
		words = after;
	}
}

int config_apply_text(const char *words, size_t len, const char *source)
{
	return apply_all(words, len, source, -1);
}

static int apply_document(const char *words, size_t len, const char *source)
{
	int refused;

	memset(given, 0, sizeof(given));
	in_document = true;
	refused = apply_all(words, len, source, CONFIG_REFUSED_MAX);
	in_document = yields = late = false;
	return refused;
}

int config_apply_document(const char *words, size_t len, const char *source, bool comes_late)
{
	yields = late = comes_late;
	return apply_document(words, len, source);
}

int config_apply_yielding(const char *words, size_t len, const char *source)
{
	yields = true;
	return apply_document(words, len, source);
}

int config_apply(const char *words, const char *source)
{
	return config_apply_text(words, strlen(words), source);
}

int config_set(const char *key, char *value, size_t len, const char *source)
{
	const struct setting *s = find(key);

	if (!s) {
		log_warn("%s: unknown setting \"%s\"", source, is_key(key) ? key : "?");
		return -ENOENT;
	}
	admit(s, source);
	if (strlen(value) == len && set(s, value) == 0)
		return 0;
	explain(s, value, source);
	return -EINVAL;
}
