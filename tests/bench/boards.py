# SPDX-License-Identifier: MIT
"""A microcontroller's figures: the time service on lm3s6965evb beside lwIP's own httpd.

httpd/ is the second: lwIP of the same tarball, the same compiler and optimisation, the same NIC,
serving one file with the same head and a body as long. Both are asked the same, in turn, over
user-mode networking; "Connection: keep-alive" is said because httpd wants it said.
"""

import os
import subprocess
import time

from report import Figure, as_table
from tools import (COMPILE, FOLDER, FORWARD, HERE, Counter, Lab, Load, System, built, images, say,
                   zeitkern)

BOARD, OTHER = "lm3s6965evb", "mps2-an385"
CPU = ("-mcpu=cortex-m3", "-mthumb", "-mfloat-abi=soft")
CORE = ("def inet_chksum init ip mem memp netif pbuf raw stats sys tcp tcp_in tcp_out timeouts udp "
        "ipv4/etharp ipv4/icmp ipv4/ip4 ipv4/ip4_addr ipv4/ip4_frag").split()
MORE = ("netif/ethernet.c", "apps/http/httpd.c", "apps/http/fs.c")
REST = "the C library and the rest"
ENTROPY = ("add_jitter", "add_tested", "health", "random", "mix", "chacha", "gate_ticks")
KINDS = (("keep-alive", "turn 1", 1), ("new connection", "short 1", 4))
# Functions by the beginnings of their names; the first that fits counts.
GROUPS = (("frames in and out of the NIC", ("stellaris", "receive", "send", "eth")),
          ("TCP/IP", ("tcp_", "ip4_", "ip_", "pbuf_", "etharp", "ethernet", "mem", "netif", "port_",
                      "inet_", "lwip_standard", "bucket", "pcb_", "pool_", "input", "output",
                      "sys_", "stream", "linger", "udp_", "dns_", "dhcp")),
          ("HTTP and JSON", ("http", "json", "response", "request", "conn_", "read_", "write_",
                             "lwip_strn", "str", "fs_", "get_time", "route", "put_", "ready")),
          ("clock and arithmetic", ("clock", "wall", "wide", "__aeabi", "__udiv", "rtc",
                                    "gate_ticks", "systick", "tick")),
          ("scheduler and gate", ("task", "event", "arch_", "svc", "net_", "pick", "reschedule",
                                  "gate", "warden", "irq", "start")))


def httpd_image():
    """lwIP's httpd for the board."""
    lwip = os.path.join(images.ROOT, "build/src/lwip/src")
    picolibc = os.path.join(images.ROOT, "build/libs/armv7m/picolibc")
    gcc = "arm-none-eabi-gcc"
    where = [subprocess.run([gcc, f"-print-file-name={name}"], check=True, stdout=subprocess.PIPE)
             .stdout.decode().strip() for name in ("include", "include-fixed")]
    files = [f"{lwip}/core/{name}.c" for name in CORE] + [f"{lwip}/{name}" for name in MORE]
    return built("httpd.elf", gcc, "-std=gnu11", "-Os", "-flto", "-g", *CPU, "-ffunction-sections",
                 "-fdata-sections", "-fno-strict-aliasing", "-ffreestanding", "-fbuiltin", "-w",
                 "-nostdinc", "-isystem", f"{picolibc}/include", "-isystem", where[0],
                 "-isystem", where[1], f"-I{images.ROOT}", f"-I{HERE}/httpd",
                 "-isystem", f"{lwip}/include", "-nostdlib", "-static", "-Wl,--gc-sections",
                 "-T", "httpd/httpd.ld", "httpd/main.c", *files, f"{picolibc}/lib/libc.a", "-lgcc")


def systems():
    """(ours, httpd)."""
    ours = zeitkern(BOARD)
    return ours, System("lwIP's httpd", httpd_image(), "", "", "", board=BOARD,
                        machine=ours.machine)


class Bench:
    """One booted system under the plugin, and its client."""

    def __init__(self, lab, system, profile="", profiling=False):
        self.counter = Counter(lab.plugin, profile)
        self.counter.profiling(profiling)
        self.system, self.lab = system, lab
        self.program = built("load-keep", *COMPILE, '-DKEEP="Connection: keep-alive\\r\\n"',
                             "load.c")

    def __enter__(self):
        self.booted = self.lab.boot(self.system, counter=self.counter, wait=bool(self.system.user))
        self.vm = self.booted.__enter__()
        self.load = Load(self.program, "127.0.0.1", FORWARD)
        self.load.all_ok("open 1")
        self.first = self.counter.now()
        return self

    def __exit__(self, *how):
        self.load.__exit__()
        self.booted.__exit__(*how)

    def cost(self, command, requests):
        """(instructions, requests per second) of a command of load.c, the idle rate subtracted."""
        self.load.all_ok(f"{command} {max(1, requests // 20)}")
        idle = self.counter.idle_rate(1.0)
        before, began = self.counter.now(), time.monotonic()
        self.load.all_ok(f"{command} {requests}")
        took = time.monotonic() - began
        return (self.counter.now() - before - idle * took) / requests, requests / took


