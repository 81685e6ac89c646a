# SPDX-License-Identifier: MIT
"""What a request that waits for a backend costs: 5,000 at once in 128 MiB, each with a connection
of its own to a service that answers after a second: with a stack each (app/aiohttp's GET /one), and
by callback (app/twisted's GET /line/x)."""

import contextlib
import dataclasses
import os
import re
import subprocess
import sys
import time

from report import Figure
from tools import HERE, Asker, VmError, images, namespace, say
from waiting import REQUESTS, ask, answered, connected, taken

HOST, PORT, MEM = "10.77.0.1", 9001, 128
HOLD_S, WAIT_S, TARGET_S = 15, 1, 2.5
# (how, app, its settings, what it is asked, backends.py's MORE)
STYLES = (("with a stack each", "aiohttp", f"backend.1=http://{HOST}:{PORT}/", "/one", "X: y"),
          ("by callback", "twisted", f"backend.addr={HOST} backend.port={PORT}", "/line/x", "line"))
PROGRAM = os.path.join(HERE, "..", "apps", "backends.py")


@contextlib.contextmanager
def backend(net, delay, more):
    """A service whose answers take so long, with a field more."""
    child = net.popen([sys.executable, PROGRAM, HOST, str(PORT), str(delay), more],
                      stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        yield
    finally:
        net.end(child)
        child.stdout.close()


def ask_all(net, socks, used, path, more):
    """All at once, of a backend that holds them and of one that takes WAIT_S: (what used() says of
    them while they wait more than before, seconds for the second time, how many got no 200)."""
    before = used()
    with backend(net, HOLD_S, more):
        ask(socks, path)
        time.sleep(HOLD_S / 2)
        during = used()
        good = answered(socks)
    with backend(net, WAIT_S, more):
        began = time.monotonic()
        ask(socks, path)
        good += answered(socks)
        took = time.monotonic() - began
    each = [(now - then) / REQUESTS for now, then in zip(during, before)]
    return each, took, 2 * REQUESTS - good


def resident(child):
    """[bytes of memory that a process has]."""
    with open(f"/proc/{child.pid}/status", encoding="ascii") as file:
        return [int(re.search(r"VmRSS:\s+(\d+) kB", file.read())[1]) << 10]


def original(net, name):
    """(its name, bytes of a request that waits, seconds for all) of a service in Python, on this
    computer."""
    with contextlib.ExitStack() as stack:
        child = net.popen(["/usr/bin/python3", f"{HERE}/originals.py", name, HOST, str(PORT + 1),
                           f"http://{HOST}:{PORT}/"], stdout=subprocess.PIPE)
        stack.callback(net.end, child)
        stack.enter_context(child.stdout)
        if child.stdout.readline() != b"serving\n":
            raise VmError(f"originals.py {name} does not serve")
        socks = connected(net, stack, (HOST, PORT + 1))
        # Not all of them notice that the first backend's connections have ended with it.
        (each,), took, bad = ask_all(net, socks, lambda: resident(child), "/one",
                                     "Connection: close")
    say(f"{name}: {each:,.0f} bytes each; {took:.2f} s; {bad} failed")
    return f"{name} ({bad} of {2 * REQUESTS} failed)" if bad else name, each, took


def style(lab, how, app, settings, path, more):
    """(bytes, stacks) that each takes while all wait; seconds for all."""
    system = dataclasses.replace(lab.zeitkern, image=images.image("pc", app=app), mem=MEM)
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(namespace())
        stack.enter_context(lab.boot(system, net, f"metrics=yes backend.timeout=60000 {settings}"))
        asker = stack.enter_context(Asker(net))
        socks = connected(net, stack)
        asker.metrics()
        (each, stacks), took, bad = ask_all(net, socks, lambda: taken(asker.metrics()), path, more)
    if bad:
        raise VmError(f"{bad} of {2 * REQUESTS} requests failed")
    say(f"app/{app}, {how}: {each:,.0f} bytes, {stacks:.2f} stacks each; {took:.2f} s")
    return each, stacks, took


def backends(lab, _quick):
    """The figures."""
    ours = [(style_of[0], *style(lab, *style_of)) for style_of in STYLES]
    with namespace() as net:
        beside = [original(net, name) for name in ("aiohttp", "tornado", "twisted", "gevent")]
    figures = []
    for how, each, stacks, took in ours:
        figures += [
            Figure("backend", f"bytes of a request that waits for a backend, {how}, {MEM} MiB", "",
                   each, {name: others for name, others, _ in beside},
                   note=f"{stacks:.2f} stacks each, beside its connection; in Python with it"),
            Figure("backend", f"{REQUESTS} requests, each of a backend that takes {WAIT_S} s, "
                   f"{how}", "s", took, {name: others for name, _, others in beside}, judged=took,
                   target=TARGET_S, note="in Python not under TCG")]
    return figures
