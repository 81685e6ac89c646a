# SPDX-License-Identifier: MIT
BUDGETS := large                         # a route for each depth and method
