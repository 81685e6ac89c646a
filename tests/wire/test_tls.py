# SPDX-License-Identifier: MIT
"""HTTPS on every machine: TLS 1.3 (RFC 8446) with a certificate that the machine made itself.

The echo service has the bodies; whatever is done to the TLS port, HTTPS is served afterwards,
and the fixtures see that every pool is as full as before.
"""

import contextlib
import random
import socket
import ssl
import struct
import subprocess

import pytest

from client import Client
from secure import ByHand, PORT, fingerprint, fingerprints, in_pieces, in_the_end, raw, secure

GET = b"GET /show HTTP/1.1\r\nHost: zeitkern.test\r\n\r\n"
POST = "POST /echo HTTP/1.1\r\nHost: zeitkern.test\r\nContent-Length: {}\r\n\r\n"
NOISE = random.Random(4).randbytes(16384)
HEAP_SIZE = "zeitkern_heap_bytes"
LAST_FLIGHT = 80         # bytes: ChangeCipherSpec and Finished
# What is no ClientHello, and what it is.
GARBAGE = {
    "http": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "noise": NOISE,
    "zeros": bytes(1000),
    "sslv2": bytes.fromhex("802e0100020015000000100100800200800300800400800500800600400700c0"
                           "0606bd03a9d5a1c4f0e7b1d2") + bytes(8),
    "alert": bytes.fromhex("15030100020100"),
    "data first": bytes.fromhex("1703030020") + NOISE[:32],
    "long record": bytes.fromhex("160301ffff") + NOISE,
    "server hello": bytes.fromhex("160301002c020000280303") + NOISE[:38],
    "empty hello": bytes.fromhex("160301000401000000"),
}


def still_served(site):
    """A new client is."""
    client, _ = in_the_end(site)
    with client:
        assert client.get("/show").status == 200


def test_time_by_curl(site):
    """GET / by curl, whose pin is what the console says; HTTP goes on beside."""
    with secure(site) as client:
        assert client.sock.version() == "TLSv1.3"
        assert client.sock.selected_alpn_protocol() == "http/1.1"
        assert [fingerprint(client.sock)] == fingerprints(site)
        assert site.get().status == 200
        assert b'{"time": ' in client.get().body
    done = site.net.run("curl", "-sSk", "--tlsv1.3", "-w", " %{http_code} %{http_version}",
                        f"https://{site.address}:{PORT}/", stdout=subprocess.PIPE, timeout=60)
    assert done.stdout.startswith(b'{"time": ') and done.stdout.endswith(b" 200 1.1"), done.stdout


def test_certificate(site):
    """It names the machine, is signed by its own key and is not another's issuer."""
    with secure(site) as client:
        der = client.sock.getpeercert(binary_form=True)
    show = ["openssl", "x509", "-inform", "der", "-noout", "-text", "-nameopt", "compat"]
    text = subprocess.run(show, input=der, stdout=subprocess.PIPE, check=True).stdout.decode()
    for words in ("Version: 3", "ecdsa-with-SHA256", "NIST CURVE: P-256", "CA:FALSE", "DNS:"):
        assert words in text, text
    pem = ssl.DER_cert_to_PEM_cert(der)
    checked = subprocess.run(["openssl", "verify", "-check_ss_sig", "-CAfile", "/dev/stdin"],
                             input=(pem + pem).encode(), stdout=subprocess.PIPE, check=False,
                             stderr=subprocess.STDOUT)
    assert b"signature failure" not in checked.stdout, checked.stdout


def test_one_session(echo):
    """Many requests in one session, then many at once; our close_notify is answered by one."""
    with secure(echo) as client:
        for n in range(20):
            assert client.get(f"/hello/n{n}").body == f'{{"hello": "n{n}"}}'.encode()
        client.send(GET * 8)
        for _ in range(8):
            assert client.answer().status == 200
        client.sock.unwrap().close()


def test_close(echo):
    """Connection: close ends with a close_notify, and so does a request with ours behind it."""
    with secure(echo) as client:
        assert client.get("/show", "Connection: close\r\n").status == 200
        client.closed()
    hand = ByHand(raw(echo)).handshake()
    with hand.sock:
        hand.tls.write(GET)
        hand.notify()
        answer = b""
        while True:
            data = hand.recv(65536)
            if not data:
                break
            answer += data
        assert answer.startswith(b"HTTP/1.1 200"), answer


def share(site):
    """Bytes that a body may have on a machine whose heap holds several of it."""
    return int(site.metrics()[HEAP_SIZE]) // 16


def has_room(site):
    """Not so a microcontroller, whose heap holds one session and little beside it."""
    return site.budget.answer >= 1 << 20


def test_large_bodies(echo):
    """Bodies of many records, both ways, twice in one session."""
    size = min(echo.budget.body, share(echo))
    data = random.Random(size).randbytes(size)
    with secure(echo) as client:
        for _ in range(2):
            client.send(POST.format(size).encode() + data)
            answer = client.answer()
            assert answer.status == 200 and answer.body == data, answer


