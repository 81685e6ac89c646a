# SPDX-License-Identifier: MIT
"""SELECT 1: BOARD=host beside libpq and aiopg, one server, by SCRAM.

The server has one core, the clients the other. BOARD=host reaches it over its TAP; the others live
in a namespace of their own and reach it over a TAP as well, with cable.c on their core doing what
BOARD=host does for itself; and over a veth pair, where nobody reads or writes a TAP. The targets
are judged by both. On two cores, client and cable take turns, so that a pool's requests reach
the server many at once: that is faster than veth, whoever asks, and BOARD=host has none of it.
"""

import contextlib
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys

from native import CLIENT_CPU, SERVER_CPU
from report import Figure
from tools import (COMPILE, FOLDER, HERE, IFNAME, STATIC, TAP_ADDRESS, Asker, Lab, Namespace,
                   System, built, images, median, namespace, say)

sys.path.insert(0, os.path.dirname(HERE))
from netns import HOST, open_tap  # noqa: E402
from postgres_server import PASSWORD, Postgres  # noqa: E402

FAR, NEAR, VETH = "10.79.0.2", "10.79.0.1", "10.78.0.1"
WAYS = {"TAP": NEAR, "veth": VETH}
SECOND = "zk1"
POOL, BATCH = 16, 16
SETTINGS = (f'postgres.host={HOST} postgres.user=zeitkern postgres.database=shop '
            f'postgres.password="{PASSWORD}" postgres.max={POOL} postgres.min={POOL}')
LIBPQ = ("gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-I/usr/include/postgresql", "libpq.c",
         "-lpq")
# (name, how libpq is told, connections, queries on each)
KINDS = (("1 connection", "single", 1, 8000), (f"pool of {POOL}", "single", POOL, 2000),
         (f"pipelined, {BATCH} per sync", "pipelined", 1, 64000))
TARGETS = {"1 connection": 0.9, f"pool of {POOL}": 0.95, f"pipelined, {BATCH} per sync": 0.9}
POOL_AIOPG, INSTRUCTIONS = 1.4, 0.1
COUNTED = (200, 1000)                  # queries of a short and a long run under callgrind


def on(cpu):
    """The words that pin a command."""
    return ["taskset", "-c", str(cpu)]


class Far:
    """A namespace for the clients that are Linux programs, with both ways to the server's."""

    def __init__(self, net, stack):
        self.net = stack.enter_context(contextlib.closing(Namespace()))
        with net.inside():
            second = open_tap(SECOND, True)
        stack.callback(os.close, second)
        net.ip("addr", "add", f"{NEAR}/24", "dev", SECOND)
        net.ip("link", "set", SECOND, "up")
        self.net.ip("addr", "flush", "dev", IFNAME)
        self.net.ip("addr", "add", f"{FAR}/24", "dev", IFNAME)
        cable = built("cable", *COMPILE, "cable.c")
        self.net.popen([*on(CLIENT_CPU), cable, str(self.net.tap_fd), str(second)],
                       pass_fds=(self.net.tap_fd, second))
        there = f"/proc/{os.getpid()}/fd/{self.net.fd}"
        net.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", there)
        net.ip("addr", "add", f"{VETH}/24", "dev", "v0")
        net.ip("link", "set", "v0", "up")
        self.net.ip("addr", "add", "10.78.0.2/24", "dev", "v1")
        self.net.ip("link", "set", "v1", "up")

    def run(self, *args):
        """What a client prints, a number."""
        return float(self.net.run(*on(CLIENT_CPU), *args, stdout=subprocess.PIPE).stdout)


def conninfo(address):
    """Of the server by this way."""
    return f"host={address} dbname=shop user=zeitkern password='{PASSWORD}' sslmode=disable"


def ours(net, how, connections, queries):
    """Seconds that BOARD=host took."""
    with Asker(net, STATIC) as asker:
        return json.loads(asker.get(f"/bench/{how}/{connections}/{queries}"))["seconds"]


def turn(net, far, client, found, shrink):
    """Each system once in each kind; adds to found[kind][system]: queries per second."""
    for name, how, connections, queries in KINDS:
        queries //= shrink
        systems = {"BOARD=host": lambda h=how, c=connections, q=queries: ours(net, h, c, q)}
        for way, address in WAYS.items():
            info = conninfo(address)
            systems[f"libpq ({way})"] = lambda i=info, h=how, c=connections, q=queries: far.run(
                client, i, h, str(c), str(q))
            if how == "single":
                systems[f"aiopg ({way})"] = lambda i=info, c=connections, q=queries: far.run(
                    "/usr/bin/python3", f"{HERE}/aiopg_client.py", i, str(c), str(q))
        for system, run in systems.items():
            rate = connections * queries / run()
            found.setdefault(name, {}).setdefault(system, []).append(rate)
            say(f"{system}, {name}: {rate:,.0f}/s")


