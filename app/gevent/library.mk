# SPDX-License-Identifier: MIT
# The C client of Redis, unmodified; it reads into 16 KiB on its stack.
LIBRARIES := hiredis
hiredis := alloc async hiredis net read sds sockcompat
STACK := 24576
BUDGETS := large
