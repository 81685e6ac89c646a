# SPDX-License-Identifier: MIT
"""The error of the time that is served, against the host's clock, by which a chronyd beside the
machine goes: at the first answer, once a server has been heard, a minute later, after a pause of
an hour, after a snapshot restored an hour later.

A request is bracketed: the answer is compared with the middle of the times at which it was sent
and answered, and is wrong by half their difference at most; the fastest of several counts. The
hour is libfaketime's (tests/faked.py): the host's clock, which is QEMU's RTC and chronyd's, moves
while the machine stands still. Machines without an RTC that runs on, and the host build, are
stopped for a second instead, and are told only by their server; they have no figure for it.
"""

import concurrent.futures
import contextlib
import os
import re
import subprocess
import tempfile
import time

from faked import FakedClock
from report import Figure
from table import BY_NAME
from tools import HOST, TAP_ADDRESS, Asker, NoNamespace, Vm, VmError, images, median, namespace, say

ROWS = ("host", "microvm", "q35", "virt", "lm3s6965evb", "mps2-an385", "orangepi-pc")
NATIVE = ("host", "microvm", "q35")
TARGET_US = {True: 1000, False: 5000}
AT_ONCE = 3                   # machines, which idle most of the time
TRIES = 20
SETTLE_S = 3                  # of the first questions in a row, and a slew of half a second
HOUR = 3600
KNOWN = "the time is known"
PHASES = ("at the first answer", "after the first fix", "a minute later",
          "after a pause of an hour", "after a snapshot, an hour later")


FIX, FIX_MS = "the first fix after the address", 2000
STAMP = re.compile(r"(?m)^\[ *([0-9.]+)\] .*(?:serving http|the time is known)")


class Faulty(VmError):
    """A machine that answers no 200."""


def error_of(asker, now, tries):
    """By how much the time served is ahead, in s, by the fastest of so many requests."""
    best = None
    for _ in range(tries):
        before = now()
        body = asker.get("/")
        after = now()
        if body.startswith('{"time": '):
            found = float(body[9:-1]) - (before + after) / 2
            best = min(best or (after - before, found), (after - before, found))
    if best is None:
        raise Faulty("the time is not known")
    return best[1]


def first(net, now):
    """The error of the first 200."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            with Asker(net) as asker:
                return error_of(asker, now, 1)
        except (OSError, Faulty):
            time.sleep(0.002)
    raise VmError("no answer")


def monitor(vm, line):
    """A command of QEMU's monitor."""
    said = vm.qmp.execute("human-monitor-command", **{"command-line": line})
    if said and said.strip():
        raise VmError(f"{line}: {said}")


def one_run(row, image, minute):
    """{phase: error in s} of one boot, and how long the first fix took, by the guest's clock."""
    moves = row.clock and row.runs_on and row.board != "host"
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="zeitkern-"))
        clock = FakedClock(folder)
        net = stack.enter_context(namespace(row.board != "host"))
        net.chronyd(env=clock.env if moves else None)
        time.sleep(0.5)
        disk = os.path.join(folder, "disk.qcow2")
        extra = ()
        if moves:
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "256M"], check=True)
            extra = ("-drive", f"if=none,format=qcow2,file={disk}")
        options = row.options(image, cmdline=f"{TAP_ADDRESS} ntp={HOST}", tap_fd=net.tap_fd,
                              extra=extra)
        vm = stack.enter_context(Vm(options, netns_fd=net.fd, env=clock.env if moves else None))
        errors = [first(net, clock.now)]
        vm.wait_for(KNOWN, 30)

        def settled(seconds):
            time.sleep(seconds)
            with Asker(net) as asker:
                errors.append(error_of(asker, clock.now, TRIES))
        settled(SETTLE_S)
        settled(minute)
        if moves:
            vm.qmp.execute("stop")
            clock.move(HOUR)
            vm.qmp.execute("cont")
            settled(SETTLE_S)
            monitor(vm, "savevm one")
            clock.move(HOUR)
            monitor(vm, "loadvm one")
            settled(SETTLE_S)
        address, known = (float(stamp) for stamp in STAMP.findall(vm.console.text())[:2])
        return dict(zip(PHASES, errors), **{FIX: known - address})


def figures_of(name, runs):
    """The figures of a machine."""
    figures = []
    for phase in PHASES:
        errors = [abs(run[phase]) * 1e6 for run in runs if phase in run]
        if not errors:
            continue
        middle = median(errors)
        target = 0 if phase == PHASES[0] else TARGET_US[name in NATIVE]
        figures.append(Figure("clock", f"{name}, {phase}", "us", middle, {}, middle, "us", target,
                              note=f"worst of {len(errors)}: {max(errors):,.0f} us"))
    waits = [run[FIX] * 1000 for run in runs]
    if waits:
        figures.append(Figure("clock", f"{name}, {FIX}", "ms", median(waits), {}, max(waits),
                              "ms at worst", FIX_MS))
    return figures


def wall_clock(_lab, quick):
    """All machines, a few at the same time. CLOCK_RUNS: how many runs of each."""
    count = int(os.environ.get("CLOCK_RUNS", "2" if quick else "20"))
    jobs, runs = [], {name: [] for name in ROWS}
    with namespace():
        pass                      # NoNamespace here, not in a thread
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for _ in range(count):
            for name in ROWS:
                row = BY_NAME[name]
                image = images.image(row.board, app="time", sanitize="")
                jobs.append((name, pool.submit(one_run, row, image, 10 if quick else 60)))
        for name, job in jobs:
            try:
                runs[name].append(job.result())
            except (VmError, OSError) as error:
                say(f"clock, {name}: {str(error).splitlines()[0]}")
                if isinstance(error, NoNamespace):
                    raise
    return [figure for name in ROWS for figure in figures_of(name, runs[name])]
