# SPDX-License-Identifier: MIT
# The client of PostgreSQL is for large budgets.
BUDGETS := large
