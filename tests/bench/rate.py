# SPDX-License-Identifier: MIT
"""Requests per second by wrk over a TAP in a private namespace, the systems in turn.

A TAP path and a loopback path cannot be compared, so none of these figures uses the loopback.
Each system is booted once and stays up, idle while another is measured, so that the tenth run
meets what the first nine left behind.
"""

import contextlib
import dataclasses
import os
import re
import shutil

from report import Figure
from tools import STATIC, VmError, median, namespace, say

UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}
WRK = ("-H", "Accept-Encoding: gzip")
CLOSE = ("-H", "Connection: close")
TICKS = os.sysconf("SC_CLK_TCK")


@dataclasses.dataclass
class Rate:
    """What wrk said."""
    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    cpu_s: float                 # wrk's own CPU time
    seconds: float
    vcpu_s: float = 0.0
    io_s: float = 0.0


def milliseconds(text):
    """wrk's way to write a time."""
    found = re.fullmatch(r"([0-9.]+)(us|ms|s|m)", text)
    return float(found[1]) * UNITS[found[2]]


def wrk(net, connections, seconds, new=False, address=STATIC, cpu=None):
    """One run."""
    args = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", *WRK,
            *(CLOSE if new else ()), f"http://{address}:8080/"]
    if cpu is not None:
        args = ["taskset", "-c", str(cpu)] + args
    before = os.times()
    text = net.run(*args, stdout=-1, timeout=seconds + 60).stdout.decode()
    after = os.times()
    cpu_s = (after.children_user + after.children_system - before.children_user
             - before.children_system)
    rate = re.search(r"Requests/sec:\s+([0-9.]+)", text)
    p50, p99 = (re.search(rf"^\s+{p}%\s+(\S+)", text, re.M) for p in (50, 99))
    if not rate or not p99:
        raise VmError(f"wrk: {text}")
    errors = sum(int(n) for n in re.findall(r"(?:connect|read|write|timeout) (\d+)", text))
    errors += sum(int(n) for n in re.findall(r"Non-2xx or 3xx responses: (\d+)", text))
    return Rate(float(rate[1]), milliseconds(p50[1]), milliseconds(p99[1]), errors, cpu_s, seconds)


def threads_cpu(vm):
    """CPU seconds of a machine so far: (vCPU thread, QEMU's other threads)."""
    vcpu = other = 0.0
    cpus = [str(cpu["thread-id"]) for cpu in vm.qmp.execute("query-cpus-fast")]
    for task in os.listdir(f"/proc/{vm.process.pid}/task"):
        with contextlib.suppress(OSError), \
                open(f"/proc/{vm.process.pid}/task/{task}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
            spent = (int(fields[11]) + int(fields[12])) / TICKS
            if task in cpus:
                vcpu += spent
            else:
                other += spent
    return vcpu, other


class Bench:
    """One system on its TAP, up all the time."""

    def __init__(self, lab, system, stack):
        self.name = system.name
        self.net = stack.enter_context(namespace())
        self.vm = stack.enter_context(lab.boot(system, self.net))
        self.rates = {}

    def run(self, kind, connections, seconds, new):
        """One wrk run, kept under its kind."""
        before = threads_cpu(self.vm)
        rate = wrk(self.net, connections, seconds, new)
        after = threads_cpu(self.vm)
        rate.vcpu_s, rate.io_s = after[0] - before[0], after[1] - before[1]
        self.rates.setdefault(kind, []).append(rate)
        say(f"{self.name}, {kind}: {rate.per_second:,.0f}/s, p99 {rate.p99_ms:.2f} ms"
            + (f", {rate.errors} errors" if rate.errors else ""))
        if not self.vm.running():
            self.vm.fail("it ended")
        return rate

    def median(self, kind):
        """Median rate of a kind."""
        return median([rate.per_second for rate in self.rates[kind]])

    def p99(self, kind):
        """Median of the 99th percentiles."""
        return median([rate.p99_ms for rate in self.rates[kind]])

    def errors(self, kind):
        """All errors of a kind."""
        return sum(rate.errors for rate in self.rates[kind])


KINDS = (("32 connections", 32, False, 4.5), ("1 connection", 1, False, 1.3),
         ("new connection each", 32, True, 4.0))


def compared(benches, kind, wanted):
    """The figure of one kind."""
    ours, others = benches[0], benches[1:]
    beside = {other.name: other.median(kind) for other in others}
    note = f"p99 {ours.p99(kind):.2f} ms"
    note += "".join(f", {other.name} {other.p99(kind):.2f} ms" for other in others)
    note += f", {ours.errors(kind)} errors"
    judged = ours.median(kind) / others[0].median(kind) if others else 0
    return Figure("rate", kind, "/s", ours.median(kind), beside, judged,
                  "times Linux" if others else "", wanted if others else 0, least=True, note=note)


def breakdown(rates):
    """Where a request's time goes with one connection, in words."""
    def per_request(value):
        return median([value(rate) / (rate.per_second * rate.seconds) * 1e6 for rate in rates])
    total = median([1e6 / rate.per_second for rate in rates])
    vcpu, io, client = (per_request(value) for value in (
        lambda rate: rate.vcpu_s, lambda rate: rate.io_s, lambda rate: rate.cpu_s))
    return (f"{total:.0f} us per request: vCPU thread {vcpu:.0f}, QEMU's other threads {io:.0f}, "
            f"wrk {client:.0f}, nobody {max(0, total - vcpu - io - client):.0f} (wake-ups)")


def ten_runs(bench, seconds):
    """A new connection for each request, ten times over in one boot."""
    runs = [bench.run("ten runs", 32, seconds, True).per_second for _ in range(10)]
    first, tenth = runs[0], runs[-1]
    return Figure("rate", f"new connections, tenth {seconds} s run over the first", "",
                  tenth / first,
                  {}, tenth / first, "", 0.9, least=True,
                  note="all: " + " ".join(f"{run:,.0f}" for run in runs)
                  + f"; {bench.errors('ten runs')} errors")


def rates(lab, quick):
    """All of them."""
    if not shutil.which("wrk"):
        say("no wrk here: no rates")
        return []
    seconds, turns = (2, 2) if quick else (6, 5)
    with contextlib.ExitStack() as stack:
        benches = [Bench(lab, system, stack) for system in lab.both()]
        for _ in range(turns):
            for kind, connections, new, _wanted in KINDS:
                for bench in benches:
                    bench.run(kind, connections, seconds, new)
        figures = [compared(benches, kind, wanted) for kind, _, _, wanted in KINDS]
        for bench in benches:
            figures[1].note += f"; {bench.name}: {breakdown(bench.rates['1 connection'])}"
        figures.append(ten_runs(benches[0], 2 if quick else 10))
    return figures
