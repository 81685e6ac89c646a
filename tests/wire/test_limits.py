# SPDX-License-Identifier: MIT
"""Limits and time-outs: slow clients, full house, clients that vanish.

The machine `quick` has head_timeout=1, body, idle and write_timeout=2 seconds; `few` has
room for eight connections.
"""

import select
import socket
import threading
import time

import pytest

from client import Closed
from frames import RST, Forger

HEAD_S, IDLE_S, WRITE_S = 1, 2, 2
SLACK_S = 1.5
MOST = 8
STREAMS = 'zeitkern_pool_used{pool="http_conns"}'


def test_head_timeout(quick):
    """Half a request: 408 and closed, counted from its first byte."""
    with quick.client() as client:
        time.sleep(0.7 * IDLE_S)
        client.send("GET / HT")
        began = time.monotonic()
        answer = client.answer()
        took = time.monotonic() - began
        assert answer.status == 408, answer
        assert HEAD_S - 0.2 <= took <= HEAD_S + SLACK_S, took
        client.closed()


def test_slow_loris(quick):
    """A byte now and then does not extend the time for a head."""
    with quick.client() as client:
        began = time.monotonic()
        client.send("GET / HTTP/1.1\r\n")
        while not select.select([client.sock], [], [], 0.2)[0]:
            client.send("X: a\r\n")
            assert time.monotonic() - began < HEAD_S + SLACK_S
        assert client.answer().status == 408


def test_many_slow_ones(quick):
    """Fifty of them, or as many as there is room for, do not delay others."""
    slow = [quick.client() for _ in range(quick.crowd(50))]
    for client in slow:
        client.send("GET /")
    worst = 0.0
    for _ in range(20):
        began = time.monotonic()
        assert quick.get().status == 200
        worst = max(worst, time.monotonic() - began)
    assert worst < 0.5, worst
    for client in slow:
        assert client.answer().status == 408
        client.close()


def test_slow_body(quick):
    """A body that does not come: 408 and closed."""
    with quick.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
        began = time.monotonic()
        try:
            assert client.answer().status in (200, 408)
        except Closed:
            pass
        client.ended(timeout=IDLE_S + SLACK_S + 5)
        assert time.monotonic() - began <= 2 * IDLE_S + SLACK_S


def test_idle_timeout(quick):
    """A connection that says nothing, and one between requests, is closed without a word."""
    for first in (False, True):
        with quick.client() as client:
            if first:
                assert client.get().status == 200
            began = time.monotonic()
            client.closed(timeout=IDLE_S + SLACK_S + 5)
            took = time.monotonic() - began
            assert IDLE_S - 0.3 <= took <= IDLE_S + SLACK_S, took


def test_requests_keep_it_alive(quick):
    """Idle time counts between requests, not from the start."""
    with quick.client() as client:
        for _ in range(5):
            time.sleep(0.6 * IDLE_S)
            assert client.get().status == 200


def test_reader_that_stops(quick):
    """Answers that nobody reads: the connection goes, its memory with it."""
    sock = quick.net.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.connect((quick.address, 8080))
    sock.settimeout(WRITE_S + SLACK_S + 10)
    began = time.monotonic()
    with pytest.raises(OSError):
        while time.monotonic() - began < WRITE_S + SLACK_S + 8:
            sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 100)
    sock.close()


def test_vanished_idle_peers(quick):
    """Peers that vanish without a word while idle are reclaimed by the idle time."""
    gone = [quick.client() for _ in range(quick.crowd(20))]
    for client in gone:
        client.get()
    for client in gone:
        client.ended(timeout=IDLE_S + SLACK_S + 5)
        client.close()


