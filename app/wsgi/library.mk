# SPDX-License-Identifier: MIT
# Its pieces lie on a stack of 8 KiB: not for a microcontroller.
BUDGETS := large
