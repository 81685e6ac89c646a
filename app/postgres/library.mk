# SPDX-License-Identifier: MIT
# The JSON parser; its function for values keeps 300 bytes on the stack.
LIBRARIES := yyjson
yyjson := src/yyjson
