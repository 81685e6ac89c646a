# SPDX-License-Identifier: MIT
"""Absurd firmware: memory maps and device trees that a loader cannot mean, and what the image does
about each: it serves, with a line that names what it left out, or it stops with a line. Never a
hang.

Maps of UEFI are in test_uefi_maps.py, ACPI tables in test_uefi.py.
"""

import struct
import subprocess

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
    "acpi-nowhere": (TRUE, {"rsdp_at": NOWHERE},
                     r"acpi: no tables at 0xffffffff00000000, where the loader says", True,
                     False),
    "modules-nowhere": (TRUE, {"modules": 9, "modules_at": NOWHERE},
                        r"mmu: no physical address 0xffffffff00000000$", False, True),
}


@pytest.mark.parametrize("name", MAPS)
def test_map(name, tmp_path, full):
    """A machine of 64 MiB whose loader says such things of its memory."""
    entries, other, line, serves, only_full = MAPS[name]
    if only_full and not full:
        pytest.skip("a boot each, much like those of make test: only in make test-full")
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


# ---- Device trees --------------------------------------------------------------------

# Where things lie in a virt machine of 64 MiB, whose RAM begins with a tree of QEMU's own.
IMAGE_AT, TREE_AT, JUMP_AT = 0x40200000, 0x43000000, 0x43F00000
BEGIN, END, PROP = (number.to_bytes(4, "big") for number in (1, 2, 3))


def padded(data):
    """To whole words."""
    return data + bytes(-len(data) % 4)


def cells(*values):
    """Numbers of 64 bits."""
    return b"".join(value.to_bytes(8, "big") for value in values)


class Tree:
    """A device tree as three blocks: reservations, structure and strings (Devicetree
    Specification 0.4, section 5)."""

    def __init__(self, blob):
        words = struct.unpack_from(">10I", blob)
        self.reserved = b""
        self.structs = blob[words[2]:words[2] + words[9]]
        self.strings = blob[words[3]:words[3] + words[8]]

    def prop(self, name, value):
        """A property, to be put into the structure."""
        at = (b"\0" + self.strings).find(b"\0" + name + b"\0")
        assert at >= 0, name
        return PROP + struct.pack(">II", len(value), at) + padded(value)

    def replace(self, old, new):
        """In the structure, where it is once."""
        assert self.structs.count(old) == 1, old
        self.structs = self.structs.replace(old, new)

    def before_memory(self, data):
        """Puts nodes before the memory node, which has its RAM in one entry."""
        name = BEGIN + padded(b"memory@40000000\0")
        self.replace(name, data + name)

    def memory(self, *reg):
        """A memory node."""
        return (BEGIN + padded(b"memory@0\0") + self.prop(b"device_type", b"memory\0")
                + self.prop(b"reg", cells(*reg)) + END)

    def blob(self, **other):
        """All of it; `other`: fields of the header that say something else."""
        reserved = self.reserved + bytes(16)
        at = 40 + len(reserved)
        fields = {"magic": 0xD00DFEED, "size": at + len(self.structs) + len(self.strings),
                  "structs": at, "strings": at + len(self.structs), "reserved": 40,
                  "version": 17, "compatible": 16, "cpu": 0, "strings_len": len(self.strings),
                  "structs_len": len(self.structs)} | other
        return struct.pack(">10I", *fields.values()) + reserved + self.structs + self.strings


@pytest.fixture(scope="module", name="honest")
def fixture_honest(tmp_path_factory):
    """The tree of such a machine."""
    path = tmp_path_factory.mktemp("tree") / "tree"
    subprocess.run(["qemu-system-aarch64", "-M", f"virt,dumpdtb={path}", "-cpu", "max", "-m",
                    f"{MEM_MIB}M", "-nodefaults", "-display", "none"],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    return path.read_bytes()


def boot_tree(blob, tmp_path):
    """(machine, port): the image entered with that tree, by the arm64 boot protocol."""
    jump = (bytes.fromhex("80000058" "a1000058" "20001fd6" "1f2003d5")     # ldr x0; ldr x1; br x1
            + struct.pack("<QQ", TREE_AT, IMAGE_AT))
    (tmp_path / "jump").write_bytes(jump)
    (tmp_path / "tree").write_bytes(blob)
    kernel = images.image("virt", app="time")
    return start("virt", str(tmp_path / "jump"), extra=(
        "-device", f"loader,file={kernel},addr={IMAGE_AT},force-raw=on",
        "-device", f"loader,file={tmp_path}/tree,addr={TREE_AT},force-raw=on"))


def overlapping(tree):
    """RAM said three times, in pieces that overlap."""
    tree.before_memory(tree.memory(0x40000000, 40 * MIB, 0x40800000, 48 * MIB)
                       + tree.memory(0x40000000, 64 * MIB))


def reserved(tree):
    """The first page of each of 4000 pairs, of which few can be kept apart."""
    tree.reserved = b"".join(cells(0x41000000 + i * 8192, 4096) for i in range(4000))


def deep(tree):
    """Nodes in nodes, before all that counts."""
    tree.before_memory((BEGIN + padded(b"deep\0")) * 3000 + END * 3000)


def memory_nowhere(tree):
    """RAM as well where no address reaches, and some that wraps."""
    tree.before_memory(tree.memory(1 << 60, MIB, 2**64 - 4096, 8192, 0x40000000, 2**64 - 1))


def device_nowhere(tree):
    """A device at the last address."""
    tree.before_memory(BEGIN + padded(b"virtio_mmio@f\0")
                       + tree.prop(b"compatible", b"virtio,mmio\0")
                       + tree.prop(b"reg", cells(2**64 - 512, 512)) + END)


# Name: what is done to the tree, fields of its header, the line.
TREES = {
    "true": (lambda tree: None, {}, None),
    "overlapping": (overlapping, {}, None),
    "reserved": (reserved, {}, r"memory: more than 16 regions"),
    "deep": (deep, {}, None),
    "memory-nowhere": (memory_nowhere, {},
                       r"memory: 1024 KiB at 0x1000000000000000 reach beyond 0x4000000000"),
    "device-nowhere": (device_nowhere, {},
                       r"device tree: virtio_mmio@f at 0xfffffffffffffe00 is out of reach"),
    "huge": (lambda tree: None, {"size": 0x7FFFFFFF}, None),
}
# In make test.
SOME_TREES = ("overlapping", "deep", "device-nowhere")


@pytest.mark.parametrize("name", TREES)
def test_tree(name, honest, tmp_path, full):
    """A machine of 64 MiB whose loader gives such a tree."""
    if name not in SOME_TREES and not full:
        pytest.skip("a boot each, much like those of make test: only in make test-full")
    change, header, line = TREES[name]
    tree = Tree(honest)
    change(tree)
    vm, port = boot_tree(tree.blob(**header), tmp_path)
    with vm:
        kib = goes_on(vm, port, line)
        assert 0.4 * MEM_MIB < kib / 1024 < MEM_MIB, vm.console.text()


@pytest.mark.parametrize("kept", (0, 0.1, 0.5))
def test_no_tree(kept, honest, tmp_path):
    """A tree of nothing, or cut short: there is no RAM and no console known, and the machine is
    off."""
    blob = Tree(honest).blob()
    vm, _ = boot_tree(blob[:int(kept * len(blob))] + bytes(64), tmp_path)
    with vm:
        vm.wait(LINE_S)
        assert vm.process.returncode == 0 and not vm.console.text()
