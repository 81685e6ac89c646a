# SPDX-License-Identifier: MIT
"""What a request that waits for a backend costs: 5,000 at once in 128 MiB, each with a connection
of its own to a service that answers after a second (app/aiohttp's GET /one)."""

import contextlib
import dataclasses
import os
import subprocess
import sys
import time

from report import Figure
from tools import HERE, Asker, VmError, images, namespace, say
from waiting import REQUESTS, ask, answered, connected, taken

HOST, PORT, MEM = "10.77.0.1", 9001, 128
HOLD_S, WAIT_S, TARGET_S = 15, 1, 2.5
PROGRAM = os.path.join(HERE, "..", "apps", "backends.py")


@contextlib.contextmanager
def backend(net, delay):
    """A service whose answers take so long."""
    child = net.popen([sys.executable, PROGRAM, HOST, str(PORT), str(delay), "X: y"],
                      stdout=subprocess.PIPE)
    try:
        child.stdout.readline()
        yield
    finally:
        net.end(child)
        child.stdout.close()


def backends(lab, _quick):
    """The figures."""
    system = dataclasses.replace(lab.zeitkern, image=images.image("pc", app="aiohttp"), mem=MEM)
    settings = f"metrics=yes backend.timeout=60000 backend.1=http://{HOST}:{PORT}/"
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(namespace())
        stack.enter_context(lab.boot(system, net, settings))
        asker = stack.enter_context(Asker(net))
        socks = connected(net, stack)
        asker.metrics()
        before = taken(asker.metrics())
        with backend(net, HOLD_S):
            ask(socks, "/one")
            time.sleep(HOLD_S / 2)
            during = taken(asker.metrics())
            good = answered(socks)
        with backend(net, WAIT_S):
            began = time.monotonic()
            ask(socks, "/one")
            good += answered(socks)
            took = time.monotonic() - began
    if good != 2 * REQUESTS:
        raise VmError(f"{2 * REQUESTS - good} of {2 * REQUESTS} requests failed")
    each, stacks = ((during[n] - before[n]) / REQUESTS for n in (0, 1))
    say(f"app/aiohttp: {each:,.0f} bytes, {stacks:.2f} stacks each; {took:.2f} s")
    return [Figure("backend", f"bytes of a request that waits for a backend, {MEM} MiB", "", each,
                   note=f"{stacks:.2f} stacks each, beside its connection"),
            Figure("backend", f"{REQUESTS} requests, each of a backend that takes {WAIT_S} s", "s",
                   took, judged=took, target=TARGET_S)]
