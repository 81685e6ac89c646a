# SPDX-License-Identifier: MIT
"""TCP on the wire, segment by segment, from a host that does not exist (frames.py).

RFC 9293 (the protocol), 5961 (blind attacks), 6298 (retransmission), 6528 (initial sequence
numbers), 7323 (window scale, timestamps), 6191 and 1122 (TIME_WAIT).
"""

import socket
import statistics
import struct
import time

import pytest

from frames import ACK, FIN, MOD, PSH, RST, SYN, Forger, checksum

GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
CLOSE = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
MSS = b"\x02\x04\x05\xb4"
HALF_OPEN = 1000


@pytest.fixture
def forger(site):
    """A forged host on the main machine's wire."""
    with Forger(site) as made:
        yield made


@pytest.fixture
def tcp(forger):
    """An established forged connection, reset at the end."""
    made = forger.tcp()
    made.open()
    yield made
    made.reset()


def test_handshake(forger):
    """SYN, SYN-ACK with an MSS that fits Ethernet, ACK, request, answer."""
    tcp = forger.tcp()
    answer = tcp.open()
    mss = answer.option(2)
    assert mss and 536 <= struct.unpack(">H", mss)[0] <= 1460
    tcp.works()
    tcp.reset()


def test_small_mss(forger):
    """Segments never exceed the peer's MSS."""
    tcp = forger.tcp()
    tcp.open(options=b"\x02\x04\x00\x64")
    tcp.request()
    got = b""
    while not got.endswith(b"}"):
        segment = tcp.receive()
        assert segment and len(segment.data) <= 100, segment
        got += segment.data
        tcp.ack = (segment.seq + len(segment.data)) % MOD
        tcp.send()
    tcp.reset()


def test_odd_options(forger):
    """Unknown and broken options in a SYN do no harm."""
    for options in (b"", b"\x01\x01\x01\x01", MSS + b"\xfe\x06ABCD", b"\x02\x04\x00\x00",
                    MSS + b"\x08\x0a" + b"\0" * 8 + b"\x01\x01\x03\x03\x01\x07",
                    MSS + b"\x03\x03\xff\x01", MSS + b"\x04\x02\x01\x01"):
        tcp = forger.tcp()
        tcp.open(options=options)
        tcp.works()
        tcp.reset()
    for broken in (b"\x02\x00\x00\x00", b"\x02\x01\x00\x00", b"\x02\xff\x00\x00",
                   b"\xfe\x00\x01\x01",
                   b"\x02\x28\x05\xb4"):
        tcp = forger.tcp()
        tcp.send(SYN, ack=0, options=broken)
        tcp.receive(0.2)
        tcp.send(RST, seq=tcp.seq + 1)
    tcp = forger.tcp()
    tcp.open()
    tcp.works()
    tcp.reset()


def test_timestamps(forger):
    """When timestamps are agreed on, they echo and advance (RFC 7323 section 3)."""
    tcp = forger.tcp()
    tcp.send(SYN, ack=0, options=MSS + b"\x01\x01\x08\x0a" + struct.pack(">II", 1234567, 0))
    answer = tcp.expect(SYN | ACK)
    stamp = answer.option(8)
    if stamp is not None:
        assert struct.unpack(">II", stamp)[1] == 1234567
    tcp.send(RST, seq=answer.ack)


def test_window_scale(forger):
    """A scale is answered only to one that was offered (RFC 7323 section 2.2)."""
    tcp = forger.tcp()
    assert tcp.open(options=MSS).option(3) is None
    tcp.works()
    tcp.reset()
    tcp = forger.tcp()
    tcp.window = 64                                     # scaled by 2^7 after the handshake
    tcp.open(options=MSS + b"\x01\x03\x03\x07")
    tcp.works()
    tcp.reset()


def test_closed_port(forger):
    """A SYN to a closed port is reset; an RST there is not answered."""
    tcp = forger.tcp(dport=9)
    tcp.send(SYN, ack=0)
    answer = tcp.expect(RST | ACK)
    assert answer.ack == tcp.seq + 1
    tcp.send(RST)
    assert tcp.receive(0.3) is None


