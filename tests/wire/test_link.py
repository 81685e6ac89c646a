# SPDX-License-Identifier: MIT
"""The wire itself: a link that is cut, and more frames than any machine can take."""

import random
import socket
import time

import pytest

from dhcpd import DISCOVER, Dhcpd
from frames import ETH_IP, ICMP, Forger, checksum, ip_packet

LEASE_S = 20
FLOOD_S = {False: 4, True: 30}
SENT_MIN = 1000                # a second: less is no flood
SEED = 11


@pytest.fixture
def wire(row, boot):
    """(site, Dhcpd): a machine with a link that can be cut, and who leases it an address."""
    if not row.link:
        pytest.skip("no link that can be cut, or the driver reads it only at boot")
    site = boot(wait=False, dhcp=False, by_hand=False, start=False)
    daemon = Dhcpd(site.net)
    site.start()
    site.serving()
    yield site, daemon
    daemon.close()


def cut(site):
    """Pulls the cable and waits until the machine says so."""
    since = site.vm.mark()
    site.vm.qmp.execute("set_link", name="n", up=False)
    site.vm.wait_for(r"net: link down", 5, since)


def join(site, daemon):
    """Puts it back and waits until the machine says so and has an address leased once more."""
    since, leases = site.vm.mark(), len(daemon.acked)
    site.vm.qmp.execute("set_link", name="n", up=True)
    site.vm.wait_for(r"net: link up", 5, since)
    deadline = time.monotonic() + LEASE_S
    while len(daemon.acked) == leases:
        assert time.monotonic() < deadline, site.vm.console.text()
        time.sleep(0.05)


def test_same_network(wire):
    """Down and up are seen, the address is confirmed (RFC 2131 section 3.2), and connections
    go on."""
    site, daemon = wire
    with site.client() as client:
        assert client.get().status == 200
        for _ in range(2):
            cut(site)
            join(site, daemon)
            assert site.get().status == 200
            assert client.get().status == 200
    assert daemon.count(DISCOVER) == 1


def test_other_network(wire):
    """Where the old address is refused, it asks for another and serves there."""
    site, daemon = wire
    cut(site)
    daemon.address, daemon.nak_next = "10.77.1.78", 1
    join(site, daemon)
    site.vm.wait_for(r"address 10\.77\.1\.78/16", LEASE_S)
    site.address = daemon.address
    assert site.get().status == 200


def test_routes_withdrawn(row, boot):
    """A route (RFC 3442) that an acknowledgement leaves out is no more, and option 3 counts."""
    if not row.link:
        pytest.skip("no link that can be cut, or the driver reads it only at boot")
    site = boot(wait=False, dhcp=False, by_hand=False, start=False)
    aton = socket.inet_aton
    daemon = Dhcpd(site.net, more=b"\x79\x08\x18" + aton("10.80.1.0")[:3] + aton("10.77.0.2"))
    for address in ("10.80.1.5/24", "10.82.0.1/24"):
        site.net.ip("addr", "add", address, "dev", site.interface())
    site.start()
    site.serving()
    assert site.get(source="10.80.1.5").status == 200
    with pytest.raises(OSError):
        site.socket(source="10.82.0.1", timeout=2)
    daemon.more = b""
    cut(site)
    join(site, daemon)
    assert site.get(source="10.82.0.1").status == 200
    daemon.close()


def test_sent_into_the_dark(wire):
    """Requests sent before and while the cable is out are answered once it is back."""
    site, daemon = wire
    request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    for turn in range(3):
        with site.client(timeout=30) as client:
            client.send(request * 10)
            cut(site)
            client.send(request * 10)
            join(site, daemon)
            for _ in range(20):
                assert client.answer().status == 200, turn


def garbage(forger, noise):
    """One frame that means nothing, of any length, to the machine or to all."""
    length = noise.choice((0, 1, 20, 46, 46, 46, 500, 1486, 1500))
    to = noise.choice((forger.guest_mac, forger.guest_mac, b"\xff" * 6))
    kind = noise.choice((ETH_IP, 0x0806, 0x86DD, 0x8100, 64, noise.randrange(65536)))
    return to, kind, noise.randbytes(length)


def echo_request(forger, noise):
    """A ping, as large as it may be now and then."""
    data = b"\0" * noise.choice((0, 56, 56, 56, 1472))
    head = bytes((8, 0, 0, 0, 0, 1, 0, 1))
    total = checksum(head + data)
    packet = head[:2] + total.to_bytes(2, "big") + head[4:] + data
    return forger.guest_mac, ETH_IP, ip_packet(forger.ip, forger.guest_ip, ICMP, packet)


@pytest.mark.busy
@pytest.mark.drains_late
@pytest.mark.parametrize("make", (garbage, echo_request))
def test_flood(site, full, make):
    """Frames as fast as they can be sent: afterwards the next request is answered."""
    noise = random.Random(SEED)
    seconds, sent = FLOOD_S[full], 0
    with Forger(site) as forger:
        frames = [make(forger, noise) for _ in range(500)]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for frame in frames:
                try:
                    forger.frame(*frame)
                    sent += 1
                except OSError:        # no room on the wire just now
                    continue
    assert sent > SENT_MIN * seconds, sent
    assert site.get().status == 200
    text = site.vm.console.text()
    assert text.count("Zeitkern on ") == 1 and "***" not in text, text
