# SPDX-License-Identifier: MIT
"""Forged frames: a host that does not exist, on the machine's wire.

It has an address and a MAC of its own, answers ARP for itself and keeps what comes for it, so
that the kernel of this computer takes no part (it would reset connections it does not know).
RFC 826, 791, 792, 9293.
"""

import itertools
import select
import socket
import struct
import time

ETH_IP, ETH_ARP, ETH_ALL = 0x0800, 0x0806, 0x0003
ICMP, TCP, UDP = 1, 6, 17
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
MOD = 1 << 32


def checksum(data):
    """The Internet checksum (RFC 1071)."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip_packet(src, dst, proto, payload, ident=0, offset=0, more=False, ttl=64, options=b"",
              total=None):
    """An IPv4 packet; `offset` in bytes; `total`: a lie about its length."""
    ihl = 5 + len(options) // 4
    if total is None:
        total = ihl * 4 + len(payload)
    head = struct.pack(">BBHHHBBH4s4s", 0x40 | ihl, 0, total & 0xFFFF, ident,
                       (0x2000 if more else 0) | offset // 8, ttl, proto, 0,
                       socket.inet_aton(src), socket.inet_aton(dst)) + options
    return head[:10] + struct.pack(">H", checksum(head)) + head[12:] + payload


def tcp_segment(src, dst, sport, dport, flags, seq, ack=0, window=65535, options=b"", data=b"",
                break_sum=False):
    """A TCP segment for ip_packet(); options padded to four bytes."""
    options += b"\0" * (-len(options) % 4)
    head = struct.pack(">HHIIBBHHH", sport, dport, seq % MOD, ack % MOD,
                       (5 + len(options) // 4) << 4, flags, window, 0, 0) + options
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack(
        ">BBH", 0, TCP, len(head) + len(data))
    total = checksum(pseudo + head + data) ^ (0x5555 if break_sum else 0)
    return head[:16] + struct.pack(">H", total) + head[18:] + data


PORTS = itertools.count(20000)        # each forged connection has its own
SOL_PACKET, PACKET_AUXDATA, CSUM_NOT_READY = 263, 8, 1 << 3


class Segment:
    """A received TCP segment. Where the machine left the checksum to its device, the field must
    hold the pseudo-header's sum (virtio 1.2 section 5.1.6.2)."""

    def __init__(self, packet, partial=False):
        ihl = (packet[0] & 15) * 4
        total = struct.unpack_from(">H", packet, 2)[0]
        body = packet[ihl:total]
        (self.sport, self.dport, self.seq, self.ack, offset, self.flags, self.window,
         _, _) = struct.unpack_from(">HHIIBBHHH", body)
        self.options = body[20:(offset >> 4) * 4]
        self.data = body[(offset >> 4) * 4:]
        pseudo = packet[12:20] + struct.pack(">BBH", 0, TCP, len(body))
        if partial:
            self.sum_ok = struct.unpack_from(">H", body, 16)[0] == checksum(pseudo) ^ 0xFFFF
        else:
            self.sum_ok = checksum(pseudo + body) == 0
        self.sum_ok = self.sum_ok and checksum(packet[:ihl]) == 0

    def option(self, kind):
        """The value of an option, or None."""
        at = 0
        while at < len(self.options) and self.options[at]:
            if self.options[at] == 1:
                at += 1
                continue
            size = self.options[at + 1]
            if self.options[at] == kind:
                return self.options[at + 2:at + size]
            at += size
        return None

    def __repr__(self):
        names = "".join(letter for bit, letter in ((FIN, "F"), (SYN, "S"), (RST, "R"), (PSH, "P"),
                                                   (ACK, "A")) if self.flags & bit)
        return f"<{names} seq {self.seq} ack {self.ack} win {self.window} {len(self.data)} bytes>"


