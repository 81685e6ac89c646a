#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Names for the addresses of a crash report: tests/symbols.py ELF <log.

The report's lines begin with "pc 0x102030" or "bt 0x102030"; each gets the function, file and
line appended, by addr2line from the image's ELF file. tests/qemu does the same to the console
of `make run`.
"""

import os
import re
import shutil
import subprocess
import sys

ADDRESS = re.compile(r"^(?:pc|bt) (0x[0-9a-fA-F]+)\b")
BUILD_ID = re.compile(r"\bbuild id ([0-9a-f]{8,40})\b")
TOOLS = {0x28: "arm-none-eabi-addr2line", 0x3E: "addr2line",
         0xB7: "aarch64-linux-gnu-addr2line"}                         # by ELF e_machine


def elf_of(image):
    """The ELF file with symbols that stands beside an image of any format."""
    path = os.path.join(os.path.dirname(image), "zeitkern.elf")
    return path if os.path.exists(path) else image


def tool_for(elf):
    """The addr2line that knows this ELF file's machine, or None."""
    with open(elf, "rb") as file:
        head = file.read(20)
    if head[:4] != b"\x7fELF":
        return None
    wanted = TOOLS.get(head[18] | head[19] << 8, "addr2line")
    return next(filter(shutil.which, (wanted, "addr2line", "llvm-addr2line-14")), None)


def build_id(elf):
    """The ELF file's build id in hex, or None."""
    out = subprocess.run(["readelf", "-n", elf], check=False, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL).stdout.decode()
    found = re.search(r"Build ID: ([0-9a-f]+)", out)
    return found and found[1]


def resolve(elf, address):
    """["function at file:line", ...], innermost inline first; empty when unknown."""
    tool = tool_for(elf)
    if not tool:
        return []
    out = subprocess.run([tool, "-f", "-i", "-C", "-e", elf, address], check=False,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.decode()
    lines = out.splitlines()
    pairs = zip(lines[0::2], lines[1::2])
    return [f"{name} at {where.split(' (disc')[0]}" for name, where in pairs if name != "??"]


def annotate(elf, line):
    """The line, with names behind its address if it is one of a crash report."""
    found = ADDRESS.search(line)
    if not found:
        return line
    names = resolve(elf, found[1])
    return f"{line}  {' < '.join(names)}" if names else line


def main():
    """Copies standard input, with names added to crash reports."""
    if len(sys.argv) != 2:
        sys.exit("usage: tests/symbols.py ELF <log")
    elf = sys.argv[1]
    if not os.path.exists(elf):
        sys.exit(f"zeitkern: {elf}: no such file; `make image` builds it")
    for line in sys.stdin:
        found = BUILD_ID.search(line)
        ours = build_id(elf) if found else None
        if ours and not ours.startswith(found[1]):
            print(f"zeitkern: this log is of build {found[1]}, {elf} is {ours}", file=sys.stderr)
        print(annotate(elf, line.rstrip("\n")), flush=True)


if __name__ == "__main__":
    main()
