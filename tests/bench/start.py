# SPDX-License-Identifier: MIT
"""From the start of the VMM to the first 200, beside an empty guest and Linux; instructions.

The prober (load.c, "first") opens a new connection every 5 ms and takes the first answer:
QEMU's user-mode networking accepts connections before the guest listens, so one that waits for
its own answer would measure TCP's retransmissions.
"""

import threading
import time

from report import Figure
from tools import FORWARD, Counter, Load, Vm, median, say

HANG_S = 60


def floor_ms(lab):
    """Start to exit of the empty guest, the prober at work as with the others."""
    opts = lab.floor.options(forwards=((FORWARD, 8080),))
    with Load(lab.load, "127.0.0.1", FORWARD) as load:
        load.tell("first")
        with Vm(opts) as vm:
            guard = threading.Timer(HANG_S, vm.process.kill)
            guard.start()
            vm.process.wait()
            guard.cancel()
            return (time.monotonic() - vm.began) * 1000


def first_ms(lab, system, cmdline):
    """Start of the VMM to the first answer."""
    with Load(lab.load, "127.0.0.1", FORWARD) as load:
        load.tell("first")
        with lab.boot(system, cmdline=cmdline, wait=False) as vm:
            at = float(load.answer()[0])
            if not at or not vm.running():
                vm.fail("no answer")
            return (at - vm.began) * 1000


def start_up(lab, quick):
    """Alternating runs of all; the figures."""
    kinds = {"floor": lambda: floor_ms(lab),
             "static": lambda: first_ms(lab, lab.zeitkern, ""),
             "dhcp": lambda: first_ms(lab, lab.zeitkern, "dhcp")}
    runs = {name: [] for name in kinds}
    linux = []
    for turn in range(5 if quick else 15):
        say(f"start-up, run {turn + 1}")
        for name, measure in kinds.items():
            runs[name].append(measure())
        if lab.linux and turn < (2 if quick else 5):
            linux.append(first_ms(lab, lab.linux, ""))
    floor, static, dhcp = (median(runs[name]) for name in kinds)
    beside = {"empty guest": floor}
    if linux:
        beside["Linux"] = median(linux)
    figures = [
        Figure("start", "VMM start to first 200, static address", "ms", static, beside,
               static / floor, "of the empty guest", 1.6, spread=spread(runs["static"])),
        Figure("start", "VMM start to first 200, DHCP", "ms", dhcp, beside, dhcp / floor,
               "of the empty guest", 2.2, spread=spread(runs["dhcp"]))]
    if linux:
        figures.append(Figure("start", "VMM start to first 200, Linux over ours", "x",
                              median(linux) / static, {}, median(linux) / static,
                              "times as fast", 25, least=True, spread=spread(linux)))
    return figures


def spread(values):
    """Lowest to highest."""
    return f"{min(values):.0f} to {max(values):.0f} ms in {len(values)} runs"


def instructions(lab, quick):
    """Guest instructions from the image's entry to the first 200: those of the firmware, which
    the empty guest shows, are not counted."""
    say("instructions to the first 200")
    counter = Counter(lab.plugin)
    with Vm(lab.floor.options(forwards=((FORWARD, 8080),)), plugin=counter.plugin) as vm:
        vm.process.wait(HANG_S)
    firmware = counter.now()
    runs = [(first_instructions(lab, lab.zeitkern) - firmware) / 1e6
            for _ in range(3 if quick else 9)]
    ours, beside = median(runs), {}
    if lab.linux:
        beside["Linux"] = (first_instructions(lab, lab.linux) - firmware) / 1e6
    return [Figure("start", "guest instructions from entry to first 200", "million", ours,
                   beside, ours, "million", 2.0,
                   spread=f"{min(runs):.2f} to {max(runs):.2f} in {len(runs)} runs")]


def first_instructions(lab, system):
    """Instructions from reset to the answer of one request, asked once the image says so."""
    counter = Counter(lab.plugin)
    with lab.boot(system, counter=counter), lab.client() as load:
        load.all_ok("open 1")
        return counter.now()
