# SPDX-License-Identifier: MIT
"""Unit tests: each tests/unit/test_*.c is a cmocka program for this computer.

Its first lines name the sources it is compiled with, from the repository's root, as in
"/* sources: kernel/config.c net/http/parse.c */". Built with ASan and UBSan.
"""

import glob
import os
import re
import subprocess

import pytest

from images import ROOT

FLAGS = ("-std=gnu11 -g -O1 -fno-omit-frame-pointer -fsanitize=address,undefined"
         " -fno-sanitize-recover=all -Wall -Wextra -Wno-unused-parameter -I. -Inet/port"
         " -isystem build/src/lwip/src/include -DBUDGET_FILE=\"boards/budget/large.h\"").split()
HEAD_LINES = 12
TIMEOUT_S = 120
PROGRAMS = sorted(glob.glob(os.path.join(ROOT, "tests/unit/test_*.c")))


def words_of(path, key):
    """The words of a "key: ..." comment in the first lines of a file."""
    with open(path, encoding="utf-8") as file:
        head = "".join(file.readlines()[:HEAD_LINES])
    found = re.search(rf"\b{key}:((?:[^*]|\*(?!/))*)\*/", head)
    return found[1].replace("*", " ").split() if found else []


@pytest.mark.parametrize("path", PROGRAMS, ids=[os.path.basename(p)[:-2] for p in PROGRAMS])
def test_unit(path):
    """Compiles and runs one program."""
    folder = os.path.join(ROOT, "build", "unit")
    os.makedirs(folder, exist_ok=True)
    program = os.path.join(folder, os.path.basename(path)[:-2])
    command = (["gcc"] + FLAGS + words_of(path, "cflags") + ["-o", program, path]
               + words_of(path, "sources") + ["-lcmocka", "-lm"])
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout.decode()}"
    done = subprocess.run([program], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=TIMEOUT_S,
                          env=dict(os.environ, ASAN_OPTIONS="detect_stack_use_after_return=1"))
    assert done.returncode == 0, done.stdout.decode()
