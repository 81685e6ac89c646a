# SPDX-License-Identifier: MIT
"""Answers and request bodies in pieces, and clients that go away, by app/echo."""

import concurrent.futures
import contextlib
import json
import re
import socket
import ssl
import time

import pytest

import secure
from client import Client

MANY = 400000             # numbers: 2.7 MB, more than every buffer on the way
PAUSE_S = 1
LONG = 300000             # bytes, more than http.max_body and every window
LONG_FOR_IT = 120000      # for lm3s6965evb, whose few buffers lose what comes faster: 10 to 20 KB/s
PIECE = 2500              # sent at a time: a microcontroller takes TLS records up to 3,072 bytes
CANCELLED = re.compile(r"sleep: error (125|140)")   # Linux's and picolibc's


def numbers(n):
    """What GET /count/n answers."""
    return b"".join(b"%d\n" % i for i in range(1, n + 1))


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("n", [0, 1, 5000])
def test_count(echo, n, tls):
    """An answer in pieces, twice on one connection."""
    with secure.secure(echo) if tls else echo.client() as client:
        for _ in range(2):
            answer = client.get(f"/count/{n}")
            assert answer.status == 200 and answer.header("Content-Length") is None
            assert answer.header("Transfer-Encoding") == "chunked"
            assert answer.body == numbers(n)
        answer = client.get("/count/3", method="HEAD")
        assert answer.header("Transfer-Encoding") == "chunked"
        assert client.get("/hello/x").status == 200


def test_count_old(echo):
    """For HTTP/1.0 it ends with the connection."""
    with echo.client() as client:
        client.send("GET /count/2000 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        data = b""
        while True:
            more = client.sock.recv(65536)
            if not more:
                break
            data += more
    head, body = data.split(b"\r\n\r\n", 1)
    assert b"Transfer-Encoding" not in head and b"Connection: close" in head
    assert body == numbers(2000)


def reads_slowly(echo):
    """A client whose own buffer is small, with an answer that nobody reads under way."""
    sock = echo.net.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((echo.address, 8080))
    client = Client(sock, 30)
    client.send(f"GET /count/{MANY} HTTP/1.1\r\nHost: a\r\n\r\n")
    time.sleep(PAUSE_S)
    return client


@pytest.mark.large
def test_slow_reader(echo):
    """Who does not read makes the handler wait, and holds no more memory than its window; then
    everything comes."""
    heap = echo.metrics()["zeitkern_heap_used_bytes"]
    with reads_slowly(echo) as client:
        assert echo.metrics()["zeitkern_heap_used_bytes"] <= heap + 65536
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        assert client.answer().body == numbers(MANY)


@pytest.mark.large
def test_reader_goes(echo):
    """The handler hears that its reader has gone, and stops far from the end."""
    reads_slowly(echo).close()
    found = echo.vm.wait_for(r"count: (\d+), error \d+", 10)
    assert int(found[1]) < MANY // 2


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
def test_upload(echo, row, chunked, tls):
    """A body longer than http.max_body is read piece by piece; the handler takes a millisecond
    for each KiB, and its client has to wait for it."""
    length = LONG_FOR_IT if row.board == "lm3s6965evb" else LONG
    data = bytes(length)
    with secure.secure(echo, timeout=30) if tls else echo.client(timeout=30) as client:
        client.send("POST /swallow HTTP/1.1\r\nHost: a\r\n" +
                    ("Transfer-Encoding: chunked\r\n\r\n" if chunked else
                     f"Content-Length: {length}\r\n\r\n"))
        began = time.monotonic()
        for at in range(0, length, PIECE):
            piece = data[at:at + PIECE]
            client.send(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        if chunked:
            client.send("0\r\n\r\n")
        answer = client.answer()
        assert answer.body == b'{"read": %d}' % length
        assert time.monotonic() - began > 0.1
        assert client.get("/hello/x").status == 200


def test_continue(echo):
    """The client is told to go on when the handler begins to read."""
    with echo.client() as client:
        client.send("POST /swallow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n"
                    "Expect: 100-continue\r\n\r\n")
        assert client.answer().status == 100
        client.send("abc")
        assert client.answer().body == b'{"read": 3}'


def test_upload_ends(echo):
    """A body that is cut, or malformed, is an error to the handler."""
    with echo.client() as client:
        client.send("POST /swallow HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nx")
        assert client.answer().header("Connection") == "close"
        client.closed()
    with echo.client() as client:
        client.send("POST /swallow HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    echo.vm.wait_for(r"swallow: 3, error \d+", 10)


@pytest.mark.large
def test_deadline(echo, boot, echo_image):
    """What a handler calls, and a job that it starts, waits no longer than the request may take."""
    began = time.monotonic()
    assert echo.get("/within/300/9000").status == 504
    assert 0.3 <= time.monotonic() - began < 4
    with echo.client() as client:
        assert client.get("/within/5000/10").status == 204
        assert client.get("/sleep/20").status == 200
    site = boot("metrics=yes http.deadline=300", image=echo_image)
    with site.client() as client:
        began = time.monotonic()
        assert client.get("/sleep/9000").status == 503
        assert 0.3 <= time.monotonic() - began < 4
        assert client.get("/sleep/10").status == 200
        assert client.get("/within/9000/9000").status == 504
        assert client.get("/hello/x").status == 200
    site.vm.wait_for(r"sleep: error (110|116)", 5)


@pytest.mark.large
def test_any(echo):
    """job_any() tells of the job that ends first, then of the other, then that there is none."""
    paths = ["/race/10/1500", "/race/1500/10"] * 2
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(echo.get, paths))
    for n, answer in enumerate(answers):
        said = json.loads(answer.body)
        assert (said["first"], said["next"]) == (n % 2, 1 - n % 2) and said["last"] < 0, said


@pytest.mark.parametrize("how", ["close", "reset", "tls"])
def test_cancelled(echo, how):
    """A handler that sleeps is woken when its client goes away: -ECANCELED."""
    seen = len(CANCELLED.findall(echo.vm.console.text()))
    with secure.secure(echo) if how == "tls" else echo.client() as client:
        client.send("GET /sleep/30000 HTTP/1.1\r\nHost: a\r\n\r\n")
        time.sleep(0.3)
        if how == "reset":
            client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if isinstance(client.sock, ssl.SSLSocket):
            with contextlib.suppress(ssl.SSLError):       # an answer came after all
                client.sock.unwrap()
    deadline = time.monotonic() + 5
    while len(CANCELLED.findall(echo.vm.console.text())) == seen:
        assert time.monotonic() < deadline, echo.vm.console.text()
        time.sleep(0.05)
