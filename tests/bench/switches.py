# SPDX-License-Identifier: MIT
"""What a switch between two coroutines costs: BOARD=host beside greenlet, Boost.Context and
swapcontext, in turn, one core."""

import re
import subprocess
import time

from greenlet import getcurrent, greenlet
from report import Figure
from tools import built, images, median, say

ROUNDS, QUICK_ROUNDS = 9, 3
GREENLET = "greenlet"
GREENLET_TARGET, BOOST_TARGET = 20, 1.5
COMPILE = ("g++", "-O2", "-Wall", "-Wextra", "-Werror", "context.cpp", "-lboost_context")
TURNS, BATCHES = 20000, 10


def greenlet_ns():
    """One way, the best of some batches."""
    def bounce():
        switch = getcurrent().parent.switch
        while True:
            switch()
    switch = greenlet(bounce).switch
    best = float("inf")
    for _ in range(BATCHES):
        began = time.perf_counter_ns()
        for _ in range(TURNS):
            switch()
        best = min(best, time.perf_counter_ns() - began)
    return best / (2 * TURNS)


def printed(*command):
    """{what: ns} of the lines "switch: WHAT: NS ns" that a program prints."""
    done = subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    return {what: float(ns) for what, ns in
            re.findall(r"switch: (.+): ([0-9.]+) ns", done.stdout.decode())}


def switches(_lab, quick):
    """The figures."""
    guest = images.image("host", guest="switch", sanitize="")
    context = built("context", *COMPILE)
    found = {}
    for _ in range(QUICK_ROUNDS if quick else ROUNDS):
        round_ = {**printed(guest), GREENLET: greenlet_ns(), **printed(context)}
        say("switch, ns: " + ", ".join(f"{what} {ns:.3g}" for what, ns in round_.items()))
        for what, ns in round_.items():
            found.setdefault(what, []).append(ns)
    best = {what: median(all_) for what, all_ in found.items()}
    ours = best.pop("coroutine")
    tasks = {what: best.pop(what) for what in ("task_yield", "event")}
    return [Figure("switch", "between two coroutines, one way", "ns", ours, best,
                   judged=best[GREENLET] / ours, of="x cheaper than greenlet",
                   target=GREENLET_TARGET, least=True),
            Figure("switch", "the same, beside Boost.Context", "ns", ours, {},
                   judged=ours / best["Boost.Context"], of="of Boost.Context",
                   target=BOOST_TARGET),
            Figure("switch", "between two tasks, by task_yield()", "ns", tasks["task_yield"]),
            Figure("switch", "between two tasks, by an event each", "ns", tasks["event"])]
