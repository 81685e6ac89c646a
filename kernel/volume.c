/* SPDX-License-Identifier: MIT */
/* What both file systems need (kernel/volume.h). */
#include "kernel/volume.h"

#include <string.h>

#include "kernel/kernel.h"

size_t volume_name(const char **path, const char **name)
{
	size_t len = strcspn(*path, "/");

	*name = *path;
	*path += len + ((*path)[len] == '/');
	return len;
}

void volume_set_label(struct volume *v, const uint8_t *from, size_t len)
{
	len = MIN(len, VOLUME_LABEL - 1u);
	while (len > 0 && (from[len - 1] == ' ' || from[len - 1] == '\0'))
		len--;
	for (size_t i = 0; i < len; i++)
		v->label[i] = from[i] >= ' ' && from[i] <= '~' ? (char)from[i] : '?';
	v->label[len] = '\0';
}
