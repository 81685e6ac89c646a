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
        assert first_answer(vm, port).status == 200
        kib = int(vm.wait_for(r"memory: (\d+) KiB")[1])
        assert 0.9 * UEFI_MIB < kib / 1024 < UEFI_MIB
        vm.powerdown()
        assert vm.wait(20) == 0, vm.console.text()