def beside(name, mine, shown, rival, rate, target):
    """One line: what is ours beside a rival's rate, and the target."""
    return Figure("postgres", name, "/s", mine, shown, judged=mine / rate, of=f"x {rival}",
                  target=target, least=True, who="BOARD=host")


def figures(found):
    """The table's lines: each target is judged over either way."""
    lines = []
    for name, _, _, _ in KINDS:
        rates = {system: median(all_) for system, all_ in found[name].items()}
        mine = rates.pop("BOARD=host")
        for way in WAYS:
            libpq, aiopg = f"libpq ({way})", f"aiopg ({way})"
            shown = {system: rates[system] for system in (libpq, aiopg) if system in rates}
            lines.append(beside(f"SELECT 1, {name}, {way}", mine, shown, libpq, rates[libpq],
                                TARGETS[name]))
            if name.startswith("pool"):
                lines.append(beside(f"the same, {name}, {way}, beside aiopg", mine, {}, aiopg,
                                    rates[aiopg], POOL_AIOPG))
    return lines


CALLGRIND = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"]
COLLECTED = r"Collected : (\d+)"


def ours_counted(net, system, queries):
    """Instructions of BOARD=host from its start to its end, with so many queries."""
    with Lab.boot(system, net) as vm:
        ours(net, "single", 1, queries)
        vm.process.terminate()
        return int(vm.wait_for(COLLECTED, 60)[1])


def theirs_counted(net, queries, *words):
    """Instructions of a program from its start to its end."""
    with net.inside():
        done = subprocess.run([*CALLGRIND, *words, str(queries)], check=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    return int(re.search(COLLECTED, done.stderr.decode())[1])


def instructions(net, system, client):
    """The line of instructions per query: what a short and a long run differ by."""
    script = os.path.join(FOLDER, "callgrind")
    with open(script, "w", encoding="ascii") as file:
        file.write(f"#!/bin/sh\nexec {' '.join(CALLGRIND)} {system.image} \"$@\"\n")
    os.chmod(script, 0o755)
    slow = dataclasses.replace(system, image=script,
                               tap=system.tap.replace(f"min={POOL}", "min=1"))
    python = ("/usr/bin/python3", f"{HERE}/aiopg_client.py", conninfo(HOST), "1")
    libpq = (client, conninfo(HOST), "single", "1")
    per_query = []
    for count in (lambda n: ours_counted(net, slow, n),
                  lambda n: theirs_counted(net, n, *libpq),
                  lambda n: theirs_counted(net, n, *python)):
        few, many = (count(n) for n in COUNTED)
        per_query.append((many - few) / (COUNTED[1] - COUNTED[0]))
    mine, libpq, aiopg = per_query
    return Figure("postgres", "SELECT 1, the client's instructions", "", mine,
                  {"libpq": libpq, "aiopg": aiopg}, judged=mine / aiopg, of="of aiopg",
                  target=INSTRUCTIONS, who="BOARD=host",
                  note="in user mode, by callgrind; BOARD=host with its TCP/IP, which is the "
                  "kernel's for the others")


def select_one(lab, quick):
    """All of it."""
    missing = [tool for tool in ("valgrind", "taskset") if not shutil.which(tool)]
    if missing or os.cpu_count() < 2:
        say(f"postgres: no {missing or 'second core'}")
        return []
    image = images.image("host", app="queries", sanitize="")
    system = System("BOARD=host", image, "", f"{TAP_ADDRESS} {SETTINGS}", "serving http",
                    board="host", machine="host")
    client = built("libpq", *LIBPQ)
    found = {}
    with contextlib.ExitStack() as stack:
        net = stack.enter_context(namespace(vnet_hdr=False))
        server = stack.enter_context(contextlib.closing(Postgres(net)))
        os.sched_setaffinity(server.child.pid, {SERVER_CPU})
        far = Far(net, stack)
        with lab.boot(system, net) as vm:
            os.sched_setaffinity(vm.process.pid, {CLIENT_CPU})
            for _ in range(2 if quick else 7):
                turn(net, far, client, found, 4 if quick else 1)
        return figures(found) + [instructions(net, system, client)]
