# SPDX-License-Identifier: MIT
"""Many connections, one after the other and at random instants."""

import collections
import random
import select
import socket
import threading
import time

import pytest

from netns import EXTRA, HOST

SHORT = 20000
WORKERS = 16
LATE_S = 0.050
PROBES_PER_S = 20
REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n"


class Swarm:
    """Short connections from one thread: connect, ask, read the answer, close."""

    def __init__(self, site, total, at_once):
        self.site, self.total, self.at_once = site, total, at_once
        self.results = collections.Counter()
        self.slowest = 0.0
        self.started = 0
        self.open = {}
        self.poll = select.epoll()

    def begin(self):
        """One more connection."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        sock.bind((EXTRA[self.started % len(EXTRA)], 0))
        try:
            sock.connect((self.site.address, 8080))
        except BlockingIOError:
            pass
        self.open[sock.fileno()] = [sock, time.monotonic(), False]
        self.poll.register(sock.fileno(), select.EPOLLOUT)
        self.started += 1

    def finish(self, fd, how):
        """Counts and closes one."""
        sock, began, _ = self.open.pop(fd)
        self.poll.unregister(fd)
        sock.close()
        self.results[how] += 1
        self.slowest = max(self.slowest, time.monotonic() - began)

    def step(self, fd):
        """One connection is ready for its next step."""
        entry = self.open[fd]
        try:
            if not entry[2]:
                entry[0].send(REQUEST)
                entry[2] = True
                self.poll.modify(fd, select.EPOLLIN)
            else:
                data = entry[0].recv(4096)
                self.finish(fd, "200" if data.startswith(b"HTTP/1.1 200") else repr(data[:20]))
        except OSError as error:
            self.finish(fd, type(error).__name__)

    def run(self):
        """All of them; the results, {"200": n, ...}."""
        with self.site.net.inside():
            while self.started < self.total or self.open:
                while self.started < self.total and len(self.open) < self.at_once:
                    self.begin()
                ready = self.poll.poll(1)
                for fd, _ in ready:
                    self.step(fd)
                now = time.monotonic()
                if not ready:
                    for fd in [fd for fd, entry in self.open.items() if now - entry[1] > 30]:
                        self.finish(fd, "hung")
        self.poll.close()
        return self.results


@pytest.mark.busy
def test_short_connections(site):
    """20,000 of them: none refused, none lost, none slow."""
    swarm = Swarm(site, SHORT, min(WORKERS, site.budget.connections))
    results = swarm.run()
    assert results == {"200": SHORT}, results
    assert swarm.slowest < 3, swarm.slowest


@pytest.mark.busy
def test_crowd_of_idle(site):
    """Five hundred idle connections, or a full house, are all answered afterwards."""
    clients = [site.client() for _ in range(site.crowd(500))]
    for client in clients:
        client.send(REQUEST)
    for client in clients:
        assert client.answer().status == 200
    for client in reversed(clients):
        assert client.get().status == 200
    for client in clients:
        client.close()


class Control(threading.Thread):
    """The control: a trivial server on this host, asked at the same instants."""

    def __init__(self, net):
        super().__init__(daemon=True)
        self.listener = net.socket(socket.AF_INET, socket.SOCK_STREAM)
        self.listener.bind((HOST, 0))
        self.listener.listen(8)
        self.port = self.listener.getsockname()[1]

    def run(self):
        """One connection, for ever."""
        sock, _ = self.listener.accept()
        with sock:
            while sock.recv(4096):
                sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


def one_latency(sock):
    """Seconds from a request to the first byte of its answer."""
    began = time.monotonic()
    sock.sendall(REQUEST)
    assert sock.recv(4096)
    return time.monotonic() - began


@pytest.mark.busy
def test_random_instants(site, full):
    """Requests at random instants see no answer over 50 ms, unless a control server did too."""
    control = Control(site.net)
    control.start()
    chance = random.Random(7)
    late, controls = [], []
    until = time.monotonic() + (60 if full else 10)
    with site.socket() as guest, site.socket(address=HOST, port=control.port) as beside:
        for sock in (guest, beside):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() < until:
            time.sleep(chance.expovariate(PROBES_PER_S))
            before = one_latency(beside)
            took = one_latency(guest)
            after = one_latency(beside)
            controls.append(max(before, after))
            if took > LATE_S and max(before, after) < LATE_S / 2:
                late.append(took)
    control.listener.close()
    assert not late, f"{len(late)} late, worst {max(late):.3f} s; control's {max(controls):.3f} s"
