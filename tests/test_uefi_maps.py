# SPDX-License-Identifier: MIT
"""zeitkern.efi under firmware that lies about memory (tests/efi/liar.c): one line, and back.

The liar stands between the firmware and the image. Each lie that the image cannot live with is
answered with a line that names it, and the firmware goes on with all of its memory; in the same
boot comes the next. The last one is such that the image serves.
"""

import os
import re
import subprocess

import pytest

import images
from images import ROOT
from table import BY_NAME
from test_boot import GUEST_PORT, first_answer, free_port
from test_uefi import BOOT_S, image_of
from vm import UEFI_MIB, Vm

BACK_S = 10
EXIT_FAULT = 2
EFI_ABORTED = 21
LOST_MOST = 4          # pages: firmware's own lists grow
ROWS = ("q35-uefi", "virt-uefi")
NO_STEP = "descriptors of a size that is not 40 to 4096 bytes, in eights"
NO_RAM = "the firmware's memory map has no RAM"

# Lies, and what the image says before it goes back.
REFUSED = {
    "step-zero": NO_STEP,
    "step-short": NO_STEP,
    "step-odd": NO_STEP,
    "step-huge": NO_STEP,
    "million": "memory map is longer than the room for it",
    "needs-huge": "memory map has more than 1 MiB",
    "grows": "memory map outgrows the room that it asked for",
    "broken": "does not give its memory map",
    "empty": NO_RAM,
    "unusable": NO_RAM,
    "late": NO_RAM,
    "refuses": "does not end its boot services",
}


def start(row, lies):
    """A started machine whose firmware starts the liar, which starts the image: (vm, port)."""
    board = BY_NAME[row].board
    done = images.make("-s", f"build/{board}/liar.efi", f"BOARD={board}", "APP=time",
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()
    port = free_port()
    opts = BY_NAME[row].options(os.path.join(ROOT, f"build/{board}/liar.efi"),
                                forwards=((port, GUEST_PORT),), files={"lies": " ".join(lies)},
                                beside=image_of(row))
    return Vm(opts), port


def serves(vm, port):
    """A 200 from an image that has all of the memory there is, and no more; then it is off."""
    assert first_answer(vm, port).status == 200
    kib = int(vm.wait_for(r"memory: (\d+) KiB,")[1])
    assert 0.9 * UEFI_MIB < kib / 1024 < UEFI_MIB
    vm.powerdown()
    assert vm.wait(20) == 0, vm.console.text()


@pytest.mark.parametrize("row", ROWS)
def test_lies(row):
    """Every lie in one boot; then a map in disorder and a key that is stale twice, and a 200."""
    vm, port = start(row, [*REFUSED, "disorder"])
    with vm:
        vm.wait_for(r"liar: disorder", BOOT_S)
        text = vm.console.text().replace("\r", "")
        found = re.findall(r"^liar: ([a-z-]+)\n((?:.*\n)*?)liar: error (\d+), pages lost (\d+)$",
                           text, re.MULTILINE)
        assert [name for name, *_ in found] == list(REFUSED), text
        for name, said, status, lost in found:
            assert re.fullmatch(f"zeitkern: .*{REFUSED[name]}.*\n", said), (name, said)
            assert int(status) == EFI_ABORTED and int(lost) <= LOST_MOST, (name, status, lost)
        serves(vm, port)


# A lie about RAM where there is none; the row; what is said of it.
NOT_THERE = (
    ("beyond", "q35-uefi", r"memory: 1048576 KiB at 0x2000000000 hold nothing"),
    ("all", "q35-uefi", r"memory: \d+ KiB at 0x100000000 hold nothing"),
    ("beyond", "virt-uefi", r"fault: .*where no device answers, address 0x2000000000"),
    ("all", "virt-uefi", r"fault: .*where no device answers, address 0x[0-9a-f]+"),
)


@pytest.mark.parametrize("lie,row,line", NOT_THERE, ids=[f"{n[0]}-{n[1]}" for n in NOT_THERE])
def test_no_ram(lie, row, line, full):
    """A map that promises RAM where there is none, or everywhere. x86_64 can look, and serves
    without it; on aarch64 the look itself is a fault, at once and with a line that says where."""
    if (lie, row) in (("all", "q35-uefi"), ("beyond", "virt-uefi")) and not full:
        pytest.skip("only in make test-full")
    vm, port = start(row, [lie])
    with vm:
        vm.wait_for(f"liar: {lie}", BOOT_S)
        vm.wait_for(line, BACK_S)
        if row == "q35-uefi":
            serves(vm, port)
        else:
            assert vm.wait(BACK_S) == EXIT_FAULT, vm.console.text()


def test_shreds():
    """2000 pages of the firmware's in RAM's midst: the largest ranges between them are kept."""
    vm, port = start("q35-uefi", ["shreds"])
    with vm:
        vm.wait_for("liar: shreds", BOOT_S)
        serves(vm, port)
