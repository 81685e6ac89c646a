# SPDX-License-Identifier: MIT
"""app/aiohttp: two backends at once, and every way in which a backend can fail."""

import contextlib
import json
import socket
import subprocess
import threading
import time

import pytest
from backends import (PUT_OFF_S, Backend, answers, good, halves, program, request, reset,
                      usual)
from nameserver import AAAA, NameServer, address
from net6 import HOST6, enable
from netns import EXTRA, STATIC
from original import Original, lines

APP = "aiohttp"
ONE, TWO = 9001, 9002
TIMEOUT_S = 1.0
STEPS = 8                         # looks at memory while a long body passes
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
    assert json.loads(answer.body) == {"a": 1, "b": 2}


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


def test_two_writes(app, two):
    """Head and body in two writes: the first is acknowledged while the second is waited for."""
    with Backend(app.net, halves(good(b"{}")), ONE):
        assert app.get("/one").status == 200
        assert usual(lambda: app.get("/one")) < PUT_OFF_S / 2


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
    "not JSON": (says(good(b"{")), 502, "malformed answer"),
    "no object": (says(good(b"[1]")), 502, "malformed answer"),
    "deep JSON": (says(good(b'{"a":' * 40 + b"1" + b"}" * 40)), 502, "malformed answer"),
    "error": (says(good(b"{}").replace(b"200 OK", b"500 Oops")), 502, "answered with an error"),
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
    assert json.loads(answer.body) == {"b": 2}


def test_to_the_end(app, two):
    """HTTP/1.0 without a length: the body ends with the connection."""
    def serve(sock):
        request(sock)
        sock.sendall(b"HTTP/1.0 200 OK\r\n\r\n{}")
    answer, _ = ask(app, serve)
    assert json.loads(answer.body) == {"b": 2}


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


def test_cancelled(app, two):
    """A client that goes away: what it asked for is not waited for any more."""
    ended = threading.Event()

    def serve(sock):
        request(sock)
        sock.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(1) == b""
        ended.set()
    with Backend(app.net, serve, ONE) as first:
        with app.socket() as sock:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            while not first.accepted:
                time.sleep(0.01)
            time.sleep(0.1)
        assert ended.wait(TIMEOUT_S / 2)


def test_families(boot_app):
    """Names with addresses of both families: the next is tried when one refuses; IPv6 alone."""
    server = EXTRA[0]
    site = boot_app(f"ip={STATIC}/16 dns={server} ip6=fd77::77/64 backend.timeout=5000"
                    f" backend.1=http://both.example:{ONE}/ backend.2=http://six.example:{TWO}/",
                    start=False, dhcp=False)
    enable(site.net)
    site.boot()
    site.vm.wait_for(r"fd77::77", 10)
    site.before = site.resources()

    def reply(question):
        if question.type == AAAA:
            question.answer(address(HOST6))
        elif question.name == "both.example":
            question.answer(address(EXTRA[1]), address(EXTRA[2]))
        else:
            question.answer()
    with NameServer(site.net, server, reply) as names, \
            Backend(site.net, answers(good(b'{"a": 1}')), ONE, HOST6) as one, \
            Backend(site.net, answers(good(b'{"b": 2}')), TWO, HOST6) as two:
        answer = site.get("/")
        assert json.loads(answer.body) == {"a": 1, "b": 2}, answer
        assert (one.accepted, two.accepted) == (1, 1)
        assert sorted(names.asked) == ["both.example"] * 2 + ["six.example"] * 2


BODIES = (b'{"a": 1, "b": [true, null, "x"]}', b'{"b": {"c": 1.5e3}}', b'{"\\u00fc": "\xc3\xbc"}',
          b"{}", b"[]", b"null", b"{", b"", b'{"a": 1} x', b"\xff")


def test_original(app, two):
    """The original in Python answers the same, from the same backends."""
    original = Original(app.net, "aiohttp", 8090, f"http://10.77.0.1:{ONE}/one",
                        f"http://10.77.0.1:{TWO}/two", str(TIMEOUT_S))

    def same(serve, path="/"):
        with Backend(app.net, serve, ONE):
            ours, theirs = app.get(path), original.get(path)
        assert ours.status == theirs[0], (ours, theirs)
        if path == "/relay" and ours.status == 200:
            assert ours.body == theirs[2].encode()
            return
        ours, theirs = json.loads(ours.body), json.loads(theirs[2])
        if "error" in theirs:                # of which ours says why, too
            ours = {"error": ours["error"].partition(": ")[0], **{k: ours[k] for k in ours
                                                                if k != "error"}}
        assert ours == theirs
    try:
        for body in BODIES:
            same(answers(good(body)))
            same(answers(good(body)), "/one")
        for name in ("never", "reset", "short", "close", "not HTTP", "redirect loop", "error",
                     "chunk size"):
            same(FAULTS[name][0])
        for name in FINE.values():
            same(answers(name.replace(b"\r\n", b"\r\nContent-Type: application/json\r\n", 1)
                         if b"json" not in name else name))
        same(answers(good(b"".join(b"%d\n" % n for n in range(20000)))), "/relay")
        same(FAULTS["error"][0], "/relay")
        same(FAULTS["redirect loop"][0], "/relay")
        same(answers(good(b"")), "/sleep/50")
    finally:
        original.close()


def test_length():
    """The C app is at most twice as long as its original."""
    assert lines("app/aiohttp/main.c") <= 2 * lines("tests/apps/aiohttp_app.py")