def test_beside_plain(echo):
    """A session beside four plain connections: all of them open, all answered, twice."""
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(secure(echo))]
        clients += [stack.enter_context(echo.client()) for _ in range(4)]
        for client in clients * 2:
            assert client.get("/show").status == 200


def test_slow_reader(echo):
    """An answer longer than all windows, read late, is whole."""
    size = min(echo.budget.answer, share(echo), 1 << 20)
    with secure(echo) as client:
        client.send(f"GET /big/{size} HTTP/1.1\r\nHost: a\r\n\r\n" * 2)
        for _ in range(2):
            answer = client.answer()
            assert answer.status == 200 and answer.body == b"x" * size


def test_byte_by_byte(echo):
    """Every byte of the handshake and of a request in a segment of its own."""
    hand = ByHand(raw(echo), send=in_pieces(1))
    hand.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    hand.handshake()
    with hand.sock:
        client = Client(hand)
        assert client.get("/show").status == 200
        client.send(POST.format(5) + "hello")
        assert client.answer().body == b"hello"


@pytest.mark.parametrize("size", [1, 7])
def test_many_records(echo, size):
    """A request in records of one byte, all in one segment, and of seven."""
    hand = ByHand(raw(echo)).handshake()
    with hand.sock:
        client = Client(hand)
        request = POST.format(30).encode() + NOISE[:30]
        for at in range(0, len(request), size):
            hand.tls.write(request[at:at + size])
        hand.send(hand.sock, hand.output())
        assert client.answer().body == NOISE[:30]


def test_hello_retry(echo):
    """A client whose first guess is a curve that the server has not is asked again (§4.1.4)."""
    command = ["openssl", "s_client", "-connect", f"{echo.address}:{PORT}", "-tls1_3", "-groups",
               "P-521:P-256", "-ign_eof", "-quiet"]
    raw(echo).close()
    request = GET.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    done = echo.net.run(*command, input=request, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE, timeout=60)
    assert done.stdout.startswith(b"HTTP/1.1 200"), (done.stdout, done.stderr)


@pytest.mark.parametrize("what", ["head", "body", "record"])
def test_truncated(echo, what):
    """A connection that ends without a close_notify within a request: no answer but an error,
    nothing left behind."""
    hand = ByHand(raw(echo)).handshake()
    with hand.sock:
        if what == "record":
            hand.tls.write(GET)
            hand.sock.sendall(hand.output()[:-3])
        else:
            hand.sendall(GET[:-3] if what == "head" else POST.format(100).encode() + b"abc")
        hand.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while data := hand.recv(65536):
                answer += data
        except (ssl.SSLError, ConnectionResetError):
            pass
        assert not answer or answer.startswith(b"HTTP/1.1 4"), answer
    still_served(echo)


def test_damaged_record(echo):
    """One wrong bit in a record ends the session by bad_record_mac; the request is not served."""
    hand = ByHand(raw(echo)).handshake()
    with hand.sock:
        hand.tls.write(GET)
        record = bytearray(hand.output())
        record[-1] ^= 1
        hand.sock.sendall(record)
        with pytest.raises(ssl.SSLError, match="BAD_RECORD_MAC"):
            hand.recv(65536)
    still_served(echo)


@pytest.mark.parametrize("what", GARBAGE)
def test_garbage(echo, what):
    """What is no ClientHello gets an alert or the end, at once; then others are served."""
    with raw(echo) as sock:
        sock.sendall(GARBAGE[what])
        answer = b""
        try:
            while data := sock.recv(4096):
                answer += data
        except ConnectionResetError:
            pass
        assert answer == b"" or answer[0] == 0x15, answer
    still_served(echo)


def offsets(length, full):
    """Where to cut something of that length: everywhere, or at a few places."""
    return range(length) if full else sorted({1, 4, 5, 6, 9, 43, length // 2, length - 1})


@pytest.mark.parametrize("how", ["fin", "reset"])
def test_cut_hello(echo, full, how):
    """A ClientHello that stops short anywhere, and the client with it."""
    for at in offsets(len(ByHand().hello()), full):
        with raw(echo) as sock:
            sock.sendall(ByHand().hello()[:at])
            if how == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    still_served(echo)


def test_cut_finished(echo, full):
    """A client that goes away within its last flight."""
    for at in offsets(LAST_FLIGHT, full):
        with raw(echo) as sock:
            hand = ByHand(sock)
            sock.sendall(hand.hello())
            hand.send = lambda sock, data, at=at: sock.sendall(data[:at])
            hand.handshake()
    still_served(echo)


def test_counters(echo):
    """What is counted, by /metrics over HTTPS."""
    before = echo.metrics()
    with secure(echo) as client:
        if has_room(echo):
            assert client.get("/metrics").body.count(b"\ntls_") >= 5
        else:
            assert client.get("/show").status == 200
    with raw(echo) as sock:
        sock.sendall(GARBAGE["http"])
        sock.recv(100)
    more = {key: value - before[key] for key, value in echo.metrics().items()
            if key.startswith("tls_") and value != before[key]}
    assert more == {"tls_handshakes_total": 1, "tls_handshakes_failed_total": 1}
