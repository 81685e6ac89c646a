# SPDX-License-Identifier: MIT
"""app/aiohttp: two backends at once, and every way in which a backend can fail."""

import json
import threading
import time

import pytest
from backends import Backend, answers, good, request, reset

APP = "aiohttp"
ONE, TWO = 9001, 9002
TIMEOUT_S = 1.0
SETTINGS = (f"backend.1=http://10.77.0.1:{ONE}/one backend.2=http://10.77.0.1:{TWO}/two"
            f" backend.timeout={int(TIMEOUT_S * 1000)}")


@pytest.fixture
def two(app):
    """The second backend, always good."""
    with Backend(app.net, answers(good(b'{"b": 2}')), TWO) as backend:
        yield backend


def ask(app, serve, path="/"):
    """GET `path` while the first backend serves so: the answer and the seconds it took."""
    with Backend(app.net, serve, ONE):
        began = time.monotonic()
        answer = app.get(path)
        return answer, time.monotonic() - began


def test_merged(app, two):
    """Both are asked."""
    answer, _ = ask(app, answers(good(b'{"a": 1}')))
    assert answer.status == 200, answer
    assert json.loads(answer.body) == {"one": '{"a": 1}', "two": '{"b": 2}'}


def test_no_backend(app):
    """Without backends: 502, in JSON, which says who is missing."""
    answer = app.get("/")
    assert answer.status == 502, answer
    assert json.loads(answer.body) == {"error": "backend.1: connection refused"}


def test_at_once(app, two):
    """They are asked concurrently."""
    both = threading.Barrier(2, timeout=5)

    def meet(body):
        def serve(sock):
            while request(sock):
                both.wait()
                sock.sendall(good(body))
        return serve
    two.serve = meet(b"{}")
    answer, _ = ask(app, meet(b"{}"))
    assert answer.status == 200, answer


def test_kept(app, two):
    """A connection is used again, and one that its peer has closed meanwhile is not."""
    serve = answers(good(b"{}"))
    with Backend(app.net, serve, ONE) as one:
        for _ in range(5):
            assert app.get("/").status == 200
        assert one.accepted == 1
        for sock in list(one.open):
            sock.shutdown(2)
        time.sleep(0.2)
        assert app.get("/").status == 200
        assert one.accepted == 2


def test_stale(app, two):
    """A kept connection that dies as it is asked: asked once more on a new one."""
    def serve(sock):
        request(sock)
        sock.sendall(good(b"{}"))
        if request(sock):
            reset(sock)
    with Backend(app.net, serve, ONE) as one:
        for _ in range(4):
            assert app.get("/").status == 200
        assert one.accepted == 4


def late(sock):
    """Reads, never answers."""
    request(sock)
    sock.recv(1)


def drip(sock):
    """A byte now and then."""
    request(sock)
    for byte in good(b" " * 1000):
        sock.sendall(bytes([byte]))
        time.sleep(0.05)


def cut(sock):
    """Resets in mid-body."""
    request(sock)
    sock.sendall(good(b" " * 1000)[:-500])
    time.sleep(0.1)
    reset(sock)


def short(sock):
    """Says more than it sends."""
    request(sock)
    sock.sendall(good(b" " * 1000)[:-500])


def endless(sock):
    """Sends for ever, in chunks."""
    request(sock)
    sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        sock.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")


def says(text):
    """Answers with these bytes."""
    def serve(sock):
        request(sock)
        sock.sendall(text)
        sock.recv(1)
    return serve


FAULTS = {
    "never": (late, 504, "timed out"),
    "drip": (drip, 504, "timed out"),
    "reset": (cut, 502, "malformed answer"),
    "short": (short, 502, "malformed answer"),
    "vanish": (lambda sock: reset(sock), 502, "connection reset"),
    "close": (lambda sock: request(sock), 502, "connection reset"),
    "endless": (endless, 502, "answer too long"),
    "huge": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\nx"), 502,
             "answer too long"),
    "length twice": (says(good(b"{}", b"Content-Length: 3\r\n")), 502, "malformed answer"),
    "length and chunked": (says(good(b"{}", b"Transfer-Encoding: chunked\r\n")), 502,
                           "malformed answer"),
    "length negative": (says(b"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\n{}"), 502,
                        "malformed answer"),
    "chunk size": (says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff"
                        b"\r\n"), 502, "malformed answer"),
    "not HTTP": (says(b"SSH-2.0-OpenSSH_9.2p1\r\n\r\n"), 502, "malformed answer"),
    "bare LF": (says(b"HTTP/1.1 200 OK\nContent-Length: 2\n\n{}"), 502, "malformed answer"),
    "head without end": (says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100000), 502,
                         "answer too long"),
    "1xx without end": (says(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000), 502, "answer too long"),
    "redirect loop": (answers(b"HTTP/1.1 302 Found\r\nLocation: /again\r\n"
                              b"Content-Length: 0\r\n\r\n"), 502, "too many redirects"),
    "redirect elsewhere": (says(b"HTTP/1.1 302 Found\r\nLocation: gopher://x/\r\n"
                                b"Content-Length: 0\r\n\r\n"), 502, "malformed answer"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults(app, two, name):
    """Each is an error in JSON within the deadline, and nothing stays behind."""
    serve, status, why = FAULTS[name]
    answer, took = ask(app, serve)
    assert answer.status == status, answer
    assert json.loads(answer.body) == {"error": f"backend.1: {why}"}
    assert took < TIMEOUT_S + 1.0, took


FINE = {
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n"
               b"0\r\nTrailer: t\r\n\r\n",
    "100 first": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
                 + good(b"{}"),
    "no reason": b"HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}",
    "lower case": b"HTTP/1.1 200 ok\r\ncontent-length:2\r\n\r\n{}",
}


@pytest.mark.parametrize("name", FINE)
def test_forms(app, two, name):
    """Answers that are right though unusual."""
    answer, _ = ask(app, answers(FINE[name]))
    assert answer.status == 200, answer
    assert json.loads(answer.body)["one"] == "{}"


def test_to_the_end(app, two):
    """HTTP/1.0 without a length: the body ends with the connection."""
    def serve(sock):
        request(sock)
        sock.sendall(b"HTTP/1.0 200 OK\r\n\r\n{}")
    answer, _ = ask(app, serve)
    assert json.loads(answer.body)["one"] == "{}"


def test_redirect(app, two):
    """Followed, relative ones too."""
    asked = []

    def serve(sock):
        while data := request(sock):
            path = data.split()[1]
            asked.append(path)
            where = {b"/one": b"sub/x?q=1", b"/sub/x?q=1": b"../end", b"/end": None}[path]
            sock.sendall(good(b"{}") if not where else b"HTTP/1.1 307 T\r\nLocation: " + where
                         + b"\r\nContent-Length: 0\r\n\r\n")
    answer, _ = ask(app, serve)
    assert answer.status == 200, answer
    assert asked == [b"/one", b"/sub/x?q=1", b"/end"]


def test_streamed(app, full):
    """A body far larger than memory passes in bounded memory."""
    size = (10 << 30) if full else (64 << 20)

    def serve(sock):
        request(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        block = b"x" * 65536
        for _ in range(size // len(block)):
            sock.sendall(block)
    answer, _ = ask(app, serve, "/count")
    assert json.loads(answer.body) == {"bytes": size}