def load(app, connections, seconds):
    """wrk, all of whose requests must succeed."""
    done = app.net.run("wrk", "-t", "2", "-c", str(connections), "-d", str(seconds), "--timeout",
                       "10", f"http://{app.address}:8080/", stdout=subprocess.PIPE)
    assert b"Non-2xx" not in done.stdout and b"Socket errors" not in done.stdout, done.stdout
    return done.stdout


@pytest.mark.parametrize("more", ["Connection: close", "HTTP/1.0"])
def test_many_connections(app, full, more):
    """Thousands of outgoing connections (with --full: 100,000) to each of two peers, which count
    them, closed by these or by us: none fails, and ports in TIME_WAIT do not run out."""
    wanted, made = 100000 if full else 2000, 0
    before = app.metrics()
    with program(app.net, ONE, 0, more), program(app.net, TWO, 0, more):
        while made < wanted:
            load(app, 8, 20 if full else 2)
            counts = json.loads(app.get("/").body)
            assert sorted(counts) == [str(ONE), str(TWO)]
            made = min(counts.values())
    after = app.metrics()
    assert after["net_tcp_connects_total"] - before["net_tcp_connects_total"] >= 2 * made
    for name in ("net_tcp_connects_no_port_total", "net_tcp_connects_no_room_total",
                 "http_client_retried_total"):
        assert after[name] == before[name], name


def stream(size, sent):
    """A backend that sends so much, with little of it in its own socket; sent[0] counts."""
    def serve(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32768)
        request(sock)
        sock.settimeout(None)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        block = b"x" * 16384
        while sent[0] < size:
            sent[0] += sock.send(block[:size - sent[0]])
    return serve


def relay(sock):
    """Asks for a relayed answer and reads its head: a file of what follows."""
    sock.sendall(b"GET /relay HTTP/1.1\r\nHost: x\r\n\r\n")
    file = sock.makefile("rb")
    assert file.readline() == b"HTTP/1.1 200 OK\r\n"
    while file.readline() != b"\r\n":
        pass
    return file


def chunks(file, limit=1 << 60):
    """Reads a body, at most about so many bytes of it: how many came, and whether its end did."""
    got = 0
    with contextlib.suppress(ConnectionResetError):
        while got < limit:
            size = int(file.readline() or b"-1", 16)
            if size <= 0:
                return got, size == 0
            got += len(file.read(size + 2)) - 2
    return got, False


def test_relayed(app, full):
    """A body far larger than memory passes in bounded memory."""
    size, sent, got = (10 << 30) if full else (32 << 20), [0], 0
    before, held = app.metrics()["zeitkern_heap_used_bytes"], []
    with Backend(app.net, stream(size, sent), ONE), app.socket(timeout=30) as sock:
        began, file = time.monotonic(), relay(sock)
        for _ in range(STEPS):
            got += chunks(file, size // (STEPS + 1))[0]
            held.append(app.metrics()["zeitkern_heap_used_bytes"] - before)
        more, whole = chunks(file)
    print(f"{size} bytes in {time.monotonic() - began:.1f} s, heap {min(held)} to {max(held)} more")
    assert got + more == size and whole
    assert max(held) < 64 << 10


def test_failed_relay(app):
    """A backend's error does not become a good answer."""
    for status in (b"404 Not Found", b"500 Oops"):
        answer, _ = ask(app, answers(good(b"{}").replace(b"200 OK", status)), "/relay")
        assert answer.status == 502, answer
        assert json.loads(answer.body) == {"error": "backend.1: answered with an error"}


def test_long_sleep(app):
    """Who asks to sleep for ever does, until it goes."""
    with app.socket(timeout=0.5) as sock:
        sock.sendall(b"GET /sleep/999999999999999999 HTTP/1.1\r\nHost: x\r\n\r\n")
        with pytest.raises(socket.timeout):
            sock.recv(1)


def test_cut_relay(app):
    """What was cut does not end as if it were whole."""
    def serve(sock):
        request(sock)
        sock.sendall(good(b"x" * 100000)[:-50000])
        time.sleep(0.2)
        reset(sock)
    with Backend(app.net, serve, ONE), app.socket() as sock:
        got, whole = chunks(relay(sock))
    assert got <= 50000 and not whole


def test_slow_reader(app):
    """Who does not read makes the backend wait, in bounded memory; who then reads gets it all."""
    size, sent = 16 << 20, [0]
    with Backend(app.net, stream(size, sent), ONE):
        sock = app.net.socket(socket.AF_INET, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16384)
        sock.settimeout(30)
        with sock:
            sock.connect((app.address, 8080))
            heap = app.metrics()["zeitkern_heap_used_bytes"]
            file = relay(sock)
            got, _ = chunks(file, 1000)
            time.sleep(1)
            before = sent[0]
            time.sleep(1)
            assert sent[0] == before < 1 << 20
            assert app.metrics()["zeitkern_heap_used_bytes"] < heap + (64 << 10)
            rest, whole = chunks(file)
            assert got + rest == size and whole


def test_reader_gone(app):
    """A client that goes away in the middle: the backend's connection ends, too."""
    sent = [0]
    with Backend(app.net, stream(1 << 30, sent), ONE) as one:
        with app.socket() as sock:
            chunks(relay(sock), 100000)
        deadline = time.monotonic() + 5
        while one.open and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not one.open
