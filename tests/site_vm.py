# SPDX-License-Identifier: MIT
"""A machine on its own network, as the wire tests see it: connect, ask, count, check."""

import json
import re
import socket
import time

from budget import budget_of
from client import Client
from netns import HOST, IFNAME, STATIC, Namespace
from ntpd import Ntpd
from vm import Vm

BOOT_S = 30              # a hang detector, not a performance target
DRAIN_S = 40             # how long resources may take to come back after a test: half-open
                         # peers are given up after 20 s
METRIC = re.compile(r'^([a-z_0-9]+)(?:\{([^}]*)\})? ([-+0-9.eE]+)$')

# What its console says of HTTPS, once it has said where it serves HTTP.
HTTPS = r"https: (port \d|not served)"

TRIES = 8                 # requests, of which the fastest tells the time
WARM_UPS = 6              # GET /metrics until what is made on first use is made

# The heap's figure is its high-water mark: it moves with the largest bodies at once and with
# fragmentation, so it is held against the start of the run: a leak of ten bytes a request shows.
HEAP = "zeitkern_heap_used_bytes"
HEAP_SLACK = 192 << 10
FLOOD_SLACK = 300         # of a pool: large.h's BUDGET_ARP_QUEUED, with a client's own
FLOOD_HEAP = 64 << 10
# Names are remembered on purpose, and bounded.
REMEMBERED = 'zeitkern_pool_used{pool="dns_names"}'
PCBS, TIME_WAIT = 'zeitkern_pool_used{pool="net_TCP_PCB"}', "net_tcp_time_wait"


def nothing_kept(before, after):
    """Of a flood of 10,000 packets between these Site.metrics() no room is taken for each."""
    for key, value in after.items():
        if key.startswith("zeitkern_pool_used{"):
            assert value - before.get(key, 0) < FLOOD_SLACK, (key, before.get(key, 0), value)
    assert after[HEAP] - before[HEAP] < FLOOD_HEAP, (before[HEAP], after[HEAP])


