# SPDX-License-Identifier: MIT
"""app/twisted: timers, connections and deferreds by callback, beside Twisted, and what a request
that waits costs."""

import contextlib
import json
import selectors
import socket
import time

import pytest
from backends import Backend, reset
from original import Original, lines, shown

from netns import EXTRA, HOST
from secure import in_the_end

APP = "twisted"
PORT, BACKEND_PORT = 9300, 9301
SETTINGS = f"backend.addr={HOST} backend.port={BACKEND_PORT}"
MEM = 256                # room for 10,000 and more connections
CROWD = 10000
PORTS = 20000            # client ports of one address
WAIT_MS, HOLD_MS, HOLD_MS_MAX = 1000, 8000, 32000
WAITS, WAITS_PEAK = (f'zeitkern_pool_{what}{{pool="app_waits"}}' for what in ("used", "peak"))
STACKS, PEAK = "zeitkern_task_stacks_used", "zeitkern_task_stacks_peak"
HANG_S = 60


@pytest.fixture(scope="module")
def original(app_site):
    """Twisted's own."""
    it = Original(app_site.net, APP, PORT, BACKEND_PORT)
    yield it
    it.close()


def reverse(sock):
    """A backend: sends back each line reversed, in two pieces."""
    text = b""
    while not text.endswith(b"\n"):
        more = sock.recv(100)
        if not more:
            return
        text += more
    word = text.strip()[::-1]
    sock.sendall(word[:2])
    time.sleep(0.02)
    sock.sendall(word[2:] + b"\nmore that nobody reads")


def waiting(app):
    """What GET / says."""
    answer = app.get("/")
    assert answer.status == 200
    return json.loads(answer.body)


def until(app, **wanted):
    """Waits until GET / says so."""
    deadline = time.monotonic() + HANG_S
    while not wanted.items() <= waiting(app).items():
        assert time.monotonic() < deadline, (wanted, waiting(app))
        time.sleep(0.05)


@pytest.mark.parametrize("path", ("/", "/wait/50", "/wait/0", "/chain/8", "/chain/7", "/chain/0",
                                  "/line/hello"))
def test_same(app, original, path):
    """Both answer the same: status, type and JSON."""
    with Backend(app.net, reverse, port=BACKEND_PORT):
        ours = app.get(path)
        status, kind, text = original.get(path)
    if path == "/":
        ours.body = ours.body.replace(b'"cancelled": %d' % waiting(app)["cancelled"],
                                      b'"cancelled": 0')
    assert (ours.status, ours.header("Content-Type"), ours.body.decode()) == (status, kind, text)


@pytest.mark.parametrize("path, status", (("/wait/x", 404), ("/wait", 405), ("/nothing", 404),
                                          ("/wait/5/6/7", 404), ("/wait/1/", 404)))
def test_tree(app, path, status):
    """What the tree does not have; a branch has children alone."""
    assert app.get(path).status == status


