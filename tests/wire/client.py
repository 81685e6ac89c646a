# SPDX-License-Identifier: MIT
"""A raw HTTP client: sends exactly the bytes it is given and reads answers strictly.

Follows RFC 9112 where it parses; it accepts nothing that the server under test must not send.
"""

import re
import socket
import time

STATUS = re.compile(rb"HTTP/1\.1 ([1-5]\d\d) ([ -~]*)\Z")
FIELD = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+): ?([ -~]*)\Z")


class Answer:
    """One response: status, reason, fields (list of pairs), header(name), body."""

    def __init__(self, status, reason, fields):
        self.status = status
        self.reason = reason
        self.fields = fields
        self.body = b""

    def header(self, name):
        """The only field of that name, or None; a doubled field fails the test."""
        values = [value for field, value in self.fields if field.lower() == name.lower()]
        assert len(values) <= 1, f"{name} given {len(values)} times: {values}"
        return values[0] if values else None

    def __repr__(self):
        return f"<{self.status} {self.fields} {self.body[:200]!r}>"


class Closed(Exception):
    """The server closed the connection where an answer was expected."""


class Client:
    """One TCP connection."""

    def __init__(self, sock, timeout=10):
        self.sock = sock
        self.sock.settimeout(timeout)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()

    def close(self):
        """Closes our side at once."""
        self.sock.close()

    def send(self, data):
        """Sends bytes."""
        self.sock.sendall(data if isinstance(data, bytes) else data.encode("latin-1"))

    def more(self):
        """Reads what is there; Closed at the end of the stream."""
        data = self.sock.recv(65536)
        if not data:
            raise Closed(f"closed after {self.buffer!r}")
        self.buffer += data

    def line(self):
        """One CRLF line without its end."""
        while b"\r\n" not in self.buffer:
            assert len(self.buffer) < 65536, "endless line"
            self.more()
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        assert b"\n" not in line and b"\r" not in line, line
        return line

    def answer(self, head=False):
        """Reads one response; `head`: it answers a HEAD request."""
        match = STATUS.match(self.line())
        assert match, "malformed status line"
        answer = Answer(int(match[1]), match[2].decode(), [])
        while True:
            line = self.line()
            if not line:
                break
            field = FIELD.match(line)
            assert field, f"malformed field {line!r}"
            answer.fields.append((field[1].decode(), field[2].decode()))
        if head or answer.status in (204, 304) or answer.status < 200:
            return answer
        if answer.header("Transfer-Encoding") == "chunked":
            assert answer.header("Content-Length") is None, answer
            answer.body = b"".join(self.chunks())
            return answer
        length = answer.header("Content-Length")
        assert length is not None and re.fullmatch(r"\d+", length), answer
        answer.body = self.take(int(length))
        return answer

    def take(self, length):
        """Reads so many bytes."""
        while len(self.buffer) < length:
            self.more()
        data, self.buffer = self.buffer[:length], self.buffer[length:]
        return data

    def chunks(self):
        """Reads a chunked body without extensions and trailers, piece by piece."""
        size = None
        while size != 0:
            line = self.line()
            assert re.fullmatch(rb"[0-9a-f]+", line), f"malformed chunk {line!r}"
            size = int(line, 16)
            yield self.take(size)
            assert self.take(2) == b"\r\n", "a chunk without its end"

    def get(self, path="/", extra="", method="GET"):
        """One request with Host and its answer."""
        self.send(f"{method} {path} HTTP/1.1\r\nHost: zeitkern.test\r\n{extra}\r\n")
        return self.answer(head=method == "HEAD")

    def closed(self, timeout=10):
        """Asserts that nothing but the end of the stream follows, within the time."""
        assert self.buffer == b"", f"bytes after the last answer: {self.buffer!r}"
        self.sock.settimeout(timeout)
        rest = self.sock.recv(65536)
        assert rest == b"", f"bytes instead of the end: {rest!r}"

    def ended(self, timeout=10):
        """Seconds until the server ends the connection, orderly or by reset."""
        began = time.monotonic()
        self.sock.settimeout(timeout)
        try:
            while self.sock.recv(65536):
                pass
        except ConnectionResetError:
            pass
        return time.monotonic() - began
