# SPDX-License-Identifier: MIT
"""app/aiohttp whose first backend has a name, in a service with a deadline for each request: name
servers that are silent, lie or loop in either family, and backends that vanish without a word."""

import concurrent.futures
import contextlib
import json
import threading
import time

import pytest
from backends import Backend, answers, good, request
from lies import LIES, loop
from nameserver import AAAA, NO_NAME, SERVFAIL, A, NameServer, address, record
from net6 import HOST6, enable
from netns import EXTRA

APP = "aiohttp"
ONE, TWO = 9001, 9002
SERVER = "10.77.3.2"                       # of which dnsmasq does not know
ELSEWHERE, VANISHING, NOBODY = EXTRA[0], "10.77.3.4", "10.77.3.5"
WRONG = {A: "198.51.100.66", AAAA: "2001:db8::66"}
DEADLINE_S = 1.0                           # of a request; a backend alone had half a minute
HANG_S = 15                                # half of that: what takes less, the request's has ended
NAME = "one.example"
SETTINGS = (f"dns={SERVER} ip6=fd77::77/64 http.deadline={int(DEADLINE_S * 1000)}"
            f" backend.timeout=30000 backend.1=http://{NAME}:{ONE}/"
            f" backend.2=http://{EXTRA[2]}:{TWO}/")
RIGHT = {A: ELSEWHERE, AAAA: HOST6}
FAMILIES = pytest.mark.parametrize("family", RIGHT, ids=("A", "AAAA"))


@pytest.fixture(autouse=True, scope="module")
def six(app_site):
    """The name server's own address, and IPv6 on the link and in the machine."""
    app_site.net.ip("addr", "add", f"{SERVER}/16", "dev", app_site.interface())
    enable(app_site.net)
    app_site.vm.wait_for(r"fd77::77", 10)


@pytest.fixture
def names(app):
    """The name server; each answer is for who asks now."""
    with NameServer(app.net, SERVER) as server:
        yield server


def finds(*addresses):
    """A reply() with these addresses, each of its family."""
    def reply(question):
        question.answer(*[address(text, ttl=0) for text in addresses
                          if (":" in text) == (question.type == AAAA)])
    return reply


def ask(app, path="/one"):
    """(status, JSON, seconds)."""
    began = time.monotonic()
    with app.client(timeout=2 * HANG_S) as client:
        answer = client.get(path)
    return answer.status, json.loads(answer.body), time.monotonic() - began


def failed(app, status, why, path="/one"):
    """It is that error, in time: the seconds."""
    got, body, seconds = ask(app, path)
    assert (got, body) == (status, {"error": f"backend.1: {why}"})
    assert seconds < HANG_S, seconds
    return seconds


# ---- The name server -------------------------------------------------------------------------

def all_time_out(app):
    """Each way to ask is ended by its request's deadline, of which a job has heard, too."""
    paths = ("/", "/one", "/relay")
    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        for seconds in pool.map(lambda path: failed(app, 504, "timed out", path), paths):
            assert seconds > DEADLINE_S - 0.1


def test_silent(app, names):
    """No name server answers."""
    all_time_out(app)
    assert NAME in names.asked


CANNOT = {"SERVFAIL": (SERVFAIL, "the name servers cannot tell"),
          "no name": (NO_NAME, "no such name"), "no address": (0, "no such name")}


@pytest.mark.parametrize("how", CANNOT)
def test_cannot(app, names, how):
    """The server says that it cannot, or that there is none."""
    code, why = CANNOT[how]
    names.reply = lambda question: question.answer(rcode=code)
    assert failed(app, 502, why) < DEADLINE_S


@FAMILIES
@pytest.mark.parametrize("lie", LIES, ids=lambda lie: lie.__name__)
def test_lies(app, names, lie, family):
    """Told before the truth, in either family."""
    def reply(question):
        if question.type == family:
            lie(question, WRONG[family])
            question.answer(address(RIGHT[family], ttl=0))
        else:
            question.answer()
    names.reply = reply
    with Backend(app.net, answers(good(b'{"a": 1}')), ONE, RIGHT[family]):
        assert ask(app)[:2] == (200, {"a": 1})


