# SPDX-License-Identifier: MIT
"""Absurd firmware: memory maps that a loader or a BIOS cannot mean, and what the image does about
each: it serves, with a line that names what it left out, or it stops with a line. Never a hang.

Maps of UEFI are in test_uefi_maps.py, ACPI tables in test_uefi.py.
"""

import re
import struct

import pytest

import images
from table import BY_NAME
from test_boot import GUEST_PORT, first_answer, free_port
from vm import Vm

LINE_S = 60                   # a hang detector
EXIT_PANIC = 1
MIB = 1 << 20
MEM_MIB = 64                  # of the machines here
RAM, RESERVED = 1, 2
LOADER_AT = 40 * MIB          # the forged loader; it leaves what it hands over at INFO_AT
INFO_AT = 0x50000
START_MAGIC = 0x336EC578
NOWHERE = 0xFFFFFFFF00000000


# ---- Memory maps, by PVH -------------------------------------------------------------

def start_info(entries, **other):
    """struct hvm_start_info, version 1, with its memory map behind it (Xen public header
    arch-x86/hvm/start_info.h); `other`: fields that say something else."""
    fields = {"version": 1, "modules": 0, "modules_at": 0, "cmdline_at": 0, "rsdp_at": 0,
              "memmap_at": INFO_AT + 56, "memmap_count": len(entries)} | other
    info = struct.pack("<4I4Q2I", START_MAGIC, fields["version"], 0, fields["modules"],
                       fields["modules_at"], fields["cmdline_at"], fields["rsdp_at"],
                       fields["memmap_at"], fields["memmap_count"], 0)
    return info + b"".join(struct.pack("<QQII", *entry, 0) for entry in entries)


def loader(info, entry):
    """An ELF file with a PVH note: it copies `info` to where no RAM is that the kernel takes, and
    enters the kernel, which lies in memory already."""
    code = (b"\xfc\xbe" + struct.pack("<I", LOADER_AT + 64)              # cld; mov esi
            + b"\xbf" + struct.pack("<I", INFO_AT)                       # mov edi
            + b"\xb9" + struct.pack("<I", len(info)) + b"\xf3\xa4"       # mov ecx; rep movsb
            + b"\xbb" + struct.pack("<I", INFO_AT)                       # mov ebx
            + b"\xb8" + struct.pack("<I", entry) + b"\xff\xe0")          # mov eax; jmp eax
    body = code.ljust(64, b"\0") + info
    note = struct.pack("<3I4sQ", 4, 8, 18, b"Xen", LOADER_AT)
    at = 64 + 2 * 56
    head = b"\x7fELF\2\1\1".ljust(16, b"\0") + struct.pack(
        "<HHIQQQIHHHHHH", 2, 62, 1, LOADER_AT, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    segments = struct.pack("<IIQQQQQQ", 1, 7, at + len(note), LOADER_AT, LOADER_AT, len(body),
                           len(body), 4)
    segments += struct.pack("<IIQQQQQQ", 4, 4, at, 0, 0, len(note), len(note), 4)
    return head + segments + note + body


def start(row, image, **more):
    """(a started machine, a port of this computer that leads to it)."""
    port = free_port()
    return Vm(BY_NAME[row].options(image, forwards=((port, GUEST_PORT),), **more)), port


def goes_on(vm, port, line):
    """A 200, with a line before it, if there is one to say. How much RAM it has found, in KiB."""
    assert first_answer(vm, port).status == 200
    if line:
        vm.wait_for(line, LINE_S)
    return int(vm.wait_for(r"memory: (\d+) KiB,")[1])


def stops(vm, line):
    """A panic with that line, and the machine is off."""
    vm.wait_for(rf"\*\*\* panic: {line}", LINE_S)
    assert vm.wait(LINE_S) == EXIT_PANIC, vm.console.text()


LOW = (0, 0x9FC00, RAM)
HIGH = (MIB, (MEM_MIB - 1) * MIB, RAM)
TRUE = (LOW, HIGH)
NO_RAM = r"discover: no RAM from 1 MiB to 1 GiB in the loader's memory map$"
# Name: entries, other fields, the line (None: there is nothing to say), does it serve, only full.
MAPS = {
    "true": (TRUE, {}, None, True, True),
    "twice": ((HIGH, (2 * MIB, 40 * MIB, RAM), LOW, HIGH, (MIB - 1, MIB, RAM)), {}, None, True,
              False),
    "taken-back": ((*TRUE, (32 * MIB, MIB, RESERVED)), {},
                   r"memory: 1024 KiB that the loader calls RAM and something else are left out$",
                   True, False),
    "shreds": ((LOW, (MIB, 20 * MIB, RAM)) + tuple(
        ((22 + i) * MIB, MIB // 2, RAM) for i in range(40)), {},
               r"memory: more than 16 regions; the smallest, 12800 KiB, are left out$", True, True),
    "endless": (TRUE, {"memmap_count": 1 << 31},
                r"memory: the loader's map has 2147483648 entries, those after 128 are left out$",
                True, False),
    "wraps": ((*TRUE, (MIB, 2**64 - 1, RAM), (2**64 - 4096, 8192, RAM), (0x3000, 0, RESERVED)),
              {}, None, True, True),
    "beyond": ((*TRUE, (1 << 60, MIB, RAM)), {},
               r"memory: 1024 KiB from 0x10000000000 on are beyond what the CPU addresses", True,
               True),
    "everything": (((0, 2**64 - 1, RAM),), {},
                   r"discover: the boot page tables do not lie in RAM$", False, False),
    "nothing": ((), {}, NO_RAM, False, False),
    "taken": ((*TRUE, (0, 2**64 - 1, RESERVED)), {}, NO_RAM, False, True),
    "far": ((LOW, (1 << 30, MIB, RAM)), {}, NO_RAM, False, True),
    "none": (TRUE, {"memmap_at": 0}, r"discover: the loader gave no memory map$", False, True),
    "map-nowhere": (TRUE, {"memmap_at": NOWHERE}, r"mmu: no physical address 0xffffffff00000000$",
                    False, True),
    "words-nowhere": (TRUE, {"cmdline_at": NOWHERE},
                      r"mmu: no physical address 0xffffffff00000000$", False, True),
    "modules-nowhere": (TRUE, {"modules": 9, "modules_at": NOWHERE},
                        r"mmu: no physical address 0xffffffff00000000$", False, True),
}


@pytest.mark.parametrize("name", MAPS)
def test_map(name, tmp_path, full):
    """A machine of 64 MiB whose loader says such things of its memory."""
    entries, other, line, serves, only_full = MAPS[name]
    if only_full and not full:
        pytest.skip("only in make test-full")
    kernel = images.image("pc", app="time")
    with open(kernel, "rb") as file:
        entry, = struct.unpack_from("<Q", file.read(64), 24)
    forged = tmp_path / "loader"
    forged.write_bytes(loader(start_info(entries, **other), entry))
    vm, port = start("q35", str(forged), extra=("-device", f"loader,file={kernel}"))
    with vm:
        if serves:
            kib = goes_on(vm, port, line)
            assert 0.4 * MEM_MIB < kib / 1024 < MEM_MIB, vm.console.text()
        else:
            stops(vm, line)
