# SPDX-License-Identifier: MIT
"""Names: caching, retries, aliases, and what lying or broken name servers come to."""

import concurrent.futures
import contextlib
import json
import socket
import time

import pytest
from backends import Backend
from lies import LIES, WRONG, loop, other_id
from nameserver import (CNAME, CUT, NO_NAME, SERVFAIL, NameServer, address, name, over_tcp, record,
                        soa)

APP = "echo"
FIRST, SECOND = "10.77.3.2", "10.77.3.3"       # of which dnsmasq does not know
SETTINGS = f"dns={FIRST},{SECOND}"
RIGHT, OTHER = "192.0.2.7", "192.0.2.8"


@pytest.fixture(autouse=True, scope="module")
def addresses(app_site):
    """The servers' own addresses on the link."""
    for server in (FIRST, SECOND):
        app_site.net.ip("addr", "add", f"{server}/16", "dev", app_site.interface())


@pytest.fixture
def server(app):
    """The first server, which answers RIGHT unless the test says otherwise."""
    with NameServer(app.net, FIRST, lambda q: q.answer(address(RIGHT))) as first:
        yield first


def look_up(app, host):
    """What the machine finds: an address, or the status."""
    answer = app.get(f"/resolve/{host}")
    return json.loads(answer.body)["address"] if answer.status == 200 else answer.status


def test_cached(app, server):
    """For as long as the TTL says."""
    server.reply = lambda q: q.answer(address(RIGHT, ttl=2))
    for _ in range(5):
        assert look_up(app, "cached.example") == RIGHT
    assert len(server.asked) == 1
    time.sleep(2.1)
    assert look_up(app, "CACHED.example") == RIGHT
    assert len(server.asked) == 2


def test_not_cached(app, server):
    """TTL 0: for who asks now."""
    server.reply = lambda q: q.answer(address(RIGHT, ttl=0))
    for n in range(1, 4):
        assert look_up(app, "zero.example") == RIGHT
        assert len(server.asked) == n


def test_no_such_name(app, server):
    """Is remembered as the zone's SOA says, and not without one."""
    server.reply = lambda q: q.answer(rcode=NO_NAME, authority=[soa(2)])
    for _ in range(3):
        assert look_up(app, "none.example") == 404
    assert len(server.asked) == 1
    time.sleep(2.1)
    assert look_up(app, "none.example") == 404
    assert len(server.asked) == 2
    server.reply = lambda q: q.answer(rcode=NO_NAME)
    for n in range(3, 5):
        assert look_up(app, "none2.example") == 404
        assert len(server.asked) == n


def test_joined(app, server):
    """All who want one name at the same time wait for one question."""
    def late(question):
        time.sleep(0.5)
        question.answer(address(RIGHT))
    server.reply = late
    with concurrent.futures.ThreadPoolExecutor(40) as pool:
        found = set(pool.map(lambda _: look_up(app, "crowd.example"), range(40)))
    assert found == {RIGHT}
    assert server.asked == ["crowd.example"]


def test_alias(app, server):
    """CNAMEs are followed within the answer; records of other owners are not believed."""
    server.reply = lambda q: q.answer(address(WRONG, owner=name("evil.example")),
                                      record(CNAME, name("x.cdn.example")),
                                      address(RIGHT, owner=name("X.CDN.example")))
    assert look_up(app, "alias.example") == RIGHT


def test_lost(app, server):
    """A lost question is asked again, of the other server."""
    server.reply = None
    with NameServer(app.net, SECOND, lambda q: q.answer(address(RIGHT))) as second:
        began = time.monotonic()
        assert look_up(app, "lost.example") == RIGHT
        assert time.monotonic() - began < 3
        assert second.asked == ["lost.example"]


def test_cannot_say(app, server):
    """SERVFAIL: the other server is asked at once."""
    server.reply = lambda q: q.answer(rcode=SERVFAIL)
    with NameServer(app.net, SECOND, lambda q: q.answer(address(RIGHT))):
        began = time.monotonic()
        assert look_up(app, "fail.example") == RIGHT
        assert time.monotonic() - began < 0.9


def test_nobody_can_say(app, server):
    """All servers fail: an error before the deadline."""
    server.reply = lambda q: q.answer(rcode=SERVFAIL)
    with NameServer(app.net, SECOND, lambda q: q.answer(rcode=SERVFAIL)):
        assert look_up(app, "fails.example") == 502


