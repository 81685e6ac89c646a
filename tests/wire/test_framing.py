# SPDX-License-Identifier: MIT
"""How requests are cut and joined: segments, pipelines, bodies (RFC 9112 sections 6, 7, 9)."""

import json
import random
import threading
import time

import pytest

from client import Client, Closed
from frames import UDP, Forger

GET = b"GET / HTTP/1.1\r\nHost: zeitkern.test\r\nAccept-Encoding: gzip\r\n\r\n"
DEPTH = 1000


def test_byte_by_byte(site):
    """One request in as many segments as it has bytes."""
    with site.client() as client:
        for _ in range(2):
            for n in range(len(GET)):
                client.send(GET[n:n + 1])
                time.sleep(0.001)
            assert client.answer().status == 200


def test_cut_everywhere(site):
    """One request in two segments, cut at each place."""
    with site.client() as client:
        for cut in range(1, len(GET)):
            client.send(GET[:cut])
            time.sleep(0.002)
            client.send(GET[cut:])
            assert client.answer().status == 200, cut


def test_two_in_pieces(site):
    """Requests whose borders do not fall on the segments' borders."""
    stream, pieces = GET * 50, random.Random(1)
    with site.client() as client:
        at = 0
        while at < len(stream):
            step = pieces.randint(1, 3 * len(GET))
            client.send(stream[at:at + step])
            at += step
        for _ in range(50):
            assert client.answer().status == 200
        assert client.buffer == b""


def test_pipeline(site):
    """A thousand requests at once, answered in order: the paths say which is which."""
    paths = ["/" if n % 3 else f"/missing-{n}" for n in range(DEPTH)]
    stream = "".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n" for path in paths).encode()
    with site.client(timeout=30) as client:
        sender = threading.Thread(target=client.send, args=(stream,))
        sender.start()
        for path in paths:
            assert client.answer().status == (200 if path == "/" else 404), path
        sender.join()
        assert client.get().status == 200


def test_pipeline_unread(site):
    """A client that sends a deep pipeline and reads nothing for a while loses nothing."""
    with site.client(timeout=30) as client:
        sender = threading.Thread(target=client.send, args=(GET * DEPTH,))
        sender.start()
        time.sleep(1)
        assert site.get().status == 200
        for n in range(DEPTH):
            assert client.answer().status == 200, n
        sender.join()


def test_pipeline_with_head(site):
    """HEAD and OPTIONS between GETs keep their places."""
    order = ["GET", "HEAD", "OPTIONS", "HEAD", "GET"] * 20
    with site.client() as client:
        client.send("".join(f"{method} / HTTP/1.1\r\nHost: a\r\n\r\n" for method in order))
        for method in order:
            answer = client.answer(head=method == "HEAD")
            assert answer.status in (200, 204)
            assert (answer.body != b"") == (method == "GET") or method == "OPTIONS"


def test_pipeline_then_close(site):
    """What follows Connection: close is not answered."""
    with site.client() as client:
        client.send(GET + b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + GET * 5)
        assert client.answer().status == 200
        assert client.answer().status == 200
        client.closed()


def echo_of(client, head, body):
    """Sends a POST /echo; its answer."""
    client.send(b"POST /echo HTTP/1.1\r\nHost: a\r\n" + head + b"\r\n" + body)
    return client.answer()


def chunks(body, sizes, extension=b"", trailer=b""):
    """A body in chunked coding."""
    out, at = b"", 0
    for size in sizes:
        piece = body[at:at + size]
        if piece:
            out += b"%x%s\r\n%s\r\n" % (len(piece), extension, piece)
        at += size
    assert at >= len(body)
    return out + b"0" + extension + b"\r\n" + trailer + b"\r\n"


def test_body_with_length(echo):
    """Bodies of all sizes come back as they were, one after the other."""
    most = min(40000, echo.budget.body)
    noise = random.Random(2).randbytes(most)
    with echo.client() as client:
        for size in (0, 1, 2, 100, 535, 536, 537, 1459, 1460, 1461, 4096, 8192, 20000, most):
            if size > most:
                continue
            head = b"Content-Type: application/octet-stream\r\nContent-Length: %d\r\n" % size
            answer = echo_of(client, head, noise[:size])
            assert answer.status == 200 and answer.body == noise[:size], size
            assert answer.header("Content-Type") == "application/octet-stream"


