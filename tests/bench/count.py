# SPDX-License-Identifier: MIT
"""Guest instructions per request (DESIGN section 6): exact, and the same on a busy machine.

One connection in a closed loop, GET / with Host and Accept-Encoding, in user-mode networking;
then over a TAP, where many connections are possible. What the guest does in the same time
without being asked is subtracted. Frames per request come from the guest's own counters: a
client that comes back to a connection only after its delayed acknowledgement was sent costs one
frame more, whatever the server does.
"""

import itertools
import subprocess
import time

from report import Figure
from tools import FOLDER, Asker, Counter, NoNamespace, namespace, say

SETTLE_S = 1.0
FRAMES = ("net_rx_frames_total", "net_tx_frames_total")


class Run:
    """A booted system under the plugin, and its client."""

    def __init__(self, counter, load, asker=None):
        self.counter, self.load, self.asker = counter, load, asker
        self.frames = ""

    def cost(self, command, requests):
        """Instructions per request of a command of load.c, the idle rate subtracted."""
        idle = self.counter.idle_rate(SETTLE_S)
        seen = self.asker.metrics() if self.asker else None
        before, began = self.counter.now(), time.monotonic()
        self.load.all_ok(f"{command} {requests}")
        spent = self.counter.now() - before - idle * (time.monotonic() - began)
        if seen:
            after = self.asker.metrics()
            rx, tx = ((after[name] - seen[name]) / requests for name in FRAMES)
            self.frames = f"{rx:.1f} frames in and {tx:.1f} out per request"
        return spent / requests


def user_mode(lab, system, requests):
    """(keep-alive, new connection) of one system, user-mode networking."""
    say(f"instructions per request, {system.name}, user-mode network")
    counter = Counter(lab.plugin)
    with lab.boot(system, counter=counter), lab.client() as load:
        run = Run(counter, load)
        load.all_ok("open 1")
        load.all_ok("turn 1 500")
        return (run.cost("turn 1", requests), run.cost("short 1", requests // 4), counter)


def by_user_mode(lab, quick):
    """The figures that DESIGN's rule is about."""
    requests = 4000 if quick else 20000
    keep, new, _ = user_mode(lab, lab.zeitkern, requests)
    beside = [{}, {}]
    if lab.linux:
        others = user_mode(lab, lab.linux, 1000 if quick else 4000)
        beside = [{"Linux": others[0]}, {"Linux": others[1]}]
    return [Figure("instructions", "keep-alive, 1 connection, user-mode network", "", keep,
                   beside[0], keep, "instructions", 5000),
            Figure("instructions", "new connection, user-mode network", "", new, beside[1], new,
                   "instructions", 16000)]


def over_tap(lab, quick):
    """What needs a TAP."""
    requests = 5000 if quick else 20000
    say("instructions per request over TAP")
    counter = Counter(lab.plugin)
    with namespace() as net, lab.boot(lab.zeitkern, net, "metrics=yes", counter), \
            lab.client(net) as load, Asker(net) as asker:
        run = Run(counter, load, asker)
        load.all_ok("open 32")
        load.all_ok("busy 32 500")
        one = run.cost("turn 1", requests)
        figures = [Figure("instructions", "keep-alive, 1 connection, TAP", "", one,
                          note=run.frames)]
        busy = run.cost("busy 32", requests)
        figures.append(Figure("instructions", "keep-alive, 32 connections, TAP", "", busy,
                              note=run.frames))
        new = run.cost("short 1", requests // 2)
        figures.append(Figure("instructions", "new connection, TAP", "", new, note=run.frames))
        idle_before = counter.idle_rate(SETTLE_S)
        load.all_ok("open 968")
        say("instructions with 1,000 connections active in turn")
        turn = run.cost("turn 1000", requests)
        figures.append(Figure("instructions", "1,000 connections active in turn, TAP", "", turn,
                              {"one connection": one}, turn / one, "of one connection", 1.25,
                              note=run.frames))
        load.all_ok("open 9001")
        say("instructions with 10,000 idle connections")
        beside = run.cost("turn 1", requests)
        figures.append(Figure("instructions", "1 connection beside 10,000 idle ones, TAP", "",
                              beside, {"alone": one}, beside / one, "of one connection", 1.1))
        idle_after = counter.idle_rate(SETTLE_S)
    figures.append(Figure("instructions", "idle, per second", "", idle_before,
                          {"with 10,000 connections": idle_after}))
    return figures


def instructions(lab, quick):
    """All of them."""
    figures = by_user_mode(lab, quick)
    try:
        figures += over_tap(lab, quick)
    except NoNamespace as error:
        say(f"nothing over TAP: {error}")
    return figures


def profile(lab, command, requests, opened=1, tap=True):
    """Prints which functions a request's instructions belong to (tests/bench/run profile)."""
    path = f"{FOLDER}/profile"
    counter = Counter(lab.plugin, path)
    with namespace() as net, lab.boot(lab.zeitkern, net if tap else None, "", counter) as vm, \
            lab.client(net if tap else None) as load:
        load.all_ok(f"open {opened}")
        time.sleep(SETTLE_S)
        counter.profiling(True)
        load.all_ok(f"{command} {requests}")
        counter.profiling(False)
        vm.stop()
    print_profile(lab.zeitkern.image, path, requests)


def print_profile(elf, path, requests):
    """Sums the blocks of a profile by function."""
    listing = subprocess.run(["nm", "-n", elf], check=True, stdout=subprocess.PIPE)
    symbols = [(int(address, 16), name) for address, kind, name in
               (line.split() for line in listing.stdout.decode().splitlines()
                if len(line.split()) == 3) if kind in "tTwW"]
    with open(path, encoding="ascii") as file:
        blocks = sorted((int(address, 16), int(n)) for address, n in map(str.split, file))
    sums, at = {}, 0
    for address, n in blocks:
        while at + 1 < len(symbols) and symbols[at + 1][0] <= address:
            at += 1
        sums[symbols[at][1]] = sums.get(symbols[at][1], 0) + n
    print(f"{sum(sums.values()) / requests:10.1f}  instructions per request, timers included")
    ordered = sorted(sums.items(), key=lambda item: -item[1])
    for name, n in itertools.islice(ordered, 60):
        print(f"{n / requests:10.1f}  {name}")
