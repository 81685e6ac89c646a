# SPDX-License-Identifier: MIT
"""A DHCPv6 server that can be late, refuse, lie or stay silent (RFC 8415)."""

import select
import socket
import struct
import threading
import time

from netns import IFNAME

(SOLICIT, ADVERTISE, REQUEST, RENEW, REBIND, REPLY, DECLINE, INFORMATION) = (1, 2, 3, 5, 6, 7, 9,
                                                                           11)
GROUP = "ff02::1:2"


def option(code, data):
    """One option."""
    return struct.pack(">HH", code, len(data)) + data


def options_of(data):
    """{code: value} of a message's options."""
    found, at = {}, 0
    while at + 4 <= len(data):
        code, size = struct.unpack_from(">HH", data, at)
        found[code] = data[at + 4:at + 4 + size]
        at += 4 + size
    return found


class Dhcpd6:
    """Leases one address on a namespace's TAP in a thread; `seen`: (time, type, options)."""

    def __init__(self, net, address="fd77::a", duid=b"\0\3\0\1\2\0\0\0\0\1", **how):
        self.address, self.duid = address, duid
        self.valid, self.preferred, self.t1, self.t2 = 600, 300, 0, 0
        self.preference = self.status = self.ia_status = None
        self.silent = self.rapid = False
        self.more = b""
        self.lies = None              # the answer's bytes -> what else is sent, before it
        self.__dict__.update(how)
        self.seen = []
        self.sock = net.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, IFNAME.encode())
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        with net.inside():
            index = socket.if_nametoindex(IFNAME)
        self.sock.bind(("::", 547))
        self.sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP,
                             socket.inet_pton(socket.AF_INET6, GROUP) + struct.pack("@I", index))
        self.stopping = False
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def close(self):
        """Ends the thread."""
        self.stopping = True
        self.thread.join(3)
        self.sock.close()

    def count(self, kind):
        """How many messages of that type have come."""
        return sum(1 for _, seen, _ in self.seen if seen == kind)

    def serve(self):
        """The thread."""
        while not self.stopping:
            if not select.select([self.sock], [], [], 0.2)[0]:
                continue
            data, peer = self.sock.recvfrom(2048)
            options = options_of(data[4:])
            self.seen.append((time.monotonic(), data[0], options))
            for_us = options.get(2, self.duid) == self.duid
            if self.silent or not for_us or 1 not in options or data[0] == DECLINE:
                continue
            out = self.answer(data, options)
            for lie in self.lies(out) if self.lies else ():
                self.sock.sendto(lie, peer)
            self.sock.sendto(out, peer)

    def answer(self, data, options):
        """The bytes of the answer to a message."""
        rapid = self.rapid and 14 in options
        kind = ADVERTISE if data[0] == SOLICIT and not rapid else REPLY
        out = bytes((kind,)) + data[1:4] + option(1, options[1]) + option(2, self.duid)
        if rapid:
            out += option(14, b"")
        if self.preference is not None:
            out += option(7, bytes((self.preference,)))
        if self.status is not None:
            out += option(13, struct.pack(">H", self.status) + b"no")
        if 3 in options:
            ia = options[3][:4] + struct.pack(">II", self.t1, self.t2)
            if self.ia_status is not None:
                ia += option(13, struct.pack(">H", self.ia_status))
            else:
                ia += option(5, socket.inet_pton(socket.AF_INET6, self.address)
                             + struct.pack(">II", self.preferred, self.valid))
            out += option(3, ia)
        return out + self.more
