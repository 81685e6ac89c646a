# SPDX-License-Identifier: MIT
"""A DHCP server that can be late, refuse, lie or stay silent (RFC 2131, RFC 2132)."""

import select
import socket
import struct
import threading
import time

from netns import HOST, IFNAME

DISCOVER, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE = range(1, 8)
IP_PKTINFO = 8
MAGIC = b"\x63\x82\x53\x63"
EVERYBODY = ("255.255.255.255", 68)


def options_of(packet):
    """{code: value} of a BOOTP packet."""
    found, at = {}, 240
    while at < len(packet) and packet[at] != 255:
        if packet[at] == 0:
            at += 1
            continue
        size = packet[at + 1]
        found[packet[at]] = packet[at + 2:at + 2 + size]
        at += 2 + size
    return found


class Dhcpd:
    """Serves one address on a namespace's TAP in a thread; `seen`: (time, type) of what came."""

    def __init__(self, net, address="10.77.1.77", lease=3600, mask="255.255.0.0", silent=False,
                 more=b"", ident=HOST, own_dns=True, gateway=HOST):
        self.address, self.lease, self.mask, self.more = address, lease, mask, more
        self.ident = ident            # of the server
        self.gateway = gateway
        self.own_dns = own_dns        # names itself as a name server
        self.silent = silent          # answer nothing
        self.drop_next = 0            # so many messages are as good as lost
        self.lose = []                # types of answers that are lost, each once
        self.lies = None              # the answer's bytes -> what else is sent, before it
        self.offer_more = b""         # options of offers alone
        self.nak_next = 0             # so many REQUESTs are refused
        self.seen = []
        self.to_all = []              # of each: whether it was sent to everybody
        self.acked = []               # times
        self.sock = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, IFNAME.encode())
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        self.sock.bind(("0.0.0.0", 67))
        self.stopping = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        """Ends the thread."""
        self.stopping = True
        self.thread.join(3)
        self.sock.close()

    def serve(self):
        """The thread."""
        while not self.stopping:
            if not select.select([self.sock], [], [], 0.2)[0]:
                continue
            packet, notes = self.sock.recvmsg(2048, 128)[:2]
            if len(packet) < 240 or packet[236:240] != MAGIC:
                continue
            kind = options_of(packet).get(53, b"\0")[0]
            self.to_all.append(notes[0][2][8:12] == b"\xff" * 4)
            self.seen.append((time.monotonic(), kind, packet))
            if self.silent or self.lost():
                continue
            if options_of(packet).get(54, self.identity()) != self.identity():
                continue              # it has chosen another server
            if kind == DISCOVER:
                self.reply(packet, OFFER)
            elif kind == REQUEST:
                if self.nak_next > 0:
                    self.nak_next -= 1
                    self.reply(packet, NAK)
                else:
                    self.reply(packet, ACK)
                    self.acked.append(time.monotonic())

    def identity(self):
        """The server identifier, as on the wire."""
        return socket.inet_aton(self.ident)

    def lost(self):
        """Whether this message is one of those that are lost."""
        self.drop_next = max(self.drop_next, 0)
        if self.drop_next:
            self.drop_next -= 1
            return True
        return False

    def reply(self, packet, kind):
        """Answers by broadcast."""
        out = self.answer(packet, kind)
        for lie in self.lies(out) if self.lies else ():
            self.sock.sendto(lie, EVERYBODY)
        if kind in self.lose:
            self.lose.remove(kind)
        else:
            self.sock.sendto(out, EVERYBODY)

    def answer(self, packet, kind):
        """Its bytes."""
        given = socket.inet_aton("0.0.0.0" if kind == NAK else self.address)
        out = (b"\2\1\6\0" + packet[4:8] + b"\0\0\x80\0" + b"\0" * 4 + given
               + socket.inet_aton(HOST) + b"\0" * 4 + packet[28:44] + b"\0" * 192 + MAGIC
               + bytes((53, 1, kind)) + b"\x36\4" + self.identity())
        if kind != NAK:
            out += (b"\x33\4" + struct.pack(">I", self.lease)
                    + b"\1\4" + socket.inet_aton(self.mask)
                    + b"\3\4" + socket.inet_aton(self.gateway))
            out += b"\6\4" + socket.inet_aton(HOST) if self.own_dns else b""
        more = self.offer_more if kind == OFFER and self.offer_more else self.more
        return out + more + b"\xff"

    def count(self, kind):
        """How many messages of that type have come."""
        return sum(1 for _, seen, _ in self.seen if seen == kind)
