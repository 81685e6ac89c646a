# SPDX-License-Identifier: MIT
"""A name server that a test scripts: each question goes to a function that says what is sent."""

import contextlib
import select
import socket
import struct
import threading

A, CNAME, SOA, AAAA = 1, 5, 6, 28
NO_NAME, SERVFAIL, REFUSED = 3, 2, 5
CUT = 0x8380                      # the flags of an answer that was cut off


class Question:
    """One that has come: name, type, and how it can be answered."""

    def __init__(self, server, sock, data, peer):
        self.server, self.sock, self.data, self.peer = server, sock, data, peer
        self.id = struct.unpack("!H", data[:2])[0]
        labels, at = [], 12
        while data[at]:
            labels.append(data[at + 1:at + 1 + data[at]].decode())
            at += 1 + data[at]
        self.name = ".".join(labels).lower()
        self.type = struct.unpack("!H", data[at + 1:at + 3])[0]
        self.question = data[12:at + 5]

    def message(self, *records, rcode=0, flags=0x8180, authority=(), ident=None, question=None):
        """An answer's bytes."""
        head = struct.pack("!6H", self.id if ident is None else ident, flags | rcode, 1,
                           len(records), len(authority), 0)
        return head + (question or self.question) + b"".join(records) + b"".join(authority)

    def send(self, data, sock=None):
        """Sends bytes, from another socket if one is given."""
        (sock or self.sock).sendto(data, self.peer)

    def answer(self, *records, **how):
        """Sends an answer."""
        self.send(self.message(*records, **how))


class WholeQuestion(Question):
    """One that has come over TCP (RFC 7766); its length is sent before an answer, in a write of
    its own."""

    def send(self, data, sock=None):
        self.sock.sendall(struct.pack("!H", len(data)))
        self.sock.sendall(data)


def over_tcp(reply, asked):
    """A serve() for backends.Backend: each question of a connection, which then is in `asked`,
    goes to `reply`."""
    def serve(sock):
        with sock.makefile("rb") as file:
            while head := file.read(2):
                question = WholeQuestion(None, sock, file.read(struct.unpack("!H", head)[0]), None)
                asked.append(question.name)
                reply(question)
    return serve


def name(text):
    """A name, encoded without compression."""
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".")) + b"\0"


def record(kind, data, ttl=60, owner=b"\xc0\x0c"):
    """One record; its owner is the name that was asked for, unless given."""
    return owner + struct.pack("!HHIH", kind, 1, ttl, len(data)) + data


def address(text, ttl=60, owner=b"\xc0\x0c"):
    """An A or AAAA record."""
    six = ":" in text
    data = socket.inet_pton(socket.AF_INET6 if six else socket.AF_INET, text)
    return record(AAAA if six else A, data, ttl, owner)


def soa(minimum, ttl=60):
    """What says how long there is nothing."""
    return record(SOA, b"\1n\0\1h\0" + struct.pack("!5I", 1, 2, 3, 4, minimum), ttl)


class NameServer:
    """Answers at address:53 in a site's namespace by calling `reply(question)`; `asked` keeps the
    names, in order."""

    def __init__(self, net, addr, reply=None):
        self.sock = net.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((addr, 53))
        self.reply, self.asked = reply, []
        self.ended, self.end = socket.socketpair()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Until it is closed."""
        while self.ended not in select.select([self.sock, self.ended], [], [])[0]:
            with contextlib.suppress(OSError):
                question = Question(self, self.sock, *self.sock.recvfrom(2048))
                self.asked.append(question.name)
                if self.reply:
                    self.reply(question)

    def close(self):
        """Ends it."""
        self.end.close()
        self.thread.join(5)
        self.ended.close()
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()
