/* SPDX-License-Identifier: MIT */
/* What else net/postgres.h can do: features.c. */
#pragma once

/* Adds its routes. */
void features(void);
