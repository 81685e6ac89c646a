# SPDX-License-Identifier: MIT
"""Servers that a test scripts: each connection gets a function of its own, in a thread."""

import contextlib
import socket
import threading

from netns import HOST


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


def reset(sock):
    """Ends a connection with RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    sock.close()