def test_stray_segments(forger):
    """Segments of no connection: reset, or silence for a reset; never more than one answer."""
    for flags in (ACK, FIN | ACK, PSH | ACK, SYN | ACK):
        tcp = forger.tcp()
        tcp.send(flags, ack=12345)
        answer = tcp.receive(0.5)
        assert answer is None or answer.flags & RST, answer
    for flags in (RST, 0, FIN, SYN | FIN, SYN | RST, 0x3F):
        tcp = forger.tcp()
        tcp.send(flags)
        answer = tcp.receive(0.2)
        assert answer is None or answer.flags & (RST | SYN), answer
        tcp.send(RST, seq=tcp.seq + 1)


def test_bad_checksum(tcp):
    """A segment with a wrong checksum is not there."""
    tcp.send(ACK | PSH, GET, break_sum=True)
    assert tcp.receive(0.5) is None
    tcp.works()


def test_out_of_order(tcp):
    """The second half before the first: acknowledged at once, answered when whole."""
    start = tcp.seq
    tcp.send(ACK | PSH, GET[10:], seq=start + 10)
    duplicate = tcp.expect(ACK)
    assert duplicate.ack == start
    tcp.send(ACK | PSH, GET[:10], seq=start)
    tcp.seq = start + len(GET)
    assert tcp.answer().startswith(b"HTTP/1.1 200")


def test_reordered_and_overlapping(tcp):
    """Pieces in any order, twice, and overlapping."""
    start = tcp.seq
    for low, high in ((20, len(GET)), (5, 12), (5, 12), (0, 3), (10, 25), (2, 8)):
        tcp.send(ACK | PSH, GET[low:high], seq=start + low)
    tcp.seq = start + len(GET)
    got = b""
    while not got.endswith(b"}"):
        segment = tcp.receive()
        assert segment, got
        if segment.data and segment.seq == tcp.ack:
            got += segment.data
            tcp.ack = (tcp.ack + len(segment.data)) % MOD
    tcp.send()
    assert got.count(b"HTTP/1.1 200") == 1


def test_repeated_request(tcp):
    """A retransmitted request is acknowledged, not answered twice."""
    start = tcp.seq
    tcp.works()
    tcp.send(ACK | PSH, GET, seq=start)
    again = tcp.expect(ACK)
    assert again.ack == tcp.seq and not again.data
    tcp.works()


def test_lost_answer(tcp):
    """An answer that is not acknowledged comes again, the same, later and later."""
    tcp.request()
    first = tcp.receive(match=lambda s: s.data)
    times = [time.monotonic()]
    for _ in range(2):
        again = tcp.receive(8, match=lambda s: s.data)
        assert again and again.seq == first.seq and again.data == first.data
        times.append(time.monotonic())
    gaps = [b - a for a, b in zip(times, times[1:])]
    assert 0.15 <= gaps[0] <= 3.5 and gaps[1] > 1.5 * gaps[0], gaps
    tcp.ack = (first.seq + len(first.data)) % MOD
    tcp.send()
    tcp.works()


@pytest.mark.large
def test_black_hole(forger):
    """Large segments that get nowhere, and no router says so: they are cut (RFC 4821)."""
    tcp = forger.tcp()
    tcp.open()
    tcp.request(b"GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n")
    sizes = []
    deadline = time.monotonic() + 20
    while not sizes or sizes[-1] > 536:
        segment = tcp.receive(max(0, deadline - time.monotonic()))
        assert segment, sizes
        if segment.seq == tcp.ack:
            sizes.append(len(segment.data))
    assert sizes[0] > 1000 and 3 <= len(sizes) <= 5, sizes
    tcp.reset()


def test_zero_window(forger):
    """A closed window is probed, and the answer goes on when it opens (RFC 9293 section 3.8.6)."""
    tcp = forger.tcp()
    tcp.window = 50
    tcp.open()
    tcp.request()
    got = b""
    while len(got) < 50:
        segment = tcp.receive(5)
        assert segment and segment.seq == tcp.ack and len(segment.data) <= 50 - len(got), segment
        got += segment.data
        tcp.ack = (tcp.ack + len(segment.data)) % MOD
        tcp.window = 50 - len(got)
        tcp.send()
    for _ in range(2):
        probe = tcp.receive(8)
        assert probe, "the closed window is not probed"
        assert len(probe.data) <= 1, probe
        tcp.send()
    tcp.window = 65535
    tcp.send()
    assert (got + tcp.answer(10)).startswith(b"HTTP/1.1 200")
    tcp.works()
    tcp.reset()


