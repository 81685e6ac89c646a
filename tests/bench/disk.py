# SPDX-License-Identifier: MIT
"""From the start of the VMM to the first 200 from a disk, by firmware, beside the firmware's own
share: a disk whose boot sector ends the machine at its first instruction."""

import os
import subprocess
import threading
import time

import images
from report import Figure
from tools import FOLDER, FORWARD, USER_ADDRESS, Load, Options, Vm, VmError, median, say

HANG_S = 120
MOST_MS = 150                 # above the firmware's share
EMPTY = bytes((0xB0, 0, 0xE6, 0xF4, 0xF4))     # mov $0, %al; out %al, $0xf4; hlt


def empty_disk():
    """A disk of 1 MiB that leaves by isa-debug-exit as soon as it is booted."""
    path = os.path.join(FOLDER, "empty.raw")
    with open(path, "wb") as file:
        file.write(EMPTY.ljust(510, b"\0") + b"\x55\xaa" + bytes((1 << 20) - 512))
    return path


def our_disk():
    """make image FORMAT=raw, with a static address."""
    done = images.make("-s", "image", "BOARD=pc", "FORMAT=raw", f"CONFIG={USER_ADDRESS}",
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise VmError(done.stdout.decode())
    return os.path.join(images.ROOT, done.stdout.decode().split()[-1])


def started(lab, path, machine, ends):
    """Milliseconds from the VMM's start to the first answer, or to its end."""
    opts = Options(machine=machine, image=path, firmware="bios", forwards=((FORWARD, 8080),))
    with Load(lab.load, "127.0.0.1", FORWARD) as load:
        load.tell("first")
        with Vm(opts) as vm:
            guard = threading.Timer(HANG_S, vm.process.kill)
            guard.start()
            if ends:
                vm.process.wait()
                at = time.monotonic()
            else:
                at = float(load.answer()[0])
            guard.cancel()
            if not at or ends == vm.running():
                vm.fail("it did not start")
            return (at - vm.began) * 1000


def bios(lab, quick):
    """SeaBIOS on q35 and pc, in turn with its own share."""
    figures, empty, ours = [], empty_disk(), our_disk()
    for machine in ("q35", "pc"):
        firmware, whole = [], []
        for turn in range(5 if quick else 15):
            say(f"disk on {machine}, run {turn + 1}")
            firmware.append(started(lab, empty, machine, True))
            whole.append(started(lab, ours, machine, False))
        above = median(whole) - median(firmware)
        figures.append(Figure(
            "start", f"VMM start to first 200 from a disk, SeaBIOS on {machine}, above SeaBIOS",
            "ms", above, {"whole": median(whole), "SeaBIOS": median(firmware)}, above,
            "ms above the firmware", MOST_MS,
            spread=f"{min(whole):.0f} to {max(whole):.0f} ms in {len(whole)} runs"))
    return figures