def boards(lab, quick):
    """Instructions and rates, both systems in turn, and where ours go."""
    requests = 1000 if quick else 5000
    found = {}
    for system in systems():
        say(f"{system.name} on {BOARD}")
        with Bench(lab, system) as bench:
            found[system.name] = [bench.cost(command, requests // part)
                                  for _, command, part in KINDS] + [bench.first]
    (ours, theirs), figures = found.values(), []
    for number, (kind, _, _) in enumerate(KINDS):
        mine, other = ours[number], theirs[number]
        figures.append(Figure("boards", f"instructions, {kind}", "", mine[0],
                              {"lwIP's httpd": other[0]}, mine[0] / other[0], "of lwIP's httpd",
                              1.5))
        figures.append(Figure("boards", f"requests per second, {kind}, TCG", "", mine[1],
                              {"lwIP's httpd": other[1]}, mine[1] / other[1], "of lwIP's httpd"))
    figures.append(Figure("boards", "instructions from reset to the first 200, static address",
                          "million", ours[-1] / 1e6, {"lwIP's httpd": theirs[-1] / 1e6},
                          ours[-1] / 1e6, "million", 1.0))
    figures += boot_shares(lab, systems()[0])
    say(f"start of {OTHER}")
    with Bench(lab, zeitkern(OTHER)) as bench:
        first = bench.first / 1e6
    figures.append(Figure("boards", f"instructions from reset to the first 200, {OTHER}", "million",
                          first, {}, first, "million", 1.0))
    return figures + boot_shares(lab, zeitkern(OTHER)) + breakdown(lab, requests)


def boot_shares(lab, system):
    """What of the instructions up to the first answer entropy takes. Nothing waits for the link:
    it is looked at once a second."""
    path = os.path.join(FOLDER, "profile-boot")
    with Bench(lab, system, path, profiling=True) as bench:
        finish(bench)
    entropy = sum(n for name, n in functions(system.image, path) if name.startswith(ENTROPY))
    return [Figure("boards", "of these, entropy start-up (1,024 samples, health tests)", "million",
                   entropy / 1e6, note="none for the link, which is not waited for")]


def finish(bench):
    """Ends QEMU in order, which is when the plugin writes its profile."""
    bench.vm.qmp.execute("quit")
    bench.vm.process.wait(10)


def breakdown(lab, requests):
    """Instructions per keep-alive request by what they are for, both systems."""
    parts = {}
    for system in systems():
        path = os.path.join(FOLDER, "profile-board")
        with Bench(lab, system, path) as bench:
            bench.counter.profiling(True)
            bench.load.all_ok(f"turn 1 {requests}")
            bench.counter.profiling(False)
            finish(bench)
        parts[system.name] = by_group(system.image, path, requests)
    ours, theirs = parts.values()
    return [Figure("boards", f"of these, {name}", "", ours[name], {"lwIP's httpd": theirs[name]})
            for name in ours]


def functions(image, path):
    """(function, instructions) of each block of a profile."""
    elf = os.path.splitext(image)[0] + ".elf"
    listing = subprocess.run(["arm-none-eabi-nm", "-n", elf], check=True, stdout=subprocess.PIPE)
    symbols = sorted((int(words[0], 16) & ~1, words[2]) for words in
                     map(str.split, listing.stdout.decode().splitlines())
                     if len(words) == 3 and words[1] in "tTwW")
    with open(path, encoding="ascii") as file:
        blocks = sorted((int(address, 16), int(n)) for address, n in map(str.split, file))
    at = 0
    for address, n in blocks:
        while at + 1 < len(symbols) and symbols[at + 1][0] <= address:
            at += 1
        yield symbols[at][1], n


def by_group(image, path, requests):
    """Sums a profile by GROUPS: {name: instructions per request}."""
    sums = dict.fromkeys([name for name, _ in GROUPS] + [REST], 0)
    for function, n in functions(image, path):
        group = next((group for group, words in GROUPS if function.startswith(words)), REST)
        sums[group] += n / requests
    return sums


if __name__ == "__main__":
    print(as_table(boards(Lab(BOARD), True)))
