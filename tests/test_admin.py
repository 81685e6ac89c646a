# SPDX-License-Identifier: MIT
"""The administrative port: certificates replaced in a running image, and no byte of the old key
left in its memory. HTTP turned off, or answered by a redirect."""

import contextlib
import http.client
import json
import ssl
import tempfile

import pytest

import images
import pki
from memory import memory_dump
from netns import NoNamespace
from site_vm import Site
from table import BY_NAME

ADMIN, HTTPS = 9443, 8443
READY_S = 60
MACHINES = ("microvm", "virt", "orangepi-pc")
PIECE = 8                # bytes that a copy cut anywhere would still have whole


@contextlib.contextmanager
def running(name, settings="", app="time", **files):
    """A machine whose settings are those words and files, serving HTTPS."""
    row = BY_NAME[name]
    files = {key.replace("__", "."): path for key, path in files.items()}
    with tempfile.TemporaryDirectory() as folder:
        words, more = pki.given(row, folder, files, settings)
        try:
            site = Site(row, images.image(row.board, app=app), words, **more)
        except NoNamespace as error:
            pytest.skip(f"no network namespace here: {error}")
        if "page" in more:             # with the time server that the site has got
            site.options.page = pki.given(row, folder, files, site.options.cmdline)[1]["page"]
    try:
        site.boot()
        yield site
    finally:
        site.close()


def trusting(ca, mine=None):
    """What a client wants: to trust a CA, and to show a certificate of its own."""
    made = ssl.create_default_context(cafile=ca.cert)
    made.check_hostname = False
    if mine:
        made.load_cert_chain(mine.cert, mine.key)
    return made


class Session:
    """A TLS session and requests on it."""

    def __init__(self, site, port, wants, name=None):
        sock = site.socket(port=port)
        self.sock = wants.wrap_socket(sock, server_hostname=name)

    def ask(self, method, path, data=None):
        """One request: (status, JSON of the answer or None)."""
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\n"
        if data is not None:
            head += f"Content-Length: {len(data)}\r\n"
        self.sock.sendall(head.encode() + b"\r\n" + (data or b""))
        answer = http.client.HTTPResponse(self.sock, method=method)
        answer.begin()
        text = answer.read()
        return answer.status, json.loads(text) if text else None

    def subject(self):
        """CN of the server's certificate."""
        names = self.sock.getpeercert()["subject"]
        return dict(pair for group in names for pair in group)["commonName"]


@pytest.fixture(scope="module", name="ca")
def fixture_ca(tmp_path_factory):
    """A CA and what it has signed: (ca, {name: Pair})."""
    folder = tmp_path_factory.mktemp("pki")
    made = pki.authority(folder)
    return made, {name: pki.signed(made, folder, name, (f"{name}.example",),
                                   subject=f"/CN={name}/O=Tests")
                  for name in ("first", "second", "ann")}


def traces(memory, secret):
    """Where pieces of a key lie in memory, in either order of its bytes."""
    found = []
    for text in (secret, secret[::-1]):
        for at in range(0, len(text), PIECE):
            where = memory.find(text[at:at + PIECE])
            if where >= 0:
                found.append((at, hex(where)))
    return found


@pytest.mark.parametrize("name", MACHINES)
def test_replaced(name, ca):
    """A new certificate serves those who come next; whoever is connected stays so; of the old key
    nothing is left in memory, while the new one is found there."""
    ca, pairs = ca
    first, second = pairs["first"], pairs["second"]
    with running(name, f"admin.port={ADMIN}", tls__cert=first.cert, tls__key=first.key,
                 admin__ca=ca.cert) as site:
        site.vm.wait_for(rf"admin: port {ADMIN}\b", READY_S)
        old = Session(site, HTTPS, trusting(ca))
        assert old.subject() == "first" and old.ask("GET", "/")[0] == 200
        assert traces(memory_dump(site.vm), first.secret())

        admin = Session(site, ADMIN, trusting(ca, pairs["ann"]))
        assert admin.ask("GET", "/certificate")[1]["subject"] == "CN=first, O=Tests"
        assert admin.ask("GET", "/")[0] == 404
        for data in (b"", b"nonsense", open(second.cert, "rb").read(),
                     open(first.key, "rb").read() + open(second.cert, "rb").read()):
            status, answer = admin.ask("PUT", "/certificate", data)
            assert status == 400 and answer["error"], (data, answer)
        assert admin.ask("GET", "/certificate")[1]["subject"] == "CN=first, O=Tests"
        with open(second.both, "rb") as file:
            assert admin.ask("PUT", "/certificate", file.read())[0] == 204
        assert admin.ask("GET", "/certificate")[1]["subject"] == "CN=second, O=Tests"

        new = Session(site, HTTPS, trusting(ca))
        assert new.subject() == "second" and new.ask("GET", "/")[0] == 200
        assert old.ask("GET", "/")[0] == 200
        memory = memory_dump(site.vm)
        assert not traces(memory, first.secret())
        assert traces(memory, second.secret())
        for pair in (first, second):
            with open(pair.key, encoding="ascii") as file:
                for line in file.read().split("\n")[1:3]:
                    assert line[:32].encode() not in memory and line not in site.vm.console.text()