@FAMILIES
def test_loops(app, names, family):
    """Compression in circles: an error at the request's deadline, at the latest."""
    names.reply = lambda question: (loop(question, WRONG[family]) if question.type == family
                                    else question.answer())
    status, body, seconds = ask(app)
    assert status in (502, 504) and body["error"].startswith("backend.1: ")
    assert seconds < HANG_S


@FAMILIES
@pytest.mark.parametrize("length", (0, 4, 5, 15, 16, 17))
def test_lengths(app, names, family, length):
    """Of records that are none of their family are no addresses; the next record is."""
    size = {A: 4, AAAA: 16}[family]

    def reply(question):
        if question.type == family:
            question.answer(*[record(family, b"\x20" * length, 0)] * (length != size),
                            address(RIGHT[family], ttl=0))
        else:
            question.answer()
    names.reply = reply
    with Backend(app.net, answers(good(b'{"a": 1}')), ONE, RIGHT[family]):
        assert ask(app)[:2] == (200, {"a": 1})


NOWHERE = {"0.0.0.0": "no such name", "::": "no such name"}
NOWHERE.update(dict.fromkeys(("127.0.0.1", "224.0.0.1", "255.255.255.255", "10.77.255.255", "::1",
                              "ff02::1"), "no route"))


@pytest.mark.parametrize("where", NOWHERE)
def test_nowhere(app, names, where):
    """Addresses that no host has (RFC 1122 4.2.3.10): an error at once, nothing is sent there."""
    names.reply = finds(where)
    assert failed(app, 502, NOWHERE[where]) < DEADLINE_S


# ---- The backend -------------------------------------------------------------------------------

def test_never_answers(app, names):
    """It accepts and reads, no more."""
    names.reply = finds(ELSEWHERE)
    with Backend(app.net, lambda sock: request(sock) and sock.recv(1), ONE, ELSEWHERE) as one:
        all_time_out(app)
        assert one.accepted == 3


@pytest.mark.drains_late       # what waits for the silent one's Ethernet address
def test_second_address(app, names):
    """The first of two addresses is silent: the second has its share of the request's time."""
    names.reply = finds(NOBODY, ELSEWHERE)
    with Backend(app.net, answers(good(b'{"a": 1}')), ONE, ELSEWHERE):
        assert ask(app)[:2] == (200, {"a": 1})


@contextlib.contextmanager
def host(app):
    """A host beside the name server's: a function that makes it vanish, without a word."""
    words = (f"{VANISHING}/32", "dev", app.interface())
    there = [True]

    def vanish():
        app.net.ip("addr", "del", *words)
        there.clear()
    app.net.ip("addr", "add", *words)
    try:
        yield vanish
    finally:
        if there:
            vanish()


def asked(vanish):
    """With the request in its hands."""
    def serve(sock):
        request(sock)
        vanish()
        sock.recv(1)
    return serve


def in_body(vanish):
    """In the middle of its answer."""
    def serve(sock):
        request(sock)
        sock.sendall(good(b" " * 1000)[:-500])
        vanish()
        sock.recv(1)
    return serve


@pytest.mark.parametrize("when", (asked, in_body))
def test_vanishes(app, names, when):
    """Its host has gone, and says nothing any more: an error in time, and no socket is left."""
    names.reply = finds(VANISHING)
    with host(app) as vanish, Backend(app.net, when(vanish), ONE, VANISHING):
        failed(app, 504, "timed out")


@pytest.mark.drains_late       # the task that looks after kept connections
def test_vanishes_kept(app, names, full):
    """It vanishes between two requests on one connection, the second of which it never has."""
    if not full:
        pytest.skip("like the two above, with seconds more to wait: only in make test-full")
    before = app.metrics()
    names.reply = finds(VANISHING)
    served = threading.Event()

    def serve(sock):
        request(sock)
        sock.sendall(good(b'{"a": 1}'))
        served.set()
        sock.recv(1)
    with host(app) as vanish, Backend(app.net, serve, ONE, VANISHING) as one:
        assert ask(app)[:2] == (200, {"a": 1})
        vanish()
        failed(app, 504, "timed out")
        assert one.accepted == 1
    after = app.metrics()
    for pool in ("net_sock", "net_stream", "http_client"):
        pool = f'zeitkern_pool_used{{pool="{pool}"}}'
        assert after[pool] == before.get(pool, 0), pool
