# SPDX-License-Identifier: MIT
"""What a request that waits costs: 5,000 at once, with a stack each (app/echo's task_sleep()) and
by callback (app/twisted's timer)."""

import contextlib
import dataclasses
import selectors
import socket
import time

from report import Figure
from tools import EXTRA, STATIC, Asker, VmError, images, namespace, say

REQUESTS, MEM = 5000, 256
WAIT_MS, HOLD_MS = 1000, 10000
HANG_S = 60
STYLES = (("with a stack each", "echo", "sleep"), ("by callback", "twisted", "wait"))
USED, BYTES = "zeitkern_pool_used", "zeitkern_pool_object_bytes"
STACKS, STACK = "zeitkern_task_stacks_used", "zeitkern_task_stack_bytes"


def connected(net, stack, address=(STATIC, 8080)):
    """REQUESTS sockets."""
    socks = []
    for n in range(REQUESTS):
        sock = stack.enter_context(net.socket(socket.AF_INET, socket.SOCK_STREAM))
        sock.bind((EXTRA[n % len(EXTRA)], 0))
        sock.connect(address)
        socks.append(sock)
    return socks


def ask(socks, path):
    """Sends each a request."""
    for sock in socks:
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


def answered(socks):
    """How many got a 200."""
    good, deadline = 0, time.monotonic() + HANG_S
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            selector.register(sock, selectors.EVENT_READ)
        while selector.get_map():
            if time.monotonic() > deadline:
                raise VmError(f"{len(selector.get_map())} requests are not answered")
            for key, _ in selector.select(1):
                good += key.fileobj.recv(4096).startswith(b"HTTP/1.1 200 ")
                selector.unregister(key.fileobj)
    return good


def taken(samples):
    """Bytes: the objects of pools, the heap and stacks."""
    pools = sum(count * samples[key.replace(USED, BYTES)] for key, count in samples.items()
                if key.startswith(USED))
    return (pools + samples["zeitkern_heap_used_bytes"] + samples[STACKS] * samples[STACK],
            samples[STACKS])


def style(lab, app, what):
    """(bytes, stacks) that each takes while all wait; seconds for WAIT_MS each."""
    system = dataclasses.replace(lab.zeitkern, image=images.image("pc", app=app), mem=MEM)
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(namespace())
        stack.enter_context(lab.boot(system, net, "metrics=yes"))
        asker = stack.enter_context(Asker(net))
        socks = connected(net, stack)
        asker.metrics()
        before = taken(asker.metrics())
        ask(socks, f"/{what}/{HOLD_MS}")
        time.sleep(HOLD_MS / 2000)
        during = taken(asker.metrics())
        good = answered(socks)
        began = time.monotonic()
        ask(socks, f"/{what}/{WAIT_MS}")
        good += answered(socks)
        took = time.monotonic() - began
    if good != 2 * REQUESTS:
        raise VmError(f"{2 * REQUESTS - good} of {2 * REQUESTS} requests failed")
    each, stacks = ((during[n] - before[n]) / REQUESTS for n in (0, 1))
    say(f"app/{app}: {each:,.0f} bytes, {stacks:.2f} stacks each; {took:.2f} s")
    return each, stacks, took


def waiting(lab, _quick):
    """The figures."""
    figures = []
    for name, app, what in STYLES:
        each, stacks, took = style(lab, app, what)
        figures += [Figure("waiting", f"bytes of a request that waits, {name}", "", each,
                           note=f"{stacks:.2f} stacks each, beside its connection"),
                    Figure("waiting", f"{REQUESTS} requests of {WAIT_MS} ms, {name}", "s", took)]
    return figures
