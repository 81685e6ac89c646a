# SPDX-License-Identifier: MIT
"""An SNTP responder (RFC 4330 section 6) that answers from this host's clock, or lies.

`make run` starts one on loopback for a board without a clock; the wire tests have one in their
namespace. `how` changes its answers: a dict of fields of Answer, or None for silence.
"""

import dataclasses
import socket
import struct
import threading
import time

EPOCH = 2208988800                 # 1970 in seconds of NTP's era 0
ERA = 1 << 32


@dataclasses.dataclass
class Answer:
    """What it says."""
    ahead: float = 0.0             # seconds that its clock is ahead of ours
    leap: int = 0
    version: int = 4
    mode: int = 4
    stratum: int = 2
    reference: bytes = b"HOST"
    root_delay: float = 0.001
    root_dispersion: float = 0.001
    right_origin: bool = True      # repeats the client's timestamp
    zero: bool = False             # its transmit timestamp is zero
    length: int = 48
    slow: float = 0.0              # seconds between question and answer
    silent_for: int = 0            # questions that it leaves without an answer


def stamp(seconds):
    """Unix time as an NTP timestamp."""
    fixed = int((seconds + EPOCH) * ERA)
    return struct.pack(">II", fixed >> 32 & 0xFFFFFFFF, fixed & 0xFFFFFFFF)


def short(seconds):
    """Seconds in 16.16."""
    return int(seconds * 65536) & 0xFFFFFFFF


class Ntpd(threading.Thread):
    """A thread that answers on a socket of its own until close(); self.asked counts."""

    def __init__(self, sock, **how):
        super().__init__(daemon=True)
        self.sock = sock
        self.port = sock.getsockname()[1]
        self.answer = Answer(**how)
        self.questions = []            # (time.monotonic(), source address, packet)
        self.start()

    @property
    def asked(self):
        """How many questions have come."""
        return len(self.questions)

    def run(self):
        """The thread."""
        while True:
            try:
                packet, source = self.sock.recvfrom(2048)
            except OSError:
                return
            if not packet:
                return
            arrived = time.time()
            self.questions.append((time.monotonic(), source, packet))
            if len(packet) >= 48 and packet[0] & 7 == 3 and self.asked > self.answer.silent_for:
                self.reply(packet, source, arrived)

    def reply(self, packet, source, arrived):
        """One answer."""
        a = self.answer
        if a.slow:
            time.sleep(a.slow)
        origin = packet[40:48] if a.right_origin else bytes(8)
        head = struct.pack(">BBbbII4s", a.leap << 6 | a.version << 3 | a.mode, a.stratum, 6, -20,
                           short(a.root_delay), short(a.root_dispersion), a.reference)
        sent = bytes(8) if a.zero else stamp(time.time() + a.ahead)
        data = head + stamp(arrived + a.ahead - 1) + origin + stamp(arrived + a.ahead) + sent
        try:
            self.sock.sendto(data[:a.length], source)
        except OSError:
            pass

    def close(self):
        """Ends it."""
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


def on_loopback(**how):
    """An Ntpd on 127.0.0.1, at a port of the system's choice."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))
    return Ntpd(sock, **how)
