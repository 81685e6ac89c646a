# SPDX-License-Identifier: MIT
"""TLS sessions that we open: app/probe against openssl's server, a server that a test scripts, and
its Python original."""

import concurrent.futures
import json
import select
import socket
import ssl
import struct
import subprocess
import time
import types

import pki
import pytest
from backends import Backend
from conftest import shared
from original import Original, lines
from table import BY_NAME

APP = "probe"
HOST = "10.77.0.1"
PORTS = iter(range(9500, 10000))
LINE_S = 0.13                     # at most eight lines a second are written
NAME = "srv.test.example"         # dnsmasq: HOST
DEADLINE_S = 3                    # of app/probe
VERSIONS = ("-tls1_2", "-tls1_3")


@pytest.fixture(scope="module")
def certs(trust, old):
    """Servers' certificates, one for each thing that may be wrong with one; of yesterday, because
    a machine's clock may be late by a second at first."""
    def signed(name, alt=(NAME,), ca=trust.root, since=-1, **more):
        return pki.signed(ca, trust.folder, f"probe-{name}", alt, since=since, **more)

    def extended(name, *lines_):
        return signed(name, (), extra=("basicConstraints=CA:FALSE",) + lines_)
    return types.SimpleNamespace(
        good=signed("good"), rsa=signed("rsa", kind="rsa"), below=signed("below", ca=trust.below),
        wild=signed("wild", ("*.test.example",)), other_name=signed("name", ("other.example",)),
        deep=signed("deep", ("*.example",)), other_ca=signed("ca", ca=trust.other),
        expired=signed("old", since=-60), future=signed("new", since=5),
        no_name=signed("cn", (), subject=f"/CN={NAME}"),
        as_text=signed("text", (HOST,)), address=extended("ip", f"subjectAltName=IP:{HOST}"),
        other_address=extended("ip2", "subjectAltName=IP:10.77.0.9"),
        sha1=signed("sha1", ca=old),
        client=extended("client", f"subjectAltName=DNS:{NAME}", "extendedKeyUsage=clientAuth"),
        itself=pki.authority(trust.folder, "probe-itself"))


@pytest.fixture(scope="module")
def old(trust):
    """An authority whose own signature is by SHA-1, as many of those that systems trust."""
    pair = pki.Pair(trust.folder, "sha1-root")
    pki.openssl("req", "-x509", "-newkey", *pki.KINDS["rsa"], "-nodes", "-keyout", pair.key, "-out",
                pair.cert, "-subj", "/CN=old", "-sha1", "-days", "30")
    return pair


@pytest.fixture(scope="module")
def bundle(trust, old):
    """What is trusted, behind an authority that nobody uses: a file."""
    path = f"{trust.folder}/bundle.crt"
    with open(path, "w", encoding="ascii") as out:
        for ca in (pki.authority(trust.folder, "unused"), trust.root, old):
            with open(ca.cert, encoding="ascii") as text:
                out.write(text.read())
    return path


@pytest.fixture(scope="module")
def app_site(row, app_image, trust, bundle):
    """app/probe, which trusts three authorities."""
    settings, more = pki.given(row, trust.folder, {"tls.ca": bundle}, "metrics=yes")
    yield from shared(row, app_image, settings, **more)


