# SPDX-License-Identifier: MIT
BUDGETS := large                         # two stacks beside the loop's
