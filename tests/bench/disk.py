# SPDX-License-Identifier: MIT
"""From the start of the VMM to the first 200, beside the firmware's own share: a disk whose boot
sector, or whose file for UEFI, or a PVH kernel that ends the machine at its first instruction."""

import os
import struct
import subprocess
import threading
import time

import images
from report import Figure
from tools import FOLDER, FORWARD, USER_ADDRESS, Load, Options, Vm, VmError, median, say

HANG_S = 120
MOST_MS = 150                 # above the firmware's share, on x86_64
DEAF_MS = 1000                # more with QEMU's e1000: it takes no frame so soon after RCTL is set
OFF_X86 = bytes((0xB0, 0, 0xE6, 0xF4, 0xF4))     # mov $0, %al; out %al, $0xf4; hlt
# mov w0, #0x84000000; orr w0, w0, #8; hvc #0: PSCI's SYSTEM_OFF
OFF_ARM = struct.pack("<III", 0x52B08000, 0x321D0000, 0xD4000002)
# Board: machine, the PE's machine and file name, what it runs, the firmware's files.
UEFI = {"pc": ("q35", 0x8664, "BOOTX64.EFI", OFF_X86, "/usr/share/OVMF/OVMF_{}_4M.fd"),
        "virt": ("virt", 0xAA64, "BOOTAA64.EFI", OFF_ARM, "/usr/share/AAVMF/AAVMF_{}.fd")}
PAGE, FILE_PAGE = 4096, 512
NICS = ("pci", "e1000", "e1000e", "vmxnet3")


def empty_disk():
    """A disk of 1 MiB that leaves by isa-debug-exit as soon as it is booted."""
    path = os.path.join(FOLDER, "empty.raw")
    with open(path, "wb") as file:
        file.write(OFF_X86.ljust(510, b"\0") + b"\x55\xaa" + bytes((1 << 20) - 512))
    return path


def empty_efi(board):
    """A disk with a PE file (Microsoft's PE format) of one section with that code."""
    _, machine, name, code, _ = UEFI[board]
    head = b"MZ".ljust(60, b"\0") + struct.pack("<I4sHHIIIHH", 64, b"PE\0\0", machine, 1, 0, 0, 0,
                                                240, 0x22)
    head += struct.pack("<HBBIIIIIQIIHHHHHHIIIIHHQQQQII", 0x20B, 0, 0, FILE_PAGE, 0, 0, PAGE, PAGE,
                        0, PAGE, FILE_PAGE, 0, 0, 0, 0, 0, 0, 0, 2 * PAGE, FILE_PAGE, 0, 10, 0, 0,
                        0, 0, 0, 0, 16) + bytes(128)
    head += struct.pack("<8sIIIIIIHHI", b".text", PAGE, PAGE, FILE_PAGE, FILE_PAGE, 0, 0, 0, 0,
                        0x60000020)
    paths = [os.path.join(FOLDER, f"empty-{board}.{kind}") for kind in ("efi", "conf", "raw")]
    program = head.ljust(FILE_PAGE, b"\0") + code.ljust(FILE_PAGE, b"\0")
    for path, data in zip(paths, (program, b"")):
        with open(path, "wb") as file:
            file.write(data)
    subprocess.run([f"{images.ROOT}/linker/disk", paths[2], "--settings", paths[1], "--efi", name,
                    paths[0]], check=True)
    return paths[2]


def our_disk(board):
    """make image FORMAT=raw, with a static address."""
    done = images.make("-s", "image", f"BOARD={board}", "FORMAT=raw", f"CONFIG={USER_ADDRESS}",
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        raise VmError(done.stdout.decode())
    return os.path.join(images.ROOT, done.stdout.decode().split()[-1])


def started(lab, opts, ends):
    """Milliseconds from the VMM's start to the first answer, or to its end."""
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


def compared(lab, turns, name, target, empty, ours, **how):
    """The figure of one machine, in turn with its firmware's own share."""
    firmware, whole = [], []
    for turn in range(turns):
        say(f"disk, {name}, run {turn + 1}")
        for path, ends, taken in ((empty, True, firmware), (ours, False, whole)):
            opts = Options(**{"image": path, "firmware": "bios", "forwards": ((FORWARD, 8080),),
                              **how})
            taken.append(started(lab, opts, ends))
    above = median(whole) - median(firmware)
    return Figure("start", f"VMM start to first 200, {name}, above the firmware", "ms",
                  above, {"whole": median(whole), "firmware": median(firmware)}, above,
                  "ms above the firmware", target,
                  spread=f"{min(whole):.0f} to {max(whole):.0f} ms in {len(whole)} runs")


def bios(lab, quick):
    """SeaBIOS on q35 and pc."""
    empty, ours = empty_disk(), our_disk("pc")
    return [compared(lab, 5 if quick else 15, f"from a disk, SeaBIOS on {machine}", MOST_MS, empty,
                     ours, machine=machine) for machine in ("q35", "pc")]


def flash(board):
    """QEMU's options for UEFI firmware."""
    words = ()
    for unit, what, more in ((0, "CODE", "readonly=on"), (1, "VARS", "snapshot=on")):
        words += ("-drive", f"if=pflash,unit={unit},format=raw,{more},"
                  f"file={UEFI[board][-1].format(what)}")
    return words


def uefi(lab, quick):
    """OVMF and AAVMF."""
    return [compared(lab, 3 if quick else 7, f"from a disk, UEFI on {UEFI[board][0]}",
                     MOST_MS if board == "pc" else 0, empty_efi(board), our_disk(board),
                     board=board, machine=UEFI[board][0], mem=256, extra=flash(board))
            for board in UEFI]


def ways(lab):
    """(firmware and machine, its own share, what it starts, vm.Options, the most in ms) of all."""
    pvh = {"firmware": "none", "cmdline": USER_ADDRESS}
    arm = {"board": "virt", "mem": 256, "extra": flash("virt")}
    found = []
    for machine in ("q35", "pc"):
        for name, empty, ours, how in (
                ("PVH", lab.floor_image(), images.image("pc", app="time"), pvh),
                ("SeaBIOS", empty_disk(), our_disk("pc"), {}),
                ("OVMF", empty_efi("pc"), our_disk("pc"), {"mem": 256, "extra": flash("pc")})):
            found.append((f"{name} on {machine}", empty, ours, dict(how, machine=machine), MOST_MS))
    return found + [("AAVMF on virt", empty_efi("virt"), our_disk("virt"),
                     dict(arm, machine="virt"), 0)]


def product(lab, quick):
    """Every machine, firmware and NIC, each judged; aarch64 is only measured."""
    return [compared(lab, 1 if quick else 3, f"{name}, {nic}",
                     most and most + (DEAF_MS if nic == "e1000" else 0), empty, ours, nic=nic,
                     **how)
            for name, empty, ours, how, most in ways(lab) for nic in NICS]
