# SPDX-License-Identifier: MIT
"""The service itself: the answer to the byte, the clock, methods and paths."""

import email.utils
import json
import re
import time

import pytest

from client import Closed

BODY = re.compile(rb'\{"time": (\d{10}\.\d{6})\}\Z')
ERROR_S = 1.0


def served_time(answer):
    """The time in a 200's body, after checking its form."""
    assert answer.status == 200, answer
    assert answer.header("Content-Type") == "application/json"
    found = BODY.match(answer.body)
    assert found, answer.body
    return float(found[1])


def test_body_and_clock(site):
    """GET / is exactly {"time": S.UUUUUU}, within a second of the host's clock."""
    before = time.time()
    served = served_time(site.get())
    after = time.time()
    early = before - ERROR_S - site.row.late
    assert early <= served <= after + ERROR_S, (before, served, after)


@pytest.mark.busy
def test_monotonic(site):
    """A thousand answers never go back, and advance with the host's clock."""
    with site.client() as client:
        began, first = time.time(), served_time(client.get())
        last = first
        for _ in range(1000):
            now = served_time(client.get())
            assert now >= last, (last, now)
            last = now
        assert abs((last - first) - (time.time() - began)) < 0.2


def test_microseconds_move(site):
    """The six decimals are not zeros of a clock that counts seconds."""
    with site.client() as client:
        digits = {client.get().body[-7:-1] for _ in range(20)}
    assert len(digits) > 15, digits


def test_fields(site):
    """Date is right and in IMF-fixdate; the connection stays open without a word about it."""
    with site.client() as client:
        answer = client.get()
        date = answer.header("Date")
        assert re.fullmatch(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} "
                            r"\d\d:\d\d:\d\d GMT", date), date
        stamp = email.utils.parsedate_to_datetime(date).timestamp()
        assert abs(stamp - time.time()) <= 2, (date, time.time())
        weekday = time.strftime("%a", time.gmtime(stamp))
        assert date.startswith(weekday), (date, weekday)
        assert answer.header("Connection") in (None, "keep-alive")
        assert client.get().status == 200


def test_head(site):
    """HEAD: GET's fields, no body; the next answer follows at once."""
    with site.client() as client:
        length = client.get().header("Content-Length")
        answer = client.get(method="HEAD")
        assert answer.status == 200 and answer.header("Content-Length") == length
        assert answer.header("Content-Type") == "application/json"
        assert client.get().status == 200


def test_options(site):
    """OPTIONS on a route and on * name the methods."""
    with site.client() as client:
        answer = client.get(method="OPTIONS")
        assert answer.status in (200, 204), answer
        allowed = {word.strip() for word in answer.header("Allow").split(",")}
        assert allowed == {"GET", "HEAD", "OPTIONS"}, allowed
        assert client.get("*", method="OPTIONS").status in (200, 204)
        assert client.get().status == 200


def test_unknown_path(site):
    """404 with a JSON body, and the connection goes on."""
    with site.client() as client:
        for path in ("/nowhere", "/time/", "//", "/?", "/.", "/%2e"):
            answer = client.get(path)
            if path == "/?":
                assert answer.status == 200, (path, answer)
                continue
            assert answer.status == 404, (path, answer)
            assert answer.header("Content-Type") == "application/json"
            assert set(json.loads(answer.body)) == {"error"}
        assert client.get().status == 200


def test_query_is_not_path(site):
    """A query does not change the route."""
    with site.client() as client:
        assert client.get("/?a=b&c=%20/d").status == 200


def test_method_not_allowed(site):
    """405 with Allow; the body that came is not taken for a request."""
    with site.client() as client:
        for method in ("POST", "PUT", "DELETE", "PATCH"):
            client.send(f"{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 16\r\n\r\n"
                        "GET / HTTP/1.1\r\n")
            answer = client.answer()
            assert answer.status == 405, answer
            allowed = {word.strip() for word in answer.header("Allow").split(",")}
            assert allowed == {"GET", "HEAD", "OPTIONS"}, allowed
            assert set(json.loads(answer.body)) == {"error"}
            if answer.header("Connection") == "close":
                client.closed()
                break
            assert client.get().status == 200


