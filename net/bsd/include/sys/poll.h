/* SPDX-License-Identifier: MIT */
/* <poll.h> under its older name. */
#pragma once

#include <poll.h>
