# SPDX-License-Identifier: MIT
"""Guests of tests/guests: tiny images that test one thing inside the machine and say how it went.

Those in table.FORBIDDEN try an access that must not be possible; success is failure there;
HANG and DRAW never end. All others end with code 0 when all is well.
"""

import glob
import os
import re

import pytest

import images
from table import BY_NAME, FORBIDDEN, GUEST_ROWS, NOT_ON, PRIVILEGED
from vm import Vm

TIMEOUT_S = 60
MEM = 192
EXIT_PANIC, EXIT_FAULT = 1, 2

HERE = os.path.dirname(os.path.abspath(__file__))
HANG, HANG_S = "hang", 2
DRAW = "draw"            # for test_clone.py
WRITE_NIC = "write_nic"  # for test_nics.py
SECRET = "hold_secret"   # which no report may show
BAD = ({HANG, DRAW, WRITE_NIC} | {name for name, _ in FORBIDDEN}
       | {name for name, _ in PRIVILEGED.values()})
GOOD = sorted({os.path.basename(path)[:-2] for path in glob.glob(f"{HERE}/guests/*.c")} - BAD)
# Those that the host runs, too, under ASan and UBSan.
HOSTED = ("coroutines", "jobs", "sync", "tasks")
ARMV7 = ("r0", "r12", "sp", "lr")
REGISTERS = {"pc": ("rax", "rsp", "r15"), "virt": ("x0", "x30", "sp"),
             "lm3s6965evb": ARMV7, "mps2-an385": ARMV7, "orangepi-pc": ARMV7}


def on_rows(guests):
    """(row, guest...) for each machine that has what the guest is about."""
    return [pytest.param(row, *guest, id="-".join((guest[0], row.name)))
            for row in GUEST_ROWS for guest in guests if guest[0] not in NOT_ON[row.board]]


def run_guest(row, guest, cmdline=""):
    """Boots a guest on a machine to its end: (exit code, console text)."""
    image = images.image(row.board, guest=guest)
    with Vm(row.options(image, mem=MEM, cmdline=cmdline)) as vm:
        code = vm.wait(TIMEOUT_S)
        return code, vm.console.text()


def check_report(board, text):
    """The crash report: cause, registers, backtrace, build id."""
    assert re.search(r"^\*\*\* (fault|panic): ", text, re.M), text
    assert re.search(r"^build id [0-9a-f]{40}$", text, re.M), text
    assert re.search(r"^bt 0x[0-9a-f]+$", text, re.M), text
    assert len(re.findall(r"^exit code \d+$", text, re.M)) == 1, text
    stacks = re.findall(r"^task \d+ .*, stack (\d+) of (\d+)\b", text, re.M)
    assert stacks and all(0 < int(deepest) <= int(size) for deepest, size in stacks), text
    if "*** fault" in text:
        assert re.search(r"^pc 0x[0-9a-f]+\b", text, re.M), text
        for name in REGISTERS[board]:
            assert re.search(rf"\b{name}\s+(0x[0-9a-f]+|\(may be secret\))", text), (name, text)


@pytest.mark.parametrize("row,guest,how", on_rows(FORBIDDEN))
def test_forbidden(row, guest, how):
    """The access is stopped, and how."""
    code, text = run_guest(row, guest)
    assert "FORBIDDEN ACCESS SUCCEEDED" not in text, text
    assert re.search(rf"\b{guest}: ", text), text
    if how == "refusal":
        assert code == 0, (code, text)
        return
    found = re.search(rf"^\*\*\* ({how}): ", text, re.M)
    assert found, (code, text)
    assert code == (EXIT_FAULT if found[1] == "fault" else EXIT_PANIC), (code, text)
    check_report(row.board, text)
    if guest == SECRET:
        assert text.count("(may be secret)") >= 4, text
        for digits in ("9e3779b97f4a7c15", "7f4a7c15"):
            assert digits not in text, text


@pytest.mark.parametrize("row, number", [
    pytest.param(row, number, id=f"{number}-{row.name}")
    for row in GUEST_ROWS for number in range(PRIVILEGED[row.board][1])])
def test_privileged(row, number):
    """A privileged instruction from the payload faults."""
    guest, _ = PRIVILEGED[row.board]
    code, text = run_guest(row, guest, f"access={number}")
    assert f"privileged: access {number}" in text, text
    assert code == EXIT_FAULT, (code, text)
    check_report(row.board, text)


@pytest.mark.parametrize("name", ("microvm", "microvm-bare", "q35", "pc", "virt",
                                  "lm3s6965evb", "mps2-an385"))
def test_crash_reboots(name):
    """crash=reboot: the machine resets, and what comes up is as good as the first time."""
    row = BY_NAME[name]
    image = images.image(row.board, guest=PRIVILEGED[row.board][0])
    with Vm(row.options(image, mem=MEM, cmdline="access=0 crash=reboot",
                        extra=("-action", "reboot=reset"))) as vm:
        seen = 0
        for _ in range(3):
            vm.wait_for(r"Zeitkern on ", TIMEOUT_S, seen)
            vm.wait_for(r"privileged: access 0", TIMEOUT_S, seen)
            vm.wait_for(r"^\*\*\* fault: ", TIMEOUT_S, seen)
            vm.wait_for(r"^exit code 2$", TIMEOUT_S, seen)
            ends = [n for n, (_, line) in enumerate(vm.console.lines[seen:], seen + 1)
                    if line == "exit code 2"]
            seen = ends[0]


@pytest.mark.parametrize("row,guest", on_rows([(guest,) for guest in GOOD]) + [
    pytest.param(BY_NAME["host"], guest, id=f"{guest}-host") for guest in HOSTED])
def test_guest(row, guest):
    """A guest that tests its own kernel."""
    code, text = run_guest(row, guest)
    assert code == 0, (code, text)


@pytest.mark.parametrize("row", [row for row in GUEST_ROWS if row.watchdog],
                         ids=lambda row: row.name)
def test_watchdog(row):
    """A hung image is restarted, and again; one that is idle or busy is not."""
    image = images.image(row.board, guest=HANG)
    with Vm(row.options(image, mem=MEM, cmdline=f"watchdog={HANG_S}",
                        extra=("-action", "reboot=reset"))) as vm:
        began = vm.when(r"Zeitkern on ", TIMEOUT_S)
        vm.wait_for(r"hang: was idle", TIMEOUT_S)
        if "watchdog: a reset after" not in vm.console.text():
            assert row.board == "orangepi-pc", vm.console.text()
            pytest.skip("this QEMU does not model the H3's watchdog; from 8.1 on it does")
        for turn in (1, 2):
            seen = vm.mark()
            hangs = vm.when(r"hang: was busy", TIMEOUT_S, seen)
            assert len(re.findall("Zeitkern on ", vm.console.text())) == turn, vm.console.text()
            assert hangs - began > 4 * HANG_S
            began = vm.when(r"Zeitkern on ", TIMEOUT_S, seen)
            assert HANG_S - 0.5 < began - hangs < HANG_S + 5, vm.console.text()
        vm.qmp.drain()
        assert len([e for e in vm.qmp.events if e["event"] == "WATCHDOG"]) == 2, vm.qmp.events
