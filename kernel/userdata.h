/* SPDX-License-Identifier: MIT */
/* User data and meta-data as a config drive or a cloud's metadata service hands them over: bytes
 * that somebody else wrote, and may have written for cloud-init. Settings of ours are
 *
 *	#zeitkern
 *	http.port=80
 *	ntp=ntp1.example,ntp2.example
 *
 * words for config_apply() behind such a first line. Anything else is one line on the console that
 * shows nothing of it but a first line that begins with "#", and is not used. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define USERDATA_KIB 64                /* of them that are taken */
#define USERDATA_MAX (USERDATA_KIB * 1024u)

/* Applies it; `late` as in config_apply_document(). The caller wipes it. */
void userdata_apply(const char *text, size_t len, const char *source, bool late);

/* A member of what is at its top level: of JSON, an object, or of YAML, as "key: value" at the
 * beginning of a line. Copied as a string, of at most size - 1 characters that are printable and
 * not a space or a quote: true; false: it is not there, or no such string. */
bool userdata_member(const char *text, size_t len, const char *key, char *to, size_t size);

/* hostname=, of meta-data: the first label of the name, for some say it with their domain. An
 * empty one is none. */
void userdata_hostname(const char *name, const char *source, bool late);