def test_body_chunked(echo):
    """Chunked bodies: sizes, extensions, trailers, upper-case digits, leading zeros."""
    most = min(20000, echo.budget.body)
    noise = random.Random(3).randbytes(most)
    with echo.client() as client:
        for sizes in ([most], [1] * 50 + [most], [10] * 2000, [4096] * 5, [1459, 1, 1460, most]):
            answer = echo_of(client, b"Transfer-Encoding: chunked\r\n", chunks(noise, sizes))
            assert answer.status == 200 and answer.body == noise
        body = chunks(noise, [most // 40] * 41, b';name=value;other="q;\\"x";flag',
                      b"X-Trailer: a\r\nContent-Length: 3\r\n")
        answer = echo_of(client, b"transfer-encoding: Chunked\r\nTrailer: X-Trailer\r\n", body)
        assert answer.status == 200 and answer.body == noise
        answer = echo_of(client, b"Transfer-Encoding: chunked\r\n",
                         b"00000A\r\n0123456789\r\n1F\r\n" + b"y" * 31 + b"\r\n000\r\n\r\n")
        assert answer.body == b"0123456789" + b"y" * 31


def test_body_in_pieces(echo):
    """Bodies cut into many segments, with a request behind."""
    body = bytes(range(256)) * 4
    raw = (b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
           + chunks(body, [100] * 11, b";e", b"T: v\r\n"))
    with echo.client() as client:
        for step in (1, 7, 100):
            for at in range(0, len(raw), step):
                client.send(raw[at:at + step])
            assert client.answer().body == body
        client.send(raw * 5 + b"GET /hello/x HTTP/1.1\r\nHost: a\r\n\r\n")
        for _ in range(5):
            assert client.answer().body == body
        assert json.loads(client.answer().body) == {"hello": "x"}


def test_body_nobody_wants(echo):
    """A body that the handler does not look at is skipped, not taken for a request."""
    with echo.client() as client:
        client.send(b"GET /hello/a HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(GET)
                    + GET)
        assert client.answer().status == 200
        assert client.get("/hello/b").status == 200


def test_expect_continue(echo):
    """Expect: 100-continue: the word comes before the body is sent, once."""
    with echo.client() as client:
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                    "Expect: 100-Continue\r\n\r\n")
        assert client.answer().status == 100
        client.send("hello")
        answer = client.answer()
        assert answer.status == 200 and answer.body == b"hello"
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n"
                    "Expect: 100-continue\r\n\r\nhello")
        answer = client.answer()
        if answer.status == 100:
            answer = client.answer()
        assert answer.status == 200 and answer.body == b"hello"


def test_expect_refused(echo):
    """A body that is too large is refused instead of asked for."""
    with echo.client() as client:
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n"
                    "Expect: 100-continue\r\n\r\n")
        assert client.answer().status == 413
        client.closed()


def test_expect_in_http_1_0(echo):
    """An HTTP/1.0 client never gets a 100 (RFC 9110 section 10.1.1)."""
    with echo.client() as client:
        client.send("POST /echo HTTP/1.0\r\nHost: a\r\nContent-Length: 5\r\n"
                    "Expect: 100-continue\r\n\r\n")
        time.sleep(0.2)
        client.send("hello")
        answer = client.answer()
        assert answer.status == 200 and answer.body == b"hello"


