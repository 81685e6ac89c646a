# SPDX-License-Identifier: MIT
# The JSON parser, which the memory of a microcontroller is too small for.
LIBRARIES := yyjson
yyjson := src/yyjson
BUDGETS := large