class Site:
    """One machine on one TAP. `dhcp`: dnsmasq leases it an address; else it is static, or, not
    `by_hand`, the test has a DHCP server of its own. A machine without a clock that runs is
    given a time server, self.ntpd, unless the settings name one, and then knows the time."""

    def __init__(self, row, image, settings="", dhcp=True, by_hand=True, **options):
        self.row = row
        self.ntpd = None
        self.tls = "-plain/" not in image and "https.port=0" not in settings
        self.budget = budget_of(row.board)
        self.net = Namespace(vnet_hdr=row.board != "host")
        self.dhcp = dhcp
        if not dhcp and by_hand and "ip=" not in settings:
            settings = f"ip={STATIC}/16 gw=10.77.0.1 dns=10.77.0.1 {settings}"
        self.address = STATIC if not dhcp and by_hand else None
        if not (row.clock and row.runs_on) and "ntp=" not in settings:
            self.ntpd = self.time_server()
            settings = f"ntp={HOST}:{self.ntpd.port} {settings}"
        self.options = row.options(image, cmdline=settings, tap_fd=self.net.tap_fd, **options)
        self.vm = None
        self.heap = 0             # its mark once warm
        self.before = None        # what it held before the test, if that is checked after it

    def time_server(self, port=0, address=HOST, **how):
        """An Ntpd in the namespace, at a port of its own unless one is given."""
        sock = self.net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.bind((address, port))
        return Ntpd(sock, **how)

    def expect_time(self, expected):
        """Not expected: serving() does not wait for the time of day."""
        if not expected and self.ntpd:
            self.options.cmdline = self.options.cmdline.replace(
                f"ntp={HOST}:{self.ntpd.port}", "")
            self.ntpd.close()
            self.ntpd = None

    def boot(self, wait=True, env=None):
        """Starts dnsmasq (with dhcp) and the machine; waits until it serves."""
        if self.dhcp:
            self.net.dnsmasq()
        self.start(env)
        if wait:
            self.serving()

    def start(self, env=None):
        """Starts the machine alone, with these variables added to its environment."""
        self.vm = Vm(self.options, env=env)

    def serving(self, timeout=BOOT_S):
        """Waits for the line that says where it serves."""
        found = self.vm.wait_for(r"serving https?://([0-9.]+):(\d+)/", timeout)
        self.address = found[1]
        if self.tls:
            self.vm.wait_for(HTTPS, timeout)
        if self.ntpd:
            self.vm.wait_for(r"ntp: .* the time is known", timeout)

    def close(self):
        """Ends the machine and the network."""
        if self.ntpd:
            self.ntpd.close()
        if self.vm:
            self.vm.kill()
        self.net.close()

    def socket(self, source=None, timeout=10, address=None, port=8080):
        """A connected TCP socket, from the given source address if any."""
        sock = self.net.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            sock.settimeout(timeout)
            if source:
                sock.bind((source, 0))
            sock.connect((address or self.address, port))
        except OSError:
            sock.close()
            raise
        return sock

    def crowd(self, wanted):
        """How many connections a test may hold: those wanted, or what the board has room for
        beside two others."""
        return min(wanted, self.budget.connections - 2)

    def client(self, source=None, timeout=10):
        """A connected Client."""
        return Client(self.socket(source, timeout), timeout)

    def get(self, path="/", source=None, **more):
        """One request on a connection of its own, from an address if given, which we close."""
        with self.client(source) as client:
            return client.get(path, **more)

    def clock(self):
        """GET /clock."""
        answer = self.get("/clock")
        assert answer.status == 200, answer
        assert answer.header("Content-Type") == "application/json"
        return json.loads(answer.body)

    def time_error(self, now=time.time):
        """By how much the time served is ahead of ours, in seconds, by the fastest of some
        requests: (error, how much of it may be our doubt); None while it is 503."""
        best = None
        with self.client() as client:
            for _ in range(TRIES):
                before = now()
                answer = client.get()
                after = now()
                if answer.status == 503:
                    continue
                assert answer.status == 200, answer
                doubt = (after - before) / 2
                error = json.loads(answer.body)["time"] - before - doubt
                best = min(best or (doubt, error), (doubt, error))
        return best and (best[1], best[0])

    def metrics(self):
        """All samples of GET /metrics: {name or name{labels}: value}."""
        answer = self.get("/metrics")
        assert answer.status == 200, answer
        samples = {}
        for line in answer.body.decode().splitlines():
            found = METRIC.match(line)
            if found:
                key = f"{found[1]}{{{found[2]}}}" if found[2] else found[1]
                samples[key] = float(found[3])
        return samples

    def resources(self):
        """What must be the same before and after a test."""
        if not self.heap:
            for _ in range(WARM_UPS):
                self.heap = self.metrics()[HEAP]
        samples = self.metrics()
        assert samples[HEAP] <= self.heap + HEAP_SLACK, (self.heap, samples[HEAP])
        kept = {key: value for key, value in samples.items()
                if key.startswith(("zeitkern_pool_used{", "zeitkern_task_stacks_used"))}
        kept.pop(REMEMBERED, None)
        # Connections in TIME_WAIT are meant to stay for a while.
        kept[PCBS] -= samples.get(TIME_WAIT, kept[PCBS])
        return kept

    def check(self, before):
        """Fails when the machine died, or holds more than `before` once it had time to drain."""
        deadline = time.monotonic() + DRAIN_S
        while True:
            assert self.vm.running(), f"it ended\n{self.vm.console.text()}"
            if self.get("/metrics").status == 500 and time.monotonic() < deadline:
                time.sleep(0.25)      # no room for its figures before the last session is over
                continue
            after = self.resources()
            more = {key: (before.get(key, 0), value) for key, value in after.items()
                    if value > before.get(key, 0)}
            if not more:
                return
            assert time.monotonic() < deadline, f"not given back (before, after): {more}"
            time.sleep(0.25)

    def interface(self):
        """The TAP's name, for raw sockets inside self.net.inside()."""
        return IFNAME