def test_vanished_peers(quick):
    """Peers that are gone without a word are reclaimed by the same times."""
    with Forger(quick, last=(3, 9)) as forger:
        held = quick.resources()[STREAMS]
        gone = [forger.tcp() for _ in range(quick.crowd(20))]
        for number, tcp in enumerate(gone):
            tcp.open()
            if number % 2:
                tcp.request()
        assert quick.resources()[STREAMS] == held + len(gone)
        deadline = time.monotonic() + IDLE_S + WRITE_S + SLACK_S + 5
        while quick.resources()[STREAMS] > held:
            assert time.monotonic() < deadline, quick.resources()
            time.sleep(0.2)
        for tcp in gone:
            tcp.reset()
            tcp.send(RST, seq=tcp.seq)


def test_eviction_of_the_oldest_idle(few):
    """At the limit the connection that has been idle longest goes, and the newcomer is served."""
    clients = []
    for _ in range(MOST):
        client = few.client()
        assert client.get().status == 200
        clients.append(client)
        time.sleep(0.02)
    with few.client() as newcomer:
        assert newcomer.get().status == 200
        clients[0].ended(timeout=3)
        for client in clients[3:]:
            assert client.get().status == 200
    for client in clients:
        client.close()


def test_full_house(few):
    """When no connection is idle, one more is told 503, and later ones are served again."""
    busy = []
    for _ in range(MOST):
        client = few.client()
        client.send("GET / HTTP/1.1\r\n")
        busy.append(client)
    time.sleep(0.2)
    with few.client() as newcomer:
        newcomer.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = newcomer.answer()
        assert answer.status == 503, answer
        newcomer.ended(timeout=3)
    for client in busy:
        client.send("Host: a\r\n\r\n")
        assert client.answer().status == 200
        client.close()
    assert few.get().status == 200


def test_crowd(few):
    """Many more clients than places, all at once: each gets an answer or an end, none hangs."""
    results = []

    def one():
        try:
            with few.client(timeout=15) as client:
                results.append(client.get().status)
        except (Closed, ConnectionError):
            results.append("closed")
        except OSError as error:
            results.append(repr(error))

    threads = [threading.Thread(target=one) for _ in range(64)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 64 and set(results) <= {200, 503, "closed"}, results
    assert results.count(200) >= MOST, results
    assert few.get().status == 200


def test_per_address_limit(boot):
    """http.max_per_address: off by default; when set, other addresses are not touched by it."""
    site = boot("http.max_per_address=4 metrics=yes")
    held = []
    for _ in range(4):
        client = site.client(source="10.77.0.2")
        assert client.get().status == 200
        held.append(client)
    try:
        with site.client(source="10.77.0.2", timeout=5) as fifth:
            answer = fifth.get()
            assert answer.status in (429, 503), answer
    except (Closed, ConnectionError):
        pass
    for _ in range(6):
        assert site.client(source="10.77.0.3").get().status in (200, 429, 503)
    with site.client(source="10.77.0.4") as other:
        assert other.get().status == 200
    for client in held:
        client.close()
    time.sleep(0.3)
    with site.client(source="10.77.0.2") as again:
        assert again.get().status == 200


def test_size_limits_are_settings(boot):
    """http.max_uri, max_head, max_headers and max_body do what they say."""
    site = boot("http.max_uri=64 http.max_head=512 http.max_headers=8 http.max_body=100")
    for raw, status in (
            ("GET /" + "a" * 50, 404), ("GET /" + "a" * 80, 414)):
        with site.client() as client:
            client.send(raw + " HTTP/1.1\r\nHost: a\r\n\r\n")
            assert client.answer().status == status, raw
    for fields, status in (("X: a\r\n" * 6, 200), ("X: a\r\n" * 9, 431),
                           ("X: " + "a" * 300 + "\r\n", 200), ("X: " + "a" * 600 + "\r\n", 431)):
        with site.client() as client:
            assert client.get(extra=fields).status == status, fields
    for size, status in ((100, 405), (101, 413)):
        with site.client() as client:
            head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {size}\r\n\r\n"
            client.send(head + "b" * size)
            assert client.answer().status == status, size
