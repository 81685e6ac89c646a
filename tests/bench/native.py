# SPDX-License-Identifier: MIT
"""BOARD=host and ACCEL=kvm beside nginx and the C epoll server, each on one core.

Each server has one core for all its threads, the client the other. The Linux servers live in a
namespace of their own and are reached in two ways: over TAPs, with cable.c on the server's core
doing what QEMU and BOARD=host do for themselves, and over a veth pair, the shortest path that
Linux has, where nobody reads or writes a TAP.
"""

import contextlib
import os
import shutil
import subprocess
import time

import rate
from report import Figure
from tools import (COMPILE, FOLDER, IFNAME, STATIC, TAP_ADDRESS, Asker, Namespace, System,
                   VmError, built, images, median, namespace, say)

SERVER_CPU, CLIENT_CPU = 0, 1
VETH = "10.78.0.2"
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
KINDS = (("32 connections", 32, False), ("1 connection", 1, False),
         ("new connection each", 32, True))
NGINX = """daemon off; master_process off; worker_processes 1; pid {folder}/pid;
error_log stderr crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 1000000000; default_type application/json;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
  server {{ listen 8080 reuseport; location / {{ return 200 '{{"time": $msec}}'; }} }}
}}
"""


class Served:
    """A server and the client's way to it."""

    def __init__(self, name, net, address=STATIC):
        self.name, self.net, self.address = name, net, address
        self.rates = {}

    def run(self, kind, connections, seconds, new):
        """One run of wrk on the client's core."""
        found = rate.wrk(self.net, connections, seconds, new, self.address, CLIENT_CPU)
        self.rates.setdefault(kind, []).append(found.per_second)
        say(f"{self.name}, {kind}: {found.per_second:,.0f}/s"
            + (f", {found.errors} errors" if found.errors else ""))

    def median(self, kind):
        """Median rate of a kind."""
        return median(self.rates[kind])


def pin(pid):
    """All threads of a process onto the server's core."""
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError):
            os.sched_setaffinity(int(task), {SERVER_CPU})


def machine(lab, system, stack):
    """A Zeitkern on a TAP."""
    net = stack.enter_context(namespace(vnet_hdr=system.board != "host"))
    vm = stack.enter_context(lab.boot(system, net))
    pin(vm.process.pid)
    return Served(system.name, net)


def pinned(net, *args, **more):
    """A child in a namespace on the server's core."""
    return net.popen(["taskset", "-c", str(SERVER_CPU), *args], **more)


def over_taps(name, server, stack, cable):
    """A Linux server behind two TAPs and a cable."""
    net = stack.enter_context(namespace())
    far = stack.enter_context(contextlib.closing(Namespace()))
    far.ip("addr", "flush", "dev", IFNAME)
    far.ip("addr", "add", f"{STATIC}/16", "dev", IFNAME)
    pinned(net, cable, str(net.tap_fd), str(far.tap_fd), pass_fds=(net.tap_fd, far.tap_fd))
    pinned(far, *server, **QUIET)
    return Served(f"{name} (TAP)", net)


def over_veth(name, server, stack):
    """A Linux server behind a veth pair."""
    net = stack.enter_context(namespace())
    far = stack.enter_context(contextlib.closing(Namespace()))
    there = f"/proc/{os.getpid()}/fd/{far.fd}"
    net.ip("link", "add", "v0", "type", "veth", "peer", "name", "v1", "netns", there)
    net.ip("addr", "add", "10.78.0.1/16", "dev", "v0")
    net.ip("link", "set", "v0", "up")
    far.ip("addr", "add", f"{VETH}/16", "dev", "v1")
    far.ip("link", "set", "v1", "up")
    pinned(far, *server, **QUIET)
    return Served(f"{name} (veth)", net, VETH)


def linux_servers(lab):
    """{name: command line}."""
    servers = {"C epoll": (lab.epoll, "8080")}
    if shutil.which("/usr/sbin/nginx"):
        folder = os.path.join(FOLDER, "nginx")
        os.makedirs(folder, exist_ok=True)
        with open(f"{folder}/nginx.conf", "w", encoding="ascii") as file:
            file.write(NGINX.format(folder=folder))
        servers["nginx"] = ("/usr/sbin/nginx", "-p", folder, "-e", "stderr", "-c",
                            f"{folder}/nginx.conf")
    return servers


def ours(lab):
    """The systems of ours that this computer can run."""
    image = images.image("host", app="time", sanitize="")
    systems = [System("BOARD=host", image, "", TAP_ADDRESS, "serving http", board="host",
                      machine="host")]
    if os.access("/dev/kvm", os.R_OK | os.W_OK) and os.uname().machine == "x86_64":
        systems.append(System("ACCEL=kvm", lab.zeitkern.image, "", TAP_ADDRESS, "serving http",
                              accel="kvm"))
    return systems


def warm(served):
    """The first answer, or an error."""
    for _ in range(100):
        with contextlib.suppress(OSError), Asker(served.net, served.address) as asker:
            if asker.get("/").startswith("{"):
                return
        time.sleep(0.05)
    raise VmError(f"{served.name} does not answer")


def native(lab, quick):
    """All of them."""
    if not shutil.which("wrk") or os.cpu_count() < 2:
        say("no wrk or no second core: nothing native")
        return []
    seconds, turns = (2, 1) if quick else (5, 3)
    cable = built("cable", *COMPILE, "cable.c")
    with contextlib.ExitStack() as stack:
        mine = []
        for system in ours(lab):
            try:
                mine.append(machine(lab, system, stack))
            except VmError as error:
                say(f"{system.name} does not run here: {str(error).splitlines()[0]}")
        others = []
        for name, server in linux_servers(lab).items():
            others.append(over_taps(name, server, stack, cable))
            others.append(over_veth(name, server, stack))
        for served in mine + others:
            warm(served)
        for _ in range(turns):
            for kind, connections, new in KINDS:
                for served in mine + others:
                    served.run(kind, connections, seconds, new)
        return [figure(kind, mine, others) for kind, _, _ in KINDS]


def figure(kind, mine, others):
    """One line of the table: the first of ours beside everything else."""
    beside = {served.name: served.median(kind) for served in mine[1:] + others}
    ratios = "; ".join(f"{served.name} is " + ", ".join(
        f"{served.median(kind) / other.median(kind):.2f} x {other.name}" for other in others)
        for served in mine)
    return Figure("native", kind, "/s", mine[0].median(kind), beside, note=ratios,
                  who=mine[0].name)
