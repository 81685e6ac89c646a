/* SPDX-License-Identifier: MIT */
/* What makes these headers a monkey patch: POSIX functions under the linker's names bsd_*, as
 * glibc renames with __REDIRECT. Sources that find this folder first on their include path are
 * compiled as they are and reach our stack and our scheduler, on BOARD=host too, where the
 * process's own calls of these names go on to Linux. net/bsd/bsd.h says how they differ. */
#pragma once

#define BSD(name) __asm__("bsd_" #name)
