# SPDX-License-Identifier: MIT
"""ARP, ICMP and IPv4 (RFC 826, 792, 791, 1122), and frames that are not right."""

import random
import struct
import time

import pytest

from frames import ETH_ARP, ETH_IP, ICMP, TCP, UDP, Forger, checksum, ip_packet
from site_vm import nothing_kept


@pytest.fixture
def forger(site):
    """A forged host on the main machine's wire."""
    with Forger(site) as made:
        yield made


def test_ping(forger):
    """Echo of every size that one frame carries."""
    for size in (0, 1, 56, 57, 1000, 1471, 1472):
        payload = random.Random(size).randbytes(size)
        assert forger.ping(payload, seq=size) == payload, size


def test_ping_by_the_kernel(site):
    """The same from the usual tool's side: fifty in a row, none lost."""
    with Forger(site) as forger:
        for seq in range(50):
            assert forger.ping(b"x" * 56, seq=seq) is not None, seq


def test_ping_wrong_checksum(forger):
    """An echo request whose checksum is wrong is not answered."""
    forger.ip_send(ICMP, struct.pack(">BBHHH", 8, 0, 0x1234, 1, 1) + b"x" * 20)
    assert forger.packet(ICMP, 0.5) is None


def test_ping_to_everyone(forger):
    """An echo request to a broadcast address makes no storm."""
    head = struct.pack(">BBHHH", 8, 0, 0, 1, 1)
    packet = struct.pack(">BBHHH", 8, 0, checksum(head + b"abcd"), 1, 1) + b"abcd"
    for target in ("255.255.255.255", "10.77.255.255", "224.0.0.1"):
        for _ in range(20):
            forger.frame(b"\xff" * 6, ETH_IP, ip_packet(forger.ip, target, ICMP, packet))
    answers = 0
    while forger.packet(ICMP, 0.3):
        answers += 1
    assert answers == 0


def test_arp(site, forger):
    """The address is answered for; no other is."""
    mac = forger.guest_mac
    forger.find_guest()
    assert forger.guest_mac == mac
    if site.row.board != "host":
        assert mac == bytes.fromhex(site.options.mac.replace(":", ""))
    forger.arp(1, b"\0" * 6, "10.77.99.99")
    assert forger.receive(lambda f: f[12:14] == b"\x08\x06" and f[20:22] == b"\0\2", 0.3) is None


def test_arp_nonsense(forger):
    """ARP packets that are cut, of another kind, or claim the machine's own address."""
    whole = struct.pack(">HHBBH6s4s6s4s", 1, ETH_IP, 6, 4, 1, forger.mac, b"\x0a\x4d\3\3",
                        b"\0" * 6, b"\x0a\x4d\1\1")
    for cut in range(0, len(whole), 3):
        forger.frame(b"\xff" * 6, ETH_ARP, whole[:cut])
    for changed in (b"\0\2" + whole[2:], whole[:2] + b"\x86\xdd" + whole[4:],
                    whole[:4] + b"\x08" + whole[5:], whole[:6] + b"\0\x63" + whole[8:]):
        forger.frame(b"\xff" * 6, ETH_ARP, changed)
    for _ in range(10):
        forger.arp(2, b"\xff" * 6, forger.guest_ip, sender_ip=forger.guest_ip)
    assert forger.ping() == b"ping"


def test_arp_table_flood(site, forger):
    """Ten thousand neighbours: nothing is kept of most, and no real client is pushed out for
    long."""
    before = site.metrics()
    for n in range(10000):
        address = f"10.77.{150 + n // 250}.{1 + n % 250}"
        if n < 1000:
            forger.arp(2, forger.guest_mac, forger.guest_ip, sender_ip=address,
                       to=forger.guest_mac)
        forger.arp(1, b"\0" * 6, forger.guest_ip, sender_ip=address)
        if n % 100 == 99:
            assert any(forger.ping(seq=n + k) for k in range(5)), n
    began = time.monotonic()
    assert site.get().status == 200
    assert time.monotonic() - began < 1.5
    nothing_kept(before, site.metrics())


def test_fragments(forger):
    """A request in pieces, in any order and twice, is put together; larger than one frame too."""
    payload = random.Random(5).randbytes(2000)
    head = struct.pack(">BBHHH", 8, 0, 0, 9, 9)
    whole = struct.pack(">BBHHH", 8, 0, checksum(head + payload), 9, 9) + payload
    pieces = [(0, whole[:800]), (800, whole[800:1600]), (1600, whole[1600:])]
    for ident, order in enumerate(((0, 1, 2), (2, 1, 0), (1, 0, 2), (0, 0, 1, 1, 2))):
        for n in order:
            offset, piece = pieces[n]
            forger.ip_send(ICMP, piece, ident=100 + ident, offset=offset, more=n < 2)
        got = bytearray(len(whole))
        need = len(whole)
        deadline = time.monotonic() + 2
        while need > 0:
            packet = forger.packet(ICMP, max(0, deadline - time.monotonic()))
            assert packet, f"order {order}: {need} bytes of the echo are missing"
            ihl, total, field = (packet[0] & 15) * 4, *struct.unpack_from(">H2xH", packet, 2)
            data, at = packet[ihl:total], (field & 0x1FFF) * 8
            got[at:at + len(data)] = data
            need -= len(data)
        assert bytes(got[8:]) == payload and got[0] == 0


