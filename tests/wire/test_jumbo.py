# SPDX-License-Identifier: MIT
"""Frames of 9000 bytes (mtu=), both ways, and what is too long for the card; and of 1280, the
least that IPv6 allows."""

import select
import socket
import threading

import pytest

from client import Client
from frames import ICMP, Forger
from net6 import Router, enable, socket6, wait_serving6
from netns import IFNAME

pytestmark = pytest.mark.large
MTU, FRAME = 9000, 9014
LEAST = 1280
PING = MTU - 20 - 8            # bytes in the largest
TOO_LONG = (MTU + 1, MTU + 4, 12000, 16370, 16371, 16384, 20000, 40000)
ETH_ALL = 3                    # what goes out, too
MSS_LEAST = 8900
BODY = 40960
HEAD_S = 5


def post(client, body):
    """app/echo's answer to a body."""
    client.send(f"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {len(body)}\r\n\r\n")
    client.send(body)
    return client.answer()


def bad(site):
    """How many frames the driver has refused."""
    return sum(value for name, value in site.metrics().items() if name.endswith("_rx_bad_total"))


class Lengths:
    """The longest frame to the machine and from it, as a raw socket sees them."""

    def __init__(self, site):
        self.to = self.of = 0
        self.sock = site.net.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        self.sock.bind((IFNAME, ETH_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.done = False
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self):
        """The thread: until nothing is left."""
        while True:
            if not select.select([self.sock], [], [], 0.1)[0]:
                if self.done:
                    return
                continue
            data, source = self.sock.recvfrom(65536)
            if source[2] == socket.PACKET_OUTGOING:
                self.to = max(self.to, len(data))
            else:
                self.of = max(self.of, len(data))

    def close(self):
        """Ends it."""
        self.done = True
        self.thread.join()
        self.sock.close()


@pytest.fixture
def jumbo(row, boot, echo_image):
    """A machine on a TAP whose MTU is 9000, app/echo on it."""
    if row.board not in ("pc", "virt"):
        pytest.skip("its driver carries 1500")
    site = boot("mtu=9000 metrics=yes", image=echo_image, wait=False, start=False)
    site.net.ip("link", "set", IFNAME, "mtu", str(MTU))
    site.boot()
    return site


def test_segments(jumbo):
    """Both ends agree on segments of almost 9000 bytes and send them; all of it arrives."""
    lengths = Lengths(jumbo)
    body = bytes(range(256)) * (BODY // 256)
    with jumbo.client(timeout=HEAD_S) as client:
        mss = client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
        assert MSS_LEAST <= mss <= MTU - 40, mss
        for _ in range(20):
            answer = post(client, body)
            assert answer.status == 200 and answer.body == body
    lengths.close()
    assert MSS_LEAST < lengths.of <= FRAME, lengths.of
    assert MSS_LEAST < lengths.to, lengths.to
    assert bad(jumbo) == 0


def test_slow_reader(jumbo):
    """Bodies that nobody reads on fill no more than their window; others are served meanwhile."""
    body = b"x" * BODY
    slow = [jumbo.client() for _ in range(8)]
    for client in slow:
        client.send(f"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {BODY}\r\n\r\n")
        client.send(body[:BODY // 2])
    for _ in range(5):
        with jumbo.client(timeout=HEAD_S) as client:
            answer = post(client, body)
            assert answer.status == 200 and answer.body == body
    for client in slow:
        client.send(body[BODY // 2:])
        assert client.answer().body == body
        client.close()


def test_usual_peer(jumbo):
    """A peer whose own link carries 1500 is sent no more."""
    jumbo.net.ip("link", "set", IFNAME, "mtu", "1500")
    lengths = Lengths(jumbo)
    with jumbo.client(timeout=HEAD_S) as client:
        body = b"y" * 20000
        answer = post(client, body)
        assert answer.status == 200 and answer.body == body
    lengths.close()
    assert lengths.of <= 1514, lengths.of


def test_too_long(jumbo):
    """Of packets that are longer than its MTU the machine takes none, nor any part of one for a
    packet; the longest that is right, among them, is answered as it was sent."""
    jumbo.net.ip("link", "set", IFNAME, "mtu", str(max(TOO_LONG)))
    with Forger(jumbo) as forger:
        for turn in range(60):
            right = bytes([turn]) * PING
            for length in TOO_LONG:
                forger.ask(bytes(length - MTU + PING), length, turn)
            forger.ask(right, 1, turn)
            got = forger.packet(ICMP)
            assert got and got[24:28] == bytes((0, 1, 0, turn)) and got[28:] == right, got
    assert post(jumbo.client(), b"x").body == b"x"


def test_least(boot, echo_image, row, full):
    """mtu=1280: no frame is longer, either way, by either family, and all of it arrives."""
    if not full and row.name not in ("microvm", "host"):
        pytest.skip("only in make test-full")
    site = boot(f"mtu={LEAST} metrics=yes", image=echo_image, wait=False, start=False, dhcp=False)
    router = Router(site.net, enable(site.net))
    site.boot()
    six = wait_serving6(site, "fd77::")
    body = bytes(range(256)) * (BODY // 256)
    for client, headers in ((site.client(), 40), (Client(socket6(site, six), 10), 60)):
        lengths = Lengths(site)
        with client:
            mss = client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
            assert LEAST - headers - 12 <= mss <= LEAST - headers, mss
            answer = post(client, body)
            assert answer.status == 200 and answer.body == body
        lengths.close()
        assert LEAST <= lengths.of <= LEAST + 14, lengths.of
        assert LEAST <= lengths.to <= LEAST + 14, lengths.to
    assert site.metrics()["net_pmtu_lowered_total"] == 0
    router.close()