def test_half_close(tcp):
    """FIN with the request: the answer, then the other FIN."""
    tcp.send(ACK | PSH | FIN, GET)
    tcp.seq += len(GET) + 1
    got, fin = b"", False
    while not fin:
        segment = tcp.receive(5)
        assert segment, got
        if segment.seq == tcp.ack:
            got += segment.data
            fin = bool(segment.flags & FIN)
            tcp.ack = (tcp.ack + len(segment.data) + fin) % MOD
            tcp.send()
    assert got.startswith(b"HTTP/1.1 200")


def test_reset_exact(forger):
    """A reset with exactly the expected number ends the connection (RFC 5961 section 3)."""
    tcp = forger.tcp()
    tcp.open()
    tcp.send(RST)
    tcp.send(ACK | PSH, GET)
    answer = tcp.receive()
    assert answer and answer.flags & RST, answer


def test_reset_in_window(tcp):
    """A reset elsewhere in the window is challenged and ends nothing (RFC 5961 section 3)."""
    for jump in (1, 100, 1000):
        tcp.send(RST, seq=tcp.seq + jump)
        challenge = tcp.expect(ACK)
        assert challenge.ack == tcp.seq and challenge.seq == tcp.ack
        time.sleep(0.05)
    tcp.works()


def test_reset_outside_window(tcp):
    """A reset outside the window is not there."""
    for seq in (tcp.seq - 1, tcp.seq - 70000, tcp.seq + 1000000, tcp.seq + (1 << 31)):
        tcp.send(RST, seq=seq)
    tcp.works()


def test_syn_in_window(tcp):
    """A SYN on an established connection is challenged, in the window or not (section 4)."""
    for seq in (tcp.seq, tcp.seq + 10, tcp.seq + 5000000):
        tcp.send(SYN, seq=seq)
        challenge = tcp.expect(ACK)
        assert challenge.ack == tcp.seq
        time.sleep(0.05)
    tcp.works()


def test_data_injection(tcp):
    """Data whose acknowledgement cannot be right is dropped (RFC 5961 section 5)."""
    for ack in (tcp.ack + 100000, tcp.ack - (1 << 30), tcp.ack + (1 << 31)):
        tcp.send(ACK | PSH, b"DELETE / HTTP/1.1\r\n", ack=ack)
        answer = tcp.receive(0.3)
        assert answer is None or (answer.flags == ACK and answer.ack == tcp.seq), answer
        time.sleep(0.05)
    tcp.works()


def test_challenges_are_limited(tcp):
    """A flood of forged resets does not make a flood of answers (RFC 5961 section 7)."""
    for n in range(2000):
        tcp.send(RST, seq=tcp.seq + 1 + n % 1000)
    answers = 0
    while tcp.receive(0.3):
        answers += 1
    assert answers < 1000, answers
    time.sleep(1.1)
    tcp.works()


def test_sequence_numbers_start_anywhere(forger):
    """Initial numbers: spread over the space, different by port and time (RFC 6528)."""
    seen = []
    for _ in range(64):
        tcp = forger.tcp()
        tcp.send(SYN, ack=0, options=MSS)
        seen.append(tcp.expect(SYN | ACK).seq)
        tcp.send(RST, seq=tcp.seq + 1)
    assert len(set(seen)) == 64
    steps = [(b - a) % MOD for a, b in zip(seen, seen[1:])]
    assert len(set(steps)) > 60
    quarters = {value >> 30 for value in seen}
    assert quarters == {0, 1, 2, 3}, seen
    assert statistics.pstdev(seen) > MOD / 8


def test_same_ports_move_on(forger):
    """For one pair of ports the initial number advances with time (RFC 6528 section 3)."""
    numbers = []
    for _ in range(3):
        tcp = forger.tcp(port=19999)
        tcp.send(SYN, ack=0, options=MSS)
        numbers.append(tcp.expect(SYN | ACK).seq)
        tcp.send(RST, seq=tcp.seq + 1)
        time.sleep(0.3)
    steps = [(b - a) % MOD for a, b in zip(numbers, numbers[1:])]
    assert all(0 < step < 1 << 28 for step in steps), numbers


def close_by_server(tcp):
    """Opens, asks for Connection: close, and takes part in the close that the server starts."""
    tcp.open()
    tcp.request(CLOSE)
    while True:
        segment = tcp.receive(3)
        assert segment, "no FIN"
        if segment.seq != tcp.ack:
            continue
        fin = bool(segment.flags & FIN)
        tcp.ack = (tcp.ack + len(segment.data) + fin) % MOD
        tcp.send()
        if fin:
            break
    tcp.send(FIN | ACK)
    tcp.seq += 1
    last = tcp.receive(1, match=lambda s: s.ack == tcp.seq)
    assert last and not last.flags & RST, last