@pytest.mark.busy
@pytest.mark.drains_late
def test_fragment_flood(site, forger):
    """Fragments that are never completed change nothing, then or later."""
    for n in range(5000):
        offset = 8 * (n % 7)
        forger.ip_send(random.choice((ICMP, TCP, UDP)), b"x" * 64, ident=n & 0xFFFF,
                       offset=offset, more=True)
    for _ in range(20):                       # what lies in the TAP's queue comes first
        if forger.ping(timeout=0.5):
            break
    began = time.monotonic()
    assert site.get().status == 200
    assert forger.ping() == b"ping"
    assert time.monotonic() - began < 0.5
    test_fragments_may_still_pass(site)


def test_fragments_may_still_pass(site):
    """After the flood, a fragmented request goes through once the old ones have aged."""
    with Forger(site, last=(3, 4)) as other:
        payload = b"y" * 1000
        head = struct.pack(">BBHHH", 8, 0, 0, 4, 4)
        whole = struct.pack(">BBHHH", 8, 0, checksum(head + payload), 4, 4) + payload
        deadline = time.monotonic() + 30
        ident = 1
        while time.monotonic() < deadline:
            ident += 1
            other.ip_send(ICMP, whole[:504], ident=ident, offset=0, more=True)
            other.ip_send(ICMP, whole[504:], ident=ident, offset=504)
            if other.packet(ICMP, 0.5):
                return
        raise AssertionError("no fragmented request passes for 30 s")


@pytest.mark.drains_late
def test_fragments_that_overlap(forger):
    """Overlapping and oversized fragments are dropped (RFC 5722's reasons, RFC 791's limits)."""
    for ident, (offset, size) in enumerate(((0, 64), (8, 64), (16, 8), (65528, 64), (65000, 1400))):
        forger.ip_send(ICMP, b"z" * size, ident=300 + ident // 3, offset=offset, more=offset < 16)
    assert forger.ping() == b"ping"


def test_broken_packets(forger):
    """Headers that lie about themselves."""
    good = ip_packet(forger.ip, forger.guest_ip, ICMP, b"\x08\0\0\0" + b"p" * 40)
    for n in range(len(good)):
        forger.frame(forger.guest_mac, ETH_IP, good[:n])
    broken = []
    for first in (0x44, 0x40, 0x4F, 0x55, 0x65, 0x05):
        broken.append(bytes([first]) + good[1:])
    for total in (0, 19, 20, 21, 63, 1500, 65535):
        broken.append(ip_packet(forger.ip, forger.guest_ip, ICMP, b"\x08\0\0\0" + b"p" * 40,
                                total=total))
    broken.append(good[:10] + b"\xff\xff" + good[12:])
    broken.append(ip_packet(forger.ip, forger.guest_ip, 253, b"q" * 20))
    broken.append(ip_packet(forger.ip, forger.guest_ip, TCP, b"q" * 10))
    broken.append(ip_packet(forger.ip, forger.guest_ip, UDP, b"q" * 4))
    broken.append(ip_packet(forger.ip, "10.77.88.88", ICMP, b"\x08\0\0\0" + b"p" * 40))
    broken.append(ip_packet(forger.ip, forger.guest_ip, ICMP, b"\x08\0\0\0", ttl=0))
    for packet in broken:
        forger.frame(forger.guest_mac, ETH_IP, packet)
    for kind in (0x86DD, 0x8100, 0x0000, 0x05DC, 0xFFFF, 0x88CC):
        forger.frame(forger.guest_mac, kind, b"\xaa" * 60)
    while forger.packet(ICMP, 0.2):
        pass
    assert forger.ping() == b"ping"


def test_ip_options(forger):
    """Packets with options are understood or dropped, source routes above all."""
    for options in (b"\x01\x01\x01\x00", b"\x07\x07\x04\0\0\0\0\0", b"\x83\x07\x04\x0a\x4d\1\1\0",
                    b"\x94\x04\0\0", b"\xff\x00\0\0", b"\x07\xff\0\0"):
        forger.ip_send(ICMP, b"\x08\0\xf7\xff\0\0\0\0", options=options)
    while forger.packet(ICMP, 0.2):
        pass
    assert forger.ping() == b"ping"


def test_udp_closed_port(forger):
    """UDP to a port that nobody has: port unreachable, or nothing; and not a flood."""
    for _ in range(200):
        forger.ip_send(UDP, struct.pack(">HHHH", 5000, 9, 12, 0) + b"data")
    answers = 0
    while True:
        packet = forger.packet(ICMP, 0.3)
        if not packet:
            break
        assert packet[20] == 3
        answers += 1
    assert answers <= 200


@pytest.mark.busy
def test_random_frames(site, forger):
    """Ten thousand frames of noise behind right and wrong headers."""
    noise = random.Random(6)
    for _ in range(10000):
        kind = noise.choice((ETH_IP, ETH_IP, ETH_IP, ETH_ARP, noise.randrange(65536)))
        payload = noise.randbytes(noise.randrange(0, 200))
        if kind == ETH_IP and noise.random() < 0.8:
            proto = noise.choice((ICMP, TCP, UDP, noise.randrange(256)))
            payload = ip_packet(forger.ip, forger.guest_ip, proto, payload)
        forger.frame(forger.guest_mac, kind, payload)
    while forger.packet(TCP, 0.2):
        pass
    assert forger.ping() == b"ping"
    assert site.get().status == 200
