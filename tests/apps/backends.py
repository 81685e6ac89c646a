# SPDX-License-Identifier: MIT
"""Servers that a test scripts: each connection gets a function of its own, in a thread.

As a program, a server for tests of load: `backends.py ADDRESS PORT DELAY MORE` answers each request
with {"PORT": how many connections it has accepted} after DELAY seconds; MORE is a field line of its
answers, or "HTTP/1.0": such answers, after which it is the client who closes; or "line": each line
is answered with one."""

import asyncio
import contextlib
import resource
import socket
import statistics
import subprocess
import sys
import threading
import time

HOST = "10.77.0.1"
PUT_OFF_S = 0.25                  # how long an acknowledgement may wait for company


class Backend:
    """A TCP server in a site's namespace. serve(sock) is called for each connection, which is
    closed after it; `accepted` counts them, `heads` keeps what request() has read."""

    def __init__(self, net, serve, port=0, address=HOST, backlog=512):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.listener = net.socket(family, socket.SOCK_STREAM)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((address, port))
        self.listener.listen(backlog)
        self.port = self.listener.getsockname()[1]
        self.serve, self.accepted, self.open = serve, 0, set()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Accepts until it is closed."""
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            self.open.add(sock)
            threading.Thread(target=self.one, args=(sock,), daemon=True).start()

    def one(self, sock):
        """One connection to its end."""
        with contextlib.suppress(OSError):
            sock.settimeout(30)
            self.serve(sock)
        self.open.discard(sock)
        sock.close()

    def close(self):
        """Accepts no more and ends what is open."""
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for sock in list(self.open):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.close()


def request(sock):
    """One request's head, and its body by Content-Length: bytes; b"" when the peer closes."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        if not piece:
            return b""
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            while len(body) < int(line.split(b":")[1]):
                body += sock.recv(65536)
    return head + b"\r\n\r\n" + body


def answers(*texts):
    """A serve() that gives each request of a connection the next text, then the last again and
    again."""
    def serve(sock):
        turn = 0
        while request(sock):
            sock.sendall(texts[min(turn, len(texts) - 1)])
            turn += 1
    return serve


def good(body, more=b""):
    """A plain answer with Content-Length."""
    return (b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n" + more
            + b"Content-Length: %d\r\n\r\n" % len(body) + body)


def halves(text):
    """A serve() that gives each request this answer in two writes, head and body; the kernel sends
    the second when the first is acknowledged (RFC 896)."""
    def serve(sock):
        head, _, body = text.partition(b"\r\n\r\n")
        while request(sock):
            sock.sendall(head + b"\r\n\r\n")
            sock.sendall(body)
    return serve


def usual(call, tries=9):
    """The median of the seconds that it takes."""
    def once():
        began = time.monotonic()
        call()
        return time.monotonic() - began
    return statistics.median(once() for _ in range(tries))


def reset(sock):
    """Ends a connection with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()


class Quick(asyncio.Protocol):
    """A connection of the program."""
    accepted = 0

    def __init__(self, port, delay, more):
        self.port, self.delay, self.transport, self.data = port, delay, None, b""
        self.more, self.end = more, b"\n" if more == "line" else b"\r\n\r\n"

    def connection_made(self, transport):
        Quick.accepted += 1
        self.transport = transport

    def data_received(self, data):
        self.data += data
        while self.end in self.data:
            self.data = self.data.split(self.end, 1)[1]
            asyncio.get_running_loop().call_later(self.delay, self.answer)

    def framed(self, body):
        """As it is sent."""
        if self.more == "line":
            return body + "\n"
        version, fields = ("1.0", "") if self.more == "HTTP/1.0" else ("1.1", self.more + "\r\n")
        return f"HTTP/{version} 200 OK\r\n{fields}Content-Length: {len(body)}\r\n\r\n{body}"

    def answer(self):
        """Sends it, and closes if it says so."""
        self.transport.write(self.framed(f'{{"{self.port}": {Quick.accepted}}}').encode())
        if "close" in self.more:
            self.transport.close()


async def serve(address, port, delay, more):
    """Serves until it is killed."""
    server = await asyncio.get_running_loop().create_server(
        lambda: Quick(port, float(delay), more), address, int(port), backlog=8192)
    print("serving", flush=True)
    await server.serve_forever()


@contextlib.contextmanager
def program(net, port, delay, more):
    """This file as a program, in a site's namespace."""
    child = net.popen([sys.executable, __file__, HOST, str(port), str(delay), more],
                      stdout=subprocess.PIPE)
    try:
        assert child.stdout.readline() == b"serving\n"
        yield child
    finally:
        net.end(child)
        child.stdout.close()


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    asyncio.run(serve(*sys.argv[1:]))