def test_body_too_large_chunked(echo):
    """The limit holds for a chunked body, whose size is not known before."""
    with echo.client() as client:
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        try:
            for _ in range(400):
                client.send(b"1000\r\n" + b"x" * 4096 + b"\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass
        try:
            assert client.answer().status == 413
        except (ConnectionResetError, Closed) as error:
            raise AssertionError("the refusal was overtaken by a reset") from error


def test_post_needs_length(echo):
    """POST without a length: 411."""
    with echo.client() as client:
        client.send("POST /echo HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.answer().status == 411


def test_parameters(echo):
    """Path parameters: one segment, percent-decoded; the query does not belong to them."""
    with echo.client() as client:
        for path, name in (("/hello/world", "world"), ("/hello/a%20b?c=d", "a b"),
                           ("/hello/%22%5C", '"\\'), ("/hello/%C3%A9", "\u00e9"),
                           ("/hello/a+b", "a+b"), ("/hello/" + "x" * 200, "x" * 200)):
            answer = client.get(path)
            assert answer.status == 200, (path, answer)
            assert json.loads(answer.body.decode("utf-8")) == {"hello": name}
        for path in ("/hello", "/hello/", "/hello/a/b", "/Hello/a"):
            assert client.get(path).status == 404, path


def test_handlers_that_wait(echo):
    """Requests that sleep are served at the same time, as many as there are stacks, the others
    refused; and other requests pass them."""
    clients = [echo.client(timeout=20) for _ in range(echo.crowd(20))]
    began = time.monotonic()
    for client in clients:
        client.send("GET /sleep/1000 HTTP/1.1\r\nHost: a\r\n\r\n")
    quick = time.monotonic()
    assert echo.get("/hello/x").status == 200
    assert time.monotonic() - quick < 0.8
    answers = [client.answer().status for client in clients]
    for client in clients:
        client.close()
    assert set(answers) <= {200, 503}, answers
    assert answers.count(200) >= min(len(clients), max(1, echo.budget.stacks - 2)), answers
    assert time.monotonic() - began < 5


def test_waiting_keeps_order(echo):
    """In a pipeline, what follows a slow request waits for it."""
    with echo.client() as client:
        client.send("GET /sleep/300 HTTP/1.1\r\nHost: a\r\n\r\n"
                    "GET /hello/second HTTP/1.1\r\nHost: a\r\n\r\n")
        assert "slept" in json.loads(client.answer().body)
        assert json.loads(client.answer().body) == {"hello": "second"}


def test_leaving_while_it_waits(echo):
    """A client that leaves in the middle of a handler's wait leaves nothing behind."""
    for _ in range(10):
        with echo.client() as client:
            client.send("GET /sleep/500 HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.02)
    time.sleep(0.7)


def test_large_answer(echo):
    """An answer of many windows arrives whole, also to a slow reader."""
    size = min(60000, echo.budget.answer // 3)
    with echo.client(timeout=30) as client:
        answer = client.get(f"/big/{size}")
        assert answer.status == 200 and answer.body == b"x" * size
    sock = echo.socket()
    slow = Client(sock, 30)
    slow.send(f"GET /big/{size} HTTP/1.1\r\nHost: a\r\n\r\n")
    got = b""
    while len(got) < size:
        time.sleep(0.01)
        got += sock.recv(2000)
    slow.close()


def test_names(echo):
    """The DNS client finds a name that dnsmasq knows, and says so when there is none."""
    answer = echo.get("/resolve/test.example")
    assert answer.status == 200 and json.loads(answer.body) == {"address": "10.77.0.1"}, answer
    answer = echo.get("/resolve/10.77.0.7")
    assert json.loads(answer.body) == {"address": "10.77.0.7"}, answer
    assert echo.get("/resolve/missing.example").status in (404, 502)


@pytest.mark.large
def test_names_of_the_other_family(echo):
    """A name that only has an address of IPv6; and such an address as text."""
    for host in ("six.example", "fd77:0::9", "[fd77::9]"):
        answer = echo.get(f"/resolve/{host}")
        assert json.loads(answer.body) == {"address": "fd77::9"}, answer


def test_names_are_asked_unpredictably(echo):
    """DNS queries come from different ports with different numbers (RFC 5452)."""
    asked = set()
    with Forger(echo) as watcher:
        for n in range(8):
            assert echo.get(f"/resolve/missing-{n}.example").status in (404, 502)
        while True:
            frame = watcher.receive(lambda f: f[12:14] == b"\x08\x00" and f[23] == UDP
                                    and f[36:38] == b"\0\x35", 0.3)
            if not frame:
                break
            asked.add((frame[34:36], frame[42:44]))
    assert len(asked) >= 8, asked
    assert min(len(set(column)) for column in zip(*asked)) >= 6, asked