def test_silent(app, server):
    """Nobody answers: the caller's deadline."""
    server.reply = None
    began = time.monotonic()
    assert look_up(app, "silent.example") == 504
    assert 4 < time.monotonic() - began < 7


@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_lies(app, server, lie):
    """Is not listened to: the true answer, which comes after it, is believed."""
    def reply(question):
        lie(question)
        question.answer(address(RIGHT))
    server.reply = reply
    assert look_up(app, f"{lie.__name__.replace('_', '-')}.example") == RIGHT


def test_other_port(app, server):
    """An answer from another port of the same host."""
    def reply(question):
        with app.net.inside(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.bind((FIRST, 0))
            question.send(question.message(address(WRONG)), other)
            question.answer(address(RIGHT))
    server.reply = reply
    assert look_up(app, "port.example") == RIGHT


def test_loops(app, server):
    """Compression in circles ends, and nothing in it is believed."""
    server.reply = loop
    began = time.monotonic()
    assert look_up(app, "loop.example") in (404, 502)
    assert time.monotonic() - began < 7


def test_ports_and_ids(app, server):
    """Cannot be guessed: no two of 40 questions share a port or an id."""
    seen = []

    def reply(question):
        seen.append((question.peer[1], question.id))
        question.answer(address(RIGHT))
    server.reply = reply
    for n in range(40):
        assert look_up(app, f"n{n}.example") == RIGHT
    ports, ids = {port for port, _ in seen}, {ident for _, ident in seen}
    assert len(ports) > 35 and len(ids) > 35
    assert len({port % 256 for port in ports}) > 25


@pytest.mark.parametrize("part", ((), (address(WRONG),)), ids=("nothing", "some"))
def test_cut_off(app, server, part):
    """An answer that UDP had no room for is asked for over TCP, once."""
    asked = []
    server.reply = lambda q: q.answer(*part, flags=CUT)
    whole = over_tcp(lambda q: q.answer(*[address(RIGHT)] * 100), asked)
    with Backend(app.net, whole, 53, FIRST):
        for _ in range(3):
            assert look_up(app, f"cut{len(part)}.example") == RIGHT
    assert asked == server.asked == [f"cut{len(part)}.example"]


def endless(sock):
    """Says 64 KiB and sends more."""
    sock.sendall(b"\xff\xff")
    while True:
        sock.sendall(bytes(10000))


BAD_TCP = {"none": None, "closes": lambda sock: None, "silent": lambda sock: sock.recv(1000, 256),
           "endless": endless, "other": over_tcp(other_id, []),
           "fails": over_tcp(lambda q: q.answer(rcode=SERVFAIL), [])}


@pytest.mark.parametrize("how", BAD_TCP)
def test_cut_off_and_no_tcp(app, server, how):
    """Then it is used as far as it goes; and if that is nowhere, the other server is asked."""
    def reply(question):
        question.answer(*[address(RIGHT)] * question.name.startswith("some"), flags=CUT)
    server.reply = reply
    with contextlib.ExitStack() as stack:
        if BAD_TCP[how]:
            stack.enter_context(Backend(app.net, BAD_TCP[how], 53, FIRST))
        second = stack.enter_context(NameServer(app.net, SECOND, lambda q: q.answer(address(
            OTHER))))
        began = time.monotonic()
        assert look_up(app, f"some.{how}.example") == RIGHT
        assert second.asked == []
        assert look_up(app, f"no.{how}.example") == OTHER
        assert time.monotonic() - began < 5


def test_cut_off_crowd(app, server):
    """More at once than may ask over TCP: the others' answers go as far as they go."""
    asked = []
    server.reply = lambda q: q.answer(address(OTHER), flags=CUT)
    with Backend(app.net, over_tcp(lambda q: q.answer(address(RIGHT)), asked), 53, FIRST), \
            concurrent.futures.ThreadPoolExecutor(40) as pool:
        found = set(pool.map(lambda n: look_up(app, f"crowd{n}.example"), range(40)))
    assert asked and RIGHT in found and found <= {RIGHT, OTHER}


def test_many_names(app, server):
    """More names than the cache holds: the oldest go, none fails."""
    for n in range(150):
        assert look_up(app, f"m{n}.example") == RIGHT
    used = app.metrics()['zeitkern_pool_used{pool="dns_names"}']
    assert used <= 64


def test_absurd_names(app, server):
    """Are none."""
    for host in ("a..b", "x" * 64 + ".example", "." + "a", "x" * 60 + ".y" * 120):
        assert look_up(app, host) == 404
    assert not server.asked