def test_connection_close(site):
    """Connection: close is honoured and said."""
    with site.client() as client:
        answer = client.get(extra="Connection: close\r\n")
        assert answer.status == 200 and answer.header("Connection") == "close"
        client.closed()


def test_connection_close_among_others(site):
    """The option is found in any case and any list."""
    for value in ("Close", "foo, close", "close , keep-alive", "keep-alive,CLOSE"):
        with site.client() as client:
            assert client.get(extra=f"Connection: {value}\r\n").status == 200, value
            client.closed()


def test_http_1_0(site):
    """HTTP/1.0: answered and closed, unless keep-alive is asked for; Host is not required."""
    with site.client() as client:
        client.send("GET / HTTP/1.0\r\n\r\n")
        assert client.answer().status == 200
        client.closed()
    with site.client() as client:
        client.send("GET / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n")
        answer = client.answer()
        assert answer.status == 200
        if (answer.header("Connection") or "").lower() == "keep-alive":
            assert client.get().status == 200
        else:
            client.closed()


def test_absolute_form(site):
    """A request target in absolute form names the same resource."""
    with site.client() as client:
        for target in ("http://zeitkern.test/", "http://zeitkern.test:8080/?q", "HTTP://a/",
                       "http://zeitkern.test"):
            client.send(f"GET {target} HTTP/1.1\r\nHost: zeitkern.test\r\n\r\n")
            assert client.answer().status == 200, target


def test_field_noise(site):
    """What a strict server must still accept."""
    good = ("X-Empty:\r\n", "X-Tab:\ta\tb\t\r\n", "X-Spaces:    a    \r\n", "X-UTF8: \xc3\xa9\r\n",
            "!#$%&'*+-.^_`|~09azAZ: odd name\r\n", "Accept-Encoding: gzip, br\r\n",
            "Content-Length: 0\r\n", "hOsT2: a\r\n")
    with site.client() as client:
        for extra in good:
            assert client.get(extra=extra).status == 200, extra
        client.send("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.answer().status == 200
        client.send("GET / HTTP/1.2\r\nHost: a\r\n\r\n")
        assert client.answer().status in (200, 505)


def test_hosts(site):
    """Every well-formed Host is accepted."""
    for host in ("a", "a.b.c:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:8080", "a-b_c",
                 "xn--a", "a%20b", "A:"):
        with site.client() as client:
            client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")
            assert client.answer().status == 200, host


def test_nothing_before_a_request(site):
    """A client that connects and leaves costs nothing; one that says nothing is left alone."""
    for _ in range(20):
        site.client().close()
    with site.client() as client:
        time.sleep(0.5)
        assert client.get().status == 200


def test_early_close(site):
    """Connections cut in the middle of a request leave nothing behind."""
    request = "GET / HTTP/1.1\r\nHost: zeitkern.test\r\n\r\n"
    for cut in range(1, len(request), 7):
        with site.client() as client:
            client.send(request[:cut])


def test_half_close(site):
    """A client that has ended its side still gets its answers, then the end."""
    with site.client() as client:
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 3)
        client.sock.shutdown(1)
        for _ in range(3):
            assert client.answer().status == 200
        client.closed()
    with site.client() as client:
        client.send("GET / HT")
        client.sock.shutdown(1)
        try:
            assert client.answer().status in (400, 408)
        except Closed:
            pass


def test_stack_headroom(main_site, row):
    """The last test of all: a quarter of the deepest stack has never been used."""
    if row.board == "host":
        pytest.skip("a sanitizer's stack frames are not the image's")
    samples = main_site.metrics()
    deepest, size = (samples[f"zeitkern_task_stack_{name}bytes"] for name in ("deepest_", ""))
    assert deepest <= size * 3 / 4, (deepest, size)
