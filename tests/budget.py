# SPDX-License-Identifier: MIT
"""What a board's image has room for, as its budget says (kernel/budget.h).

The numbers come from the header itself, through a compiler, so that the tests ask of a small
board what it promises and of a large one what it always did.
"""

import functools
import os
import re
import subprocess
import types

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
RAM = "16M"              # of machines that can have more or less: the least of any test
WORDS = {"connections": "BUDGET_CONNECTIONS(RAM) - BUDGET_CONN_SPARE(BUDGET_CONNECTIONS(RAM))",
         "half_open": "BUDGET_HALF_OPEN(BUDGET_CONNECTIONS(RAM))",
         "stacks": "BUDGET_STACKS(RAM) / BUDGET_STACK",
         "mss": "BUDGET_MSS", "body": "BUDGET_BODY", "head": "BUDGET_HEAD",
         "answer": "BUDGET_RESPONSE_MAX", "inline": "BUDGET_RESPONSE_INLINE",
         "ntp_servers": "BUDGET_NTP_SERVERS"}
PROGRAM = """#include <stdio.h>
#include "kernel/kernel.h"
#include "kernel/budget.h"
#define K << 10
#define M << 20
#define RAM {ram}
int main(void) {{ {lines} }}
"""


@functools.lru_cache(maxsize=None)
def board_words(board):
    """The variables of boards/BOARD/board.mk: {name: value}."""
    with open(f"{ROOT}/boards/{board}/board.mk", encoding="utf-8") as file:
        text = file.read().replace("\\\n", " ")
    return dict(re.findall(r"(?m)^(\w+)\s*:?=[ \t]*(.*?)[ \t]*$", text))


@functools.lru_cache(maxsize=None)
def budget_of(board):
    """A namespace of WORDS for a board."""
    name = board_words(board).get("BUDGET", "large")
    lines = " ".join(f'printf("{word} %llu\\n", (unsigned long long)({text}));'
                     for word, text in WORDS.items())
    folder = os.path.join(ROOT, "build", "test")
    os.makedirs(folder, exist_ok=True)
    path = os.path.join(folder, f"budget-{name}-{os.getpid()}")
    command = ["gcc", "-x", "c", "-", "-o", path, f"-I{ROOT}", "-fno-lto",
               f'-DBUDGET_FILE="boards/budget/{name}.h"']
    try:
        size = re.search(r"(\d+)\)?([KM])$", board_words(board).get("RAM_SIZE", RAM))
        ram = f"({size[1]}u {size[2]})"
        subprocess.run(command, input=PROGRAM.format(ram=ram, lines=lines).encode(), check=True,
                       cwd=ROOT)
        done = subprocess.run([path], check=True, stdout=subprocess.PIPE)
    finally:
        if os.path.exists(path):
            os.unlink(path)
    pairs = (line.split() for line in done.stdout.decode().splitlines())
    return types.SimpleNamespace(**{word: int(value) for word, value in pairs})