@pytest.mark.parametrize("name, room", (("mps2-an385", True), ("lm3s6965evb", False)))
def test_replaced_between_sessions(name, room, ca):
    """The same where there is memory for one session at a time; where there is none for a second
    pair, the answer says so, and the first stays."""
    ca, pairs = ca
    with running(name, f"admin.port={ADMIN}", tls__cert=pairs["first"].cert,
                 tls__key=pairs["first"].key, admin__ca=ca.cert) as site:
        site.vm.wait_for(rf"admin: port {ADMIN}\b", READY_S)
        for serves in ("first", "second" if room else "first"):
            session = Session(site, HTTPS, trusting(ca))
            assert session.subject() == serves and session.ask("GET", "/certificate")[0] == 404
            session.sock.close()
            admin = Session(site, ADMIN, trusting(ca, pairs["ann"]))
            said = admin.ask("GET", "/certificate")[1]
            assert said["subject"] == f"CN={serves}, O=Tests", said
            with open(pairs["second"].both, "rb") as file:
                said = admin.ask("PUT", "/certificate", file.read())
            assert said == ((204, None) if room else
                            (503, {"error": "there is no memory for them"})), said
            admin.sock.close()


def test_for_administrators_only(ca, tmp_path):
    """Who shows no certificate, or one of another CA, is not let in; the port's routes are not
    there on the others, and no port is served without a CA, or with a damaged bundle of them."""
    ca, pairs = ca
    with running("microvm", f"admin.port={ADMIN}", tls__cert=pairs["first"].cert,
                 tls__key=pairs["first"].key, admin__ca=ca.cert) as site:
        site.vm.wait_for(rf"admin: port {ADMIN}\b", READY_S)
        with pytest.raises(OSError):
            Session(site, ADMIN, trusting(ca)).ask("GET", "/certificate")
        assert Session(site, HTTPS, trusting(ca)).ask("GET", "/certificate")[0] == 404
        with site.client() as client:
            assert client.get("/certificate").status == 404
        assert site.get().status == 200
    damaged = tmp_path / "bundle"
    with open(ca.cert, encoding="ascii") as file:
        text = file.read()
    damaged.write_text(text + text.replace("M", "N", 3))
    for files in ({}, {"admin__ca": damaged}):
        with running("microvm", f"admin.port={ADMIN}", **files) as site:
            site.vm.wait_for("admin: admin.port needs admin.ca", READY_S)
            with pytest.raises(OSError):
                site.socket(port=ADMIN)


def test_client_is_named(ca):
    """The handler is told whom a client's certificate names, where clients may show one."""
    ca, pairs = ca
    with running("microvm", "tls.client=optional", app="echo", tls__client_ca=ca.cert,
                 tls__cert=pairs["first"].cert, tls__key=pairs["first"].key) as site:
        site.vm.wait_for(rf"https: port {HTTPS}\b", READY_S)
        ann = Session(site, HTTPS, trusting(ca, pairs["ann"]))
        assert ann.ask("GET", "/client") == (200, {"client": "CN=ann, O=Tests"})
        nobody = Session(site, HTTPS, trusting(ca))
        assert nobody.ask("GET", "/client")[0] == 401


def test_redirect():
    """HTTP may do nothing but send everybody to HTTPS."""
    with running("microvm", "http.redirect=yes") as site:
        with site.client() as client:
            answer = client.get("/a%20b?c=d")
            assert answer.status == 308
            assert answer.header("Location") == f"https://zeitkern.test:{HTTPS}/a%20b?c=d"
            assert client.get("/" + "a" * 600).status == 414
            client.send("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n")
            assert client.answer().header("Location") == f"https://[::1]:{HTTPS}/"


def test_without_https():
    """https.port=0: HTTP alone."""
    with running("microvm", "https.port=0") as site:
        assert site.get().status == 200
        with pytest.raises(ConnectionRefusedError):
            site.socket(port=HTTPS)
        assert "https:" not in site.vm.console.text()


def test_without_http():
    """http.port=0: HTTPS alone."""
    with running("microvm", "http.port=0") as site:
        site.vm.wait_for(rf"https: port {HTTPS}\b", READY_S)
        wants = ssl._create_unverified_context()
        assert Session(site, HTTPS, wants).ask("GET", "/")[0] == 200
        with pytest.raises(OSError):
            site.socket()