def test_time_wait_reopens(forger):
    """A client that uses its port again at once is served, not swallowed (RFC 6191, 1122)."""
    port = 30000
    seq = 5000
    for _ in range(5):
        tcp = forger.tcp(port=port, seq=seq)
        close_by_server(tcp)
        seq = tcp.seq + 1000
    tcp = forger.tcp(port=port, seq=seq)
    tcp.open()
    tcp.works()
    tcp.reset()


def test_time_wait_old_segments(forger):
    """In TIME_WAIT a repeated FIN is acknowledged and a reset does no harm (RFC 1337)."""
    tcp = forger.tcp()
    close_by_server(tcp)
    tcp.send(FIN | ACK, seq=tcp.seq - 1)
    again = tcp.expect(ACK)
    assert again.ack == tcp.seq
    tcp.send(RST, seq=tcp.seq)


@pytest.mark.drains_late
def test_half_open_crowd(site, forger):
    """A thousand peers that never finish the handshake do not delay a real client."""
    for n in range(HALF_OPEN):
        peer = forger.tcp(port=40000 + n)
        peer.send(SYN, ack=0, options=MSS)
    slowest = 0.0
    for _ in range(20):
        began = time.monotonic()
        assert site.get().status == 200
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < site.row.patience, slowest
    for n in range(HALF_OPEN):
        forger.tcp(port=40000 + n).send(RST, seq=1001)


@pytest.mark.drains_late
def test_half_open_from_many(site, forger):
    """The same from a thousand addresses that do not even answer ARP."""
    for n in range(HALF_OPEN):
        source = f"10.77.{100 + n // 250}.{1 + n % 250}"
        segment = struct.pack(">HHIIBBHHH", 1000 + n, 8080, n, 0, 5 << 4, SYN, 1000, 0, 0)
        forger.ip_send(6, with_sum(source, forger.guest_ip, segment), src=source)
    slowest = 0.0
    for _ in range(20):
        began = time.monotonic()
        assert site.get().status == 200
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < site.row.patience, slowest


def with_sum(src, dst, segment):
    """A 20-byte TCP header with its checksum filled in."""
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack(">BBH", 0, 6, 20)
    return segment[:16] + struct.pack(">H", checksum(pseudo + segment)) + segment[18:]


@pytest.mark.drains_late
def test_land(site, forger):
    """A SYN that claims to come from the machine itself is not answered, and does no harm."""
    time.sleep(max(0, site.row.patience - 1))      # what the floods left in a small ARP table
    segment = struct.pack(">HHIIBBHHH", 8080, 8080, 1, 0, 5 << 4, SYN, 1000, 0, 0)
    forger.ip_send(6, with_sum(forger.guest_ip, forger.guest_ip, segment), src=forger.guest_ip)
    for source in ("255.255.255.255", "224.0.0.1", "0.0.0.0", "127.0.0.1", "10.77.255.255"):
        forger.ip_send(6, with_sum(source, forger.guest_ip, segment), src=source)
    tcp = forger.tcp()
    tcp.open()
    tcp.works()
    tcp.reset()


def test_urgent_and_odd_flags(tcp):
    """Urgent data, ECN bits and reserved bits are no reason to stop."""
    tcp.send(ACK | PSH | 0x20, GET[:5])
    tcp.seq += 5
    tcp.send(ACK | PSH | 0xC0, GET[5:])
    tcp.seq += len(GET) - 5
    assert tcp.answer().startswith(b"HTTP/1.1 200")


def test_without_offload(boot, row):
    """A device that offers no checksums: the machine makes and checks its own."""
    if not row.offload:
        pytest.skip("this NIC offers none anyway")
    site = boot("", extra=("-global", "virtio-net-device.csum=off",
                           "-global", "virtio-net-device.guest_csum=off"))
    with Forger(site) as forger:
        tcp = forger.tcp()
        tcp.open()
        assert not forger.partial
        tcp.send(ACK | PSH, GET, break_sum=True)
        assert tcp.receive(0.5) is None
        tcp.works()
        assert not forger.partial
    assert site.get().status == 200