def s_server(site, pair, *words):
    """openssl s_server with a certificate, unless that is None, and more words: its port, which no
    connection has as its own."""
    shown = ["-cert", pair.cert, "-key", pair.key, "-cert_chain", pair.cert] if pair else []
    deadline = time.monotonic() + 10
    for port in PORTS:
        log = open(f"{site.net.folder_made()}/s_server", "wb+")
        child = site.net.popen(["openssl", "s_server", "-accept", f"{HOST}:{port}", "-www", *shown,
                                *words],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        while child.poll() is None:
            with site.net.socket() as sock:
                if sock.connect_ex((HOST, port)) == 0:
                    return port
            assert time.monotonic() < deadline, "openssl s_server does not listen"
            time.sleep(0.02)
        log.seek(0)
        said = log.read()
        assert b"Address already in use" in said and time.monotonic() < deadline, said
    raise AssertionError("no port is left")


def probe(site, port, name=NAME):
    """What app/probe says of a server, which is ours."""
    answer = site.get(f"/{name}/{port}")
    assert answer.status == 200
    said = json.loads(answer.body)
    assert said.pop("host") == name
    return said


def fails(site, port, error, line, name=NAME):
    """It says that, and on the console there is one line, which names the host."""
    time.sleep(LINE_S)
    mark = len(site.vm.console.lines)
    assert probe(site, port, name) == {"verified": False, "error": error}
    assert site.vm.console.wait_for(rf"tls: {name}: .*{line}", 5, mark)[0], \
        site.vm.console.text(mark)
    assert site.vm.console.text(mark).count("tls: ") == 1, site.vm.console.text(mark)


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", ["good", "rsa", "below", "wild", "sha1"])
def test_verified(app, certs, version, kind):
    """A chain to an authority of the bundle, for the name: there is a session."""
    said = probe(app, s_server(app, getattr(certs, kind), version))
    assert said["verified"] and said["bytes"] > 1000, (said, app.vm.console.text()[-300:])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("group", ["X25519", "P-256", "P-384"])
def test_groups(app, certs, version, group):
    """A server that knows one group alone; in TLS 1.3 it asks for it (HelloRetryRequest)."""
    port = s_server(app, certs.good, version, "-groups", group)
    assert probe(app, port)["verified"], app.vm.console.text()[-300:]


BAD = {"other_name": "does not name it", "deep": "does not name it",
       "no_name": "does not name it", "other_ca": "no authority of tls.ca",
       "expired": "has expired", "future": "is not valid yet", "itself": "signed by itself",
       "client": "is not for servers"}


@pytest.mark.parametrize("kind", BAD)
def test_unverified(app, certs, kind):
    """Whatever is wrong with the certificate: no session, and one line that names it."""
    for version in VERSIONS:
        fails(app, s_server(app, getattr(certs, kind), version), "unverified", BAD[kind])


def test_address(app, certs):
    """An address is verified as such (iPAddress), and is not sent as a name."""
    log = open(f"{app.net.folder_made()}/sni", "wb+")
    port = next(PORTS)
    app.net.popen(["openssl", "s_server", "-accept", f"{HOST}:{port}", "-www", "-cert",
                   certs.address.cert, "-key", certs.address.key, "-tlsextdebug"],
                  stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    time.sleep(0.5)
    assert probe(app, port, HOST)["verified"]
    log.seek(0)
    text = log.read().decode()
    assert "supported_groups" in text and "server name" not in text, text
    for kind in ("other_address", "as_text", "good"):
        fails(app, s_server(app, getattr(certs, kind)), "unverified", "does not name it", HOST)


def test_sni(app, certs):
    """A name is sent: the server chooses its certificate by it; a dot at its end is not part."""
    port = s_server(app, certs.other_name, "-servername", NAME, "-cert2", certs.good.cert, "-key2",
                    certs.good.key)
    assert probe(app, port)["verified"]
    assert probe(app, port, f"{NAME}.")["verified"]


@pytest.mark.parametrize("what", [
    (("-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "no version of TLS in common|version"),
    (("-tls1_2", "-cipher", "AES128-SHA"), "no cipher"),
    (("-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"), "no cipher")])
def test_too_old(app, certs, what):
    """Old versions and ciphers are not offered."""
    fails(app, s_server(app, certs.good, *what[0]), "protocol", what[1])


def test_no_certificate(app):
    """A server without one."""
    port = s_server(app, None, "-nocert", "-tls1_2", "-cipher", "aNULL:@SECLEVEL=0")
    fails(app, port, "protocol", "no cipher")


@pytest.mark.parametrize("version", VERSIONS)
def test_wants_ours(app, certs, trust, version):
    """A server that asks for a certificate, where we have none to show."""
    port = s_server(app, certs.good, version, "-Verify", "1", "-verify_return_error", "-CAfile",
                    trust.root.cert)
    fails(app, port, "protocol", "it wants a certificate|no cipher, key or certificate")


def relay(app, port, change=lambda hello: hello, piece=16384):
    """A server that hands on to another one: what its peer says first is changed, and what it is
    told comes in pieces of that many bytes."""
    def serve(sock):
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with app.net.socket() as to:
            to.connect((HOST, port))
            to.sendall(change(sock.recv(16384)))
            while True:
                for end in select.select([sock, to], [], [], 5)[0]:
                    data = end.recv(16384)
                    if not data:
                        return
                    if end is sock:
                        to.sendall(data)
                    for at in range(0, len(data) if end is to else 0, piece):
                        sock.sendall(data[at:at + piece])
    return serve


def test_byte_by_byte(app, certs):
    """A server whose bytes come one at a time: slow, but a session."""
    port = s_server(app, certs.good, "-tls1_2")
    with Backend(app.net, relay(app, port, piece=1)) as backend:
        said = probe(app, backend.port)
        assert said["verified"], (said, app.vm.console.text()[-300:])


def test_downgrade(app, certs):
    """Somebody takes TLS 1.3 out of what we offer: the server's sign of it is seen."""
    def change(hello):
        versions = bytes.fromhex("002b0005 04 0304 0303")
        assert versions in hello
        return hello.replace(versions, bytes.fromhex("002b0005 04 0303 0303"))
    with Backend(app.net, relay(app, s_server(app, certs.good), change)) as backend:
        fails(app, backend.port, "protocol", "does not speak TLS as it should")


FAULTS = {
    "plain": (lambda sock: sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "protocol", "as it"),
    "zeros": (lambda sock: sock.sendall(bytes(20000)), "protocol", "as it should"),
    "long": (lambda sock: sock.sendall(b"\x16\x03\x03\xff\xff" + bytes(70000)), "protocol",
             "as it should"),
    "half": (lambda sock: sock.sendall(b"\x16\x03\x03\x40\x00\x02"), "connection", "it left"),
    "closed": (lambda sock: None, "connection", "it left"),
    "reset": (lambda sock: sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                           struct.pack("ii", 1, 0)), "connection", "it left"),
    "alert": (lambda sock: sock.sendall(b"\x15\x03\x03\x00\x02\x02\x50"), "protocol", "alert 80"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_faults(app, fault):
    """What is no TLS ends at once, with an error and a line."""
    does, error, line = FAULTS[fault]

    def serve(sock):
        sock.recv(1000)
        does(sock)
    with Backend(app.net, serve) as backend:
        began = time.monotonic()
        fails(app, backend.port, error, line)
        assert time.monotonic() - began < DEADLINE_S - 0.5


def test_stalls(app, certs):
    """Servers that accept and say no more: each ends at its deadline, and more of them than there
    may be handshakes do not keep others waiting."""
    port = s_server(app, certs.good)
    crowd = 40                        # of which 24 have a place

    def serve(sock):
        while sock.recv(1000):
            pass
    with Backend(app.net, serve) as backend, concurrent.futures.ThreadPoolExecutor(crowd) as pool:
        began = time.monotonic()
        silent = [pool.submit(probe, app, backend.port) for _ in range(crowd)]
        time.sleep(0.5)
        assert probe(app, port)["verified"]
        for one in silent:
            assert one.result() == {"verified": False, "error": "timeout"}
        assert time.monotonic() - began < 3 * DEADLINE_S
    assert app.vm.console.wait_for(rf"tls: {NAME}: the handshake was not over in time", 1)[0]


def python_server(certs, serve):
    """serve(TLS socket) for each connection, by Python."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certs.good.cert, certs.good.key)
    context.set_alpn_protocols(["h2", "http/1.1"])

    def one(sock):
        with context.wrap_socket(sock, server_side=True) as secure:
            serve(secure)
    return one


def test_much(app, certs):
    """Two megabytes come whole, and the offered protocol is chosen."""
    chosen = []

    def serve(secure):
        chosen.append(secure.selected_alpn_protocol())
        secure.recv(1000)
        secure.sendall(bytes(2_000_000))
        secure.unwrap()
    with Backend(app.net, python_server(certs, serve)) as backend:
        assert probe(app, backend.port) == {"verified": True, "bytes": 2_000_000}
    assert chosen == ["http/1.1"]


def test_cut_off(app, certs):
    """An end without a close_notify is an error: somebody may have cut it off."""
    def serve(secure):
        secure.recv(1000)
        secure.sendall(b"half")
        secure.shutdown(socket.SHUT_WR)
    with Backend(app.net, python_server(certs, serve)) as backend:
        assert probe(app, backend.port) == {"verified": False, "error": "protocol"}


def test_crowd(app, certs):
    """Many sessions, many of them at once, and all of it given back."""
    port = s_server(app, certs.good)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        said = list(pool.map(lambda _: probe(app, port), range(60)))
    assert all(one["verified"] for one in said), [one for one in said if not one["verified"]][:3]


def test_own_certificate(boot_app, row, certs, trust):
    """tls.connect.cert is shown to a server that asks."""
    ours = pki.signed(trust.root, trust.folder, "ours", ("zeitkern.test",))
    settings, more = pki.given(row, trust.folder, {
        "tls.ca": trust.root.cert, "tls.connect.cert": ours.cert, "tls.connect.key": ours.key},
        "https.port=0")
    site = boot_app(settings, **more)
    for version in VERSIONS:
        port = s_server(site, certs.good, version, "-Verify", "1", "-verify_return_error",
                        "-CAfile", trust.root.cert)
        said = probe(site, port)
        assert said["verified"], site.vm.console.text()


def test_nobody_trusted(boot_app, certs):
    """Without tls.ca nobody is, and the connection is not even begun in TLS."""
    site = boot_app()
    fails(site, s_server(site, certs.good), "unverified", "tls.ca is not set")


def test_damaged_bundle(boot_app, row, certs, trust):
    """A certificate that cannot be read is left out and said; the others are trusted."""
    path = f"{trust.folder}/damaged.crt"
    with open(trust.root.cert, encoding="ascii") as text:
        good = text.read()
    with open(path, "w", encoding="ascii") as out:
        out.write(good.replace("MII", "MIJ", 1) + good)
    settings, more = pki.given(row, trust.folder, {"tls.ca": path})
    site = boot_app(settings, **more)
    assert site.vm.console.wait_for("tls.ca: 1 certificates of 2 are not understood", 1)[0]
    assert probe(site, s_server(site, certs.good))["verified"]


def test_no_time(boot_app, row, certs, trust):
    """While the time is not known no certificate can be verified."""
    if row.board != "pc":
        pytest.skip("this machine's own clock tells the time: asked of a microvm without one")
    settings, more = pki.given(row, trust.folder, {"tls.ca": trust.root.cert}, "ntp=10.77.0.77")
    site = boot_app(settings, row=BY_NAME["microvm-bare"], **more)
    fails(site, s_server(site, certs.good), "protocol", "without the time")


def test_original(app, certs, bundle):
    """The original says the same, and this one has at most twice its lines."""
    original = Original(app.net, "probe", next(PORTS), bundle)
    ports = [s_server(app, pair) for pair in (certs.address, certs.good, certs.itself)]

    def garbage(sock):
        sock.recv(1000)
        sock.sendall(bytes(100))
    with Backend(app.net, garbage) as backend:
        for port in ports + [backend.port, 9]:
            path = f"/{HOST}/{port}"
            status, _, body = original.get(path)
            ours, theirs = json.loads(app.get(path).body), json.loads(body)
            for said in (ours, theirs):
                said.pop("bytes", None)        # of a page that tells of the session
            assert status == 200 and ours == theirs, (port, ours, theirs)
    original.close()
    assert lines("app/probe/main.c") <= 2 * lines("tests/apps/probe_app.py")