def test_methods(app):
    """A resource says which methods it has; HEAD is one of them."""
    with app.client() as client:
        client.send("PUT /wait/5 HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n")
        answer = client.answer()
        assert (answer.status, answer.header("Allow")) == (405, "GET, HEAD")
        client.send("HEAD /wait/5 HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.answer(head=True).status == 200


def test_order(app):
    """Each waits for its own timer, in whatever order they were set."""
    delays = [400, 50, 300, 0, 200, 100, 350, 150]
    began = time.monotonic()
    clients = [app.client() for _ in delays]
    for client, delay in zip(clients, delays):
        client.send(f"GET /wait/{delay} HTTP/1.1\r\nHost: a\r\n\r\n")
    for delay, client in sorted(zip(delays, clients), key=lambda pair: pair[0]):
        assert json.loads(client.answer().body) == {"waited": delay}
        assert time.monotonic() - began >= delay / 1000
        client.close()
    assert time.monotonic() - began < 5


def dripping(text, pause):
    """A backend that sends a text byte by byte."""
    def serve(sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.recv(100)
        for n in range(len(text)):
            sock.sendall(text[n:n + 1])
            time.sleep(pause)
    return serve


def reset_in_a_line(sock):
    """A backend that has said half of its line."""
    sock.recv(100)
    sock.sendall(b"ha")
    time.sleep(0.05)         # it has arrived: a reset would overtake it
    reset(sock)


@pytest.mark.parametrize("serve, status", (
    (dripping(b"olleh\n", 0.01), 200), (dripping(b"x" * 60, 0.1), 504), (reset_in_a_line, 502),
    (None, 502), (lambda sock: None, 502), (lambda sock: sock.recv(100) and time.sleep(3), 504)),
    ids=("drips", "drips-late", "resets", "absent", "closes", "silent"))
def test_line_faulty(app, original, serve, status):
    """A backend that drips, resets in the middle, is not there, hangs up, says nothing: the same
    to both."""
    with contextlib.ExitStack() as stack:
        if serve:
            stack.enter_context(Backend(app.net, serve, port=BACKEND_PORT))
        ours = app.get("/line/x")
        theirs = original.get("/line/x")
    assert (ours.status, ours.body.decode()) == (theirs[0], theirs[2])
    assert ours.status == status
    assert status != 200 or json.loads(ours.body) == {"line": "olleh"}


def test_timeout(boot_app):
    """backend.timeout=: a line that comes late, but in time."""
    site = boot_app(f"{SETTINGS} backend.timeout=20000")

    def serve(sock):
        sock.recv(100)
        time.sleep(1.5)                  # more than it would wait by itself
        sock.sendall(b"late\n")
    with Backend(site.net, serve, port=BACKEND_PORT):
        assert json.loads(site.get("/line/x").body) == {"line": "late"}


def test_long_line(app):
    """A line that is longer than it may be is not kept."""
    with Backend(app.net, lambda sock: sock.sendall(b"x" * 5000), port=BACKEND_PORT):
        assert app.get("/line/x").status == 502


@pytest.mark.parametrize("path", ("/wait/30000", "/line/x"))
def test_cancel(app, path):
    """A client that goes away cancels what it waits for; the backend sees its connection end."""
    before = waiting(app)["cancelled"]
    ended = []

    def serve(sock):
        with contextlib.suppress(ConnectionError):
            while sock.recv(100):
                pass
        ended.append(True)
    with Backend(app.net, serve, port=BACKEND_PORT):
        clients = [app.client() for _ in range(5)]
        for client in clients:
            client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
        until(app, waiting=5)
        for client in clients:
            client.close()
        until(app, waiting=0, cancelled=before + 5)
        deadline = time.monotonic() + HANG_S
        while path == "/line/x" and len(ended) < 5:
            assert time.monotonic() < deadline
            time.sleep(0.02)


@pytest.mark.parametrize("path", ("/wait/50", "/wait/0", "/chain/8", "/line/hello", "/nothing"))
def test_https_same(app, original, path):
    """Over HTTPS as over HTTP, and as Twisted."""
    with Backend(app.net, reverse, port=BACKEND_PORT), in_the_end(app)[0] as client:
        for _ in range(2):
            client.send(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
            ours, plain = client.answer(), app.get(path)
            assert (ours.status, ours.body) == (plain.status, plain.body)
        status, kind, text = original.get(path)
    assert ours.status == status
    if status == 200:
        assert (ours.header("Content-Type"), ours.body.decode()) == (kind, text)


def test_https_order(app):
    """Sessions that wait, for timers in any order, take no stack."""
    app.metrics()
    before = app.metrics()[STACKS]
    delays = [3400, 3050, 3300, 3000, 3200, 3100, 3350, 3150]
    clients = [in_the_end(app)[0] for _ in delays]
    for client, delay in zip(clients, delays):
        client.send(f"GET /wait/{delay} HTTP/1.1\r\nHost: a\r\n\r\n")
    until(app, waiting=len(delays))
    assert app.metrics()[STACKS] == before
    for delay, client in sorted(zip(delays, clients), key=lambda pair: pair[0]):
        assert json.loads(client.answer().body) == {"waited": delay}
        client.close()


@pytest.mark.parametrize("notify", (True, False), ids=("notify", "cut"))
def test_https_cancel(app, notify):
    """A session that ends, with or without a word, cancels what it waits for."""
    before = waiting(app)["cancelled"]
    clients = [in_the_end(app)[0] for _ in range(3)]
    for client in clients:
        client.send("GET /wait/30000 HTTP/1.1\r\nHost: a\r\n\r\n")
    until(app, waiting=3)
    for client in clients:
        if notify:
            with contextlib.suppress(OSError):
                client.sock.settimeout(0.1)
                client.sock.unwrap()
        client.close()
    until(app, waiting=0, cancelled=before + 3)


def pool_bytes(samples):
    """All that the objects of pools take, and the heap."""
    names = [key[len("zeitkern_pool_used"):] for key in samples
             if key.startswith("zeitkern_pool_used{")]
    return sum(samples[f"zeitkern_pool_used{name}"] * samples[f"zeitkern_pool_object_bytes{name}"]
               for name in names) + samples["zeitkern_heap_used_bytes"]


def crowd_of(app, count):
    """So many connections that are established."""
    return [app.socket(source=(HOST, *EXTRA)[n // PORTS]) for n in range(count)]


def answers(socks, ms):
    """Reads an answer from each: how many were 200 with what was asked."""
    good = 0
    with selectors.DefaultSelector() as selector:
        for sock in socks:
            selector.register(sock, selectors.EVENT_READ)
        deadline = time.monotonic() + HANG_S
        while selector.get_map():
            assert time.monotonic() < deadline, f"{len(selector.get_map())} not answered"
            for key, _ in selector.select(1):
                text = key.fileobj.recv(4096)
                good += text.startswith(b"HTTP/1.1 200 ") and text.endswith(b'{"waited": %d}' % ms)
                selector.unregister(key.fileobj)
    return good


def waited(app, socks, ms):
    """All ask for a wait of so long: (the figures while the most of them waited, seconds)."""
    began = time.monotonic()
    for sock in socks:
        sock.sendall(f"GET /wait/{ms} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
    during = app.metrics()
    while during[WAITS] < len(socks) and time.monotonic() - began < ms / 1000:
        during = app.metrics()
    assert answers(socks, ms) == len(socks)
    took = time.monotonic() - began
    assert took >= ms / 1000
    return during, took


def test_crowd(boot_app, row):
    """Ten thousand requests wait a second each, and then so long that all of them wait at the same
    time, however busy this computer is: no stack more, and a few hundred bytes each."""
    app = boot_app(SETTINGS, mem=MEM)
    app.metrics()
    before = app.metrics()
    socks = crowd_of(app, CROWD)
    connected = app.metrics()
    ms, during = WAIT_MS, before
    while during[WAITS] < CROWD:
        assert ms <= HOLD_MS_MAX, f"only {app.metrics()[WAITS_PEAK]:.0f} waited at once"
        during, took = waited(app, socks, ms)
        after = app.metrics()
        print(f"{row.name}: {CROWD} requests of {ms} ms, {after[WAITS_PEAK]:.0f} at once, "
              f"{took:.1f} s")
        assert after[PEAK] == after[STACKS] == before[STACKS] and after[WAITS] == 0
        ms = max(HOLD_MS, 2 * ms)
    assert during[STACKS] == before[STACKS]
    each = (pool_bytes(during) - pool_bytes(connected)) / CROWD
    connection = (pool_bytes(connected) - pool_bytes(before)) / CROWD
    print(f"{row.name}: {each:.0f} bytes each beside the {connection:.0f} of its connection")
    assert 0 < each < 600
    for sock in socks:
        sock.close()


def test_lines():
    """At most twice as long as the original."""
    assert lines("app/twisted/main.c") <= 2 * lines("tests/apps/twisted_app.py")


def test_shown():
    """README shows it beside its original, as both are."""
    assert shown(APP) == 1