class Forger:
    """The host that does not exist. `last`: the last two bytes of its address in 10.77/16."""

    def __init__(self, site, last=(3, 3)):
        self.ip = f"10.77.{last[0]}.{last[1]}"
        self.mac = bytes((2, 0x77, 0, 0, last[0], last[1]))
        self.guest_ip = site.address
        self.sock = site.net.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_ALL))
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self.sock.bind((site.interface(), ETH_ALL))
        self.partial = False          # the last frame received came without its checksum
        self.guest_mac = b"\xff" * 6
        self.answer_arp = True
        if self.guest_ip:
            self.find_guest()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.sock.close()

    def find_guest(self):
        """Asks for the guest's MAC."""
        for _ in range(5):
            self.arp(1, b"\0" * 6, self.guest_ip)
            got = self.receive(lambda frame: frame[12:14] == b"\x08\x06"
                               and frame[20:22] == b"\0\2"
                               and frame[28:32] == socket.inet_aton(self.guest_ip), 1)
            if got:
                self.guest_mac = got[22:28]
                return
        raise AssertionError("no answer to ARP")

    def arp(self, operation, target_mac, target_ip, sender_ip=None, to=b"\xff" * 6):
        """Sends an ARP packet."""
        self.frame(to, ETH_ARP, struct.pack(
            ">HHBBH6s4s6s4s", 1, ETH_IP, 6, 4, operation, self.mac,
            socket.inet_aton(sender_ip or self.ip), target_mac, socket.inet_aton(target_ip)))

    def frame(self, to, kind, payload):
        """Sends a frame as it is."""
        self.sock.send(to + self.mac + struct.pack(">H", kind) + payload)

    def ip_send(self, proto, payload, **more):
        """Sends an IPv4 packet to the guest."""
        src = more.pop("src", self.ip)
        self.frame(self.guest_mac, ETH_IP, ip_packet(src, self.guest_ip, proto, payload, **more))

    def receive(self, wanted, timeout):
        """The first frame for which wanted(frame) is true, or None; answers ARP meanwhile."""
        deadline = time.monotonic() + timeout
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.sock], [], [], left)[0]:
                return None
            frame, notes, _, origin = self.sock.recvmsg(65536, 128)
            self.partial = any(level == SOL_PACKET and kind == PACKET_AUXDATA
                               and struct.unpack_from("I", data)[0] & CSUM_NOT_READY
                               for level, kind, data in notes)
            if origin[2] == socket.PACKET_OUTGOING:
                continue
            asks = (frame[12:14] == b"\x08\x06" and frame[20:22] == b"\0\1"
                    and frame[38:42] == socket.inet_aton(self.ip))
            if asks and self.answer_arp:
                self.arp(2, frame[22:28], socket.inet_ntoa(frame[28:32]), to=frame[22:28])
            if wanted(frame):
                return frame

    def packet(self, proto, timeout=2, match=lambda packet: True):
        """The next IPv4 packet to us of that protocol, or None."""
        frame = self.receive(lambda f: f[12:14] == b"\x08\x00" and f[23] == proto
                             and f[30:34] == socket.inet_aton(self.ip) and match(f[14:]), timeout)
        return frame and frame[14:]

    def quiet(self, seconds, proto=TCP):
        """Asserts that nothing of that protocol comes for us for a while."""
        got = self.packet(proto, seconds)
        assert got is None, Segment(got) if proto == TCP else got

    def ask(self, payload, ident, seq):
        """Sends an ICMP echo."""
        head = struct.pack(">BBHHH", 8, 0, 0, ident, seq)
        total = checksum(head + payload)
        self.ip_send(ICMP, struct.pack(">BBHHH", 8, 0, total, ident, seq) + payload)

    def ping(self, payload=b"ping", ident=7, seq=1, timeout=2):
        """ICMP echo: the answer's payload, or None."""
        self.ask(payload, ident, seq)
        got = self.packet(ICMP, timeout, lambda p: p[20] == 0 and p[24:28] == struct.pack(
            ">HH", ident, seq))
        return got and got[28:struct.unpack_from(">H", got, 2)[0]]

    def tcp(self, **more):
        """A new Tcp from a port not used before."""
        return Tcp(self, more.pop("port", None) or next(PORTS), **more)


class Tcp:
    """One forged connection; nothing happens by itself."""

    def __init__(self, forger, port, dport=8080, seq=1000):
        self.forger = forger
        self.port, self.dport = port, dport
        self.seq, self.ack = seq, 0
        self.window = 65535

    def send(self, flags=ACK, data=b"", seq=None, ack=None, options=b"", **more):
        """Sends a segment; self.seq does not move."""
        self.forger.ip_send(TCP, tcp_segment(
            self.forger.ip, self.forger.guest_ip, self.port, self.dport, flags,
            self.seq if seq is None else seq, self.ack if ack is None else ack,
            more.pop("window", self.window), options, data, **more))

    def receive(self, timeout=2, match=lambda segment: True):
        """The next segment of this connection, or None. Its checksums must be right."""
        deadline = time.monotonic() + timeout
        while True:
            got = self.forger.packet(TCP, max(0, deadline - time.monotonic()))
            if got is None:
                return None
            segment = Segment(got, self.forger.partial)
            if (segment.sport, segment.dport) != (self.dport, self.port):
                continue
            assert segment.sum_ok, f"wrong checksum in {segment}"
            if match(segment):
                return segment

    def expect(self, flags, timeout=2):
        """The next segment, which must have exactly these flags (PSH apart)."""
        segment = self.receive(timeout)
        assert segment, "nothing came"
        assert segment.flags & ~PSH == flags & ~PSH, segment
        return segment

    def open(self, options=b"\x02\x04\x05\xb4"):
        """The handshake; the SYN-ACK."""
        self.send(SYN, ack=0, options=options)
        answer = self.expect(SYN | ACK)
        assert answer.ack == (self.seq + 1) % MOD
        self.seq = (self.seq + 1) % MOD
        self.ack = (answer.seq + 1) % MOD
        self.send(ACK)
        return answer

    def request(self, data=b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"):
        """Sends data and moves on."""
        self.send(ACK | PSH, data)
        self.seq = (self.seq + len(data)) % MOD

    def answer(self, timeout=3):
        """Reads one HTTP answer, acknowledging as it comes; its bytes."""
        got = b""
        deadline = time.monotonic() + timeout
        while True:
            segment = self.receive(max(0, deadline - time.monotonic()))
            assert segment, f"no answer, so far {got!r}"
            if segment.data and segment.seq == self.ack:
                got += segment.data
                self.ack = (self.ack + len(segment.data)) % MOD
                self.send(ACK)
            if b"\r\n\r\n" in got and got.endswith(b"}"):
                return got

    def works(self):
        """Asserts that the connection answers a request."""
        self.request()
        assert self.answer().startswith(b"HTTP/1.1 200"), "no 200"

    def reset(self):
        """Ends it without ceremony."""
        self.send(RST | ACK)
