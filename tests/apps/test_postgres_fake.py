# SPDX-License-Identifier: MIT
"""app/queries and servers that lie, stall, or speak something else: an errno within the deadline,
502, 503 or 504 for the client, and nothing left behind. And what log-ons are good enough."""

import base64
import hashlib
import hmac
import json
import os
import socket
import struct
import threading
import time

import pytest
from backends import Backend, reset
from netns import EXTRA, HOST, IFNAME
from postgres_server import PASSWORD, Postgres

APP = "queries"
PORT = 5433
FAR = EXTRA[-1]
SETTINGS = (f'postgres.host={FAR} postgres.port={PORT} postgres.user=zeitkern postgres.min=0 '
            f'postgres.password="{PASSWORD}" postgres.max=2 postgres.idle=1 postgres.message=65536')
ROUNDS = 4096


def message(kind, data=b""):
    """A message of the protocol."""
    return kind + struct.pack("!I", len(data) + 4) + data


READY = message(b"Z", b"I")
NOISE = b"\xff" + os.urandom(4095)
OK = message(b"R", struct.pack("!I", 0))


class Gone(Exception):
    """The client has closed."""


def read(sock, size):
    """Exactly so many bytes."""
    data = b""
    while len(data) < size:
        piece = sock.recv(size - len(data))
        if not piece:
            raise Gone
        data += piece
    return data


def receive(sock):
    """One message from the client: (type, data)."""
    kind, size = struct.unpack("!cI", read(sock, 5))
    return kind, read(sock, size - 4)


def auth(code, data=b""):
    """An authentication request."""
    return message(b"R", struct.pack("!I", code) + data)


class Fake:
    """A server that does all as it should; each test changes one thing."""
    rounds = ROUNDS
    knows = PASSWORD.encode()
    proves = True
    offers = b"SCRAM-SHA-256\0\0"
    nonce = b"x"                     # what comes before the client's nonce but should not
    simple = b""                     # the answer to a simple query

    def scram(self, sock):
        """RFC 5802 from the server's side."""
        sock.sendall(auth(10, self.offers))
        _, data = receive(sock)
        bare = data.partition(b"\0")[2][4:].partition(b"n,,")[2]
        nonce = bare.partition(b"r=")[2] + b"server"
        if self.nonce != b"x":
            nonce = self.nonce
        salt = os.urandom(16)
        first = b"r=%s,s=%s,i=%d" % (nonce, base64.b64encode(salt), self.rounds)
        sock.sendall(auth(11, first))
        _, data = receive(sock)
        whole = bare + b"," + first + b"," + data.partition(b",p=")[0]
        salted = hashlib.pbkdf2_hmac("sha256", self.knows, salt, self.rounds)
        key = hmac.digest(salted, b"Server Key", "sha256")
        final = b"v=" + base64.b64encode(hmac.digest(key, whole, "sha256"))
        if self.proves:
            sock.sendall(auth(12, final))

    def serve(self, sock):
        """One connection."""
        try:
            size, code = struct.unpack("!II", read(sock, 8))
            read(sock, size - 8)
            if code == 80877102:                     # a cancellation
                return
            self.scram(sock)
            sock.sendall(OK + message(b"K", struct.pack("!II", 1, 2)) + READY)
            while True:
                kind, data = receive(sock)
                if kind == b"S":
                    sock.sendall(self.answer())
                    self.hold(sock)
                elif kind == b"Q":
                    sock.sendall(self.simple if isinstance(self.simple, bytes)
                                 else self.simple(data))
                elif kind == b"X":
                    return
        except Gone:
            return

    def answer(self):
        """To a Sync: what SELECT 1 gives, first when it is prepared."""
        self.prepared = not getattr(self, "prepared", False)
        if self.prepared:
            return message(b"1") + message(b"t", b"\0\0") + self.columns() + READY
        return message(b"2") + self.row() + message(b"C", b"SELECT 1\0") + READY

    def columns(self):
        """A RowDescription of one int4."""
        return message(b"T", b"\0\1?column?\0" + struct.pack("!IHIhiH", 0, 0, 23, 4, -1, 0))

    def row(self):
        """A DataRow."""
        return message(b"D", struct.pack("!HII", 1, 4, 1))

    def hold(self, sock):
        """After an answer."""


@pytest.fixture
def ask(app):
    """ask(fake): GET / through that server, or another request: (status, JSON, seconds)."""
    def get(fake, path="/", **more):
        with Backend(app.net, fake.serve if isinstance(fake, Fake) else fake, PORT,
                     FAR):
            began = time.monotonic()
            answer = app.get(path, **more)
            return answer.status, json.loads(answer.body), time.monotonic() - began
    return get


def changed(**what):
    """A Fake of which one thing is changed."""
    fake = Fake()
    for name, value in what.items():
        setattr(fake, name, value)
    return fake


def says(data):
    """A server that sends just that, whatever it is told."""
    def serve(sock):
        sock.sendall(data)
        while sock.recv(65536):
            pass
    return serve


def by_bytes(sock):
    """All of it, a byte at a time."""
    class Slow:
        """A socket whose sendall() takes its time."""
        def sendall(self, data):
            """Each byte in a packet of its own."""
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in data:
                sock.send(bytes([byte]))
                time.sleep(0.001)

        def recv(self, size):
            """As it is."""
            return sock.recv(size)
    Fake().serve(Slow())


def test_good(ask):
    """The fake one is as good as a real one when nothing is changed, at any speed."""
    assert ask(Fake())[:2] == (200, {"result": 1})
    assert ask(by_bytes)[:2] == (200, {"result": 1})


# The words of each errno, which differ from one to the next, and the status that goes with them.
PROTO = (502, "the database speaks another protocol", "")
REFUSED = (502, "the database refuses us", "")
RESET = (502, "the database has gone", "")
TOO_LARGE = (502, "the database says too much", "")
BUSY = (503, "the database is busy", "")
LATE = (504, "timed out", "")


def resets(data=b""):
    """A server that sends just that, and then a reset."""
    def serve(sock):
        sock.recv(65536)
        sock.sendall(data)
        reset(sock)
    return serve


AT_LOGON = {
    "wrong proof": (changed(knows=b"another"), REFUSED),
    "no proof": (changed(proves=False), REFUSED),
    "our nonce": (changed(nonce=b"another"), PROTO),
    "few rounds": (changed(rounds=64), PROTO),
    "many rounds": (changed(rounds=4096000), PROTO),
    "no mechanism": (changed(offers=b"SCRAM-SHA-1\0\0"), PROTO),
    "no password asked": (says(OK + READY), REFUSED),
    "password itself": (says(auth(3)), REFUSED),
    "md5": (says(auth(5, b"salt")), REFUSED),
    "kerberos": (says(auth(7)), REFUSED),
    "ready at once": (says(READY), PROTO),
    "HTTP": (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), TOO_LARGE),
    "SSH": (says(b"SSH-2.0-OpenSSH_9.2\r\n"), TOO_LARGE),
    "short length": (says(b"R\0\0\0\3"), PROTO),
    "huge length": (says(b"R\x7f\xff\xff\xff" + b"x" * 100000), TOO_LARGE),
    "error": (says(message(b"E", b"SFATAL\0VFATAL\0C53300\0Msorry, too many clients\0\0")), BUSY),
    "starting up": (says(message(b"E", b"SFATAL\0VFATAL\0C57P03\0Mstarting up\0\0")), BUSY),
    "broken error": (says(message(b"E", b"SFATAL\0C533")), PROTO),
    "closes": (lambda sock: None, RESET),
    "resets": (resets(), RESET),
    "resets in a message": (resets(b"R\0\0\0\x30\0"), RESET),
    "silence": (lambda sock: time.sleep(5), LATE),
    "half a message": (says(b"R\0\0\0\x30"), LATE),
    "noise": (says(NOISE), PROTO),
}


@pytest.mark.parametrize("what", AT_LOGON)
def test_logon(ask, app, what):
    """At log-on."""
    fake, expected = AT_LOGON[what]
    got, body, seconds = ask(fake)
    assert (got, body["error"], body["sqlstate"]) == expected, app.vm.console.text()[-1500:]
    assert seconds < 4 if got == 504 else seconds < 1.9
    assert PASSWORD not in app.vm.console.text()


def at_query(what):
    """A Fake that answers a Sync with that."""
    return changed(answer=lambda: what)


def at_row(what):
    """A Fake whose rows are that."""
    return changed(row=lambda: what)


def endless(sock):
    """Rows without an end, while somebody reads."""
    while True:
        sock.sendall(message(b"D", struct.pack("!HII", 1, 4, 1)) * 1000)


def stall(sock):
    """After half an answer."""
    sock.sendall(message(b"1") + b"T\0\0")
    time.sleep(4)


def endless_notices(sock):
    """Nothing but notices, which nobody asked for, while somebody reads."""
    while True:
        sock.sendall(message(b"N", b"SNOTICE\0C00000\0Mhello\0\0") * 1000)


def broken(sock):
    """Half of a row, and a reset."""
    sock.sendall(message(b"1") + message(b"t", b"\0\0") + Fake().columns() + READY)
    receive(sock)
    sock.sendall(message(b"2") + Fake().row()[:7])
    reset(sock)


AT_QUERY = {
    "oversized row": (at_row(message(b"D", struct.pack("!HI", 1, 200000) + b"x" * 200000)),
                      TOO_LARGE),
    "announced gigabyte": (at_row(b"D" + struct.pack("!I", 1 << 30) + b"x" * 1000), TOO_LARGE),
    "wrong length inside": (at_row(message(b"D", struct.pack("!HII", 1, 5000, 1))), PROTO),
    "negative length": (at_row(message(b"D", struct.pack("!HiI", 1, -2, 1))), PROTO),
    "two columns": (at_row(message(b"D", struct.pack("!HIIII", 2, 4, 1, 4, 1))), PROTO),
    "bytes too many": (at_row(message(b"D", struct.pack("!HIII", 1, 4, 1, 7))), PROTO),
    "int of two bytes": (at_row(message(b"D", struct.pack("!HIH", 1, 2, 1))), PROTO),
    "NULL": (at_row(message(b"D", struct.pack("!Hi", 1, -1))), (502, "a column is NULL", "")),
    "COPY": (at_row(message(b"G", b"\0\0\0")), PROTO),
    "columns again": (changed(columns=lambda: Fake().columns() * 2), PROTO),
    "columns lie": (changed(columns=lambda: message(b"T", b"\xff\xff" + b"x" * 50)), PROTO),
    "no columns": (changed(columns=lambda: message(b"n")), PROTO),
    "unknown type": (at_query(message(b"?") * 3), PROTO),
    "error without state": (at_query(message(b"E", b"\0") + READY),
                            (502, "the database could not do that", "XX000")),
    "error": (at_row(message(b"E", b"SERROR\0VERROR\0C40P01\0Mdeadlock\0\0")),
              (503, "try again", "40P01")),
    "the end": (at_row(message(b"E", b"SFATAL\0VFATAL\0C57P01\0Mgoing down\0\0")),
                (503, "the database is busy", "57P01")),
    "odd state": (at_query(message(b"1") + message(b"Z", b"?")), PROTO),
    "a log-on": (at_query(OK), PROTO),
    "broken notification": (at_row(message(b"A", b"\0\0\0\1channel") + Fake().row()), PROTO),
    "nothing": (at_query(b""), LATE),
    "endless": (changed(answer=lambda: b"", hold=endless), PROTO),
    "endless notices": (changed(answer=lambda: b"", hold=endless_notices), LATE),
    "stalls": (changed(answer=lambda: b"", hold=stall), LATE),
    "resets": (changed(answer=lambda: b"", hold=reset), RESET),
    "resets in a message": (changed(answer=lambda: b"", hold=broken), RESET),
}


@pytest.mark.parametrize("what", AT_QUERY)
def test_query(ask, app, what):
    """At the first query; the next client, with a server that is good, is served."""
    fake, expected = AT_QUERY[what]
    got, body, seconds = ask(fake)
    assert (got, body["error"], body["sqlstate"]) == expected, app.vm.console.text()[-1500:]
    assert seconds < 4 if got == 504 else seconds < 1.9


COPIES = message(b"G", b"\0\0\0")
GIVES = message(b"H", b"\0\0\0") + message(b"d", b"1\n")
LISTENS = message(b"C", b"LISTEN\0") + READY
FAILS = message(b"E", b"SERROR\0VERROR\0C22P04\0Mbad\0\0")
# What a simple query's answer is followed by, where: in a COPY to the server (a body is sent) and
# from it, while it is listened to, and between rows.
IN_BETWEEN = {
    "noise in a COPY in": ("/import/1", COPIES + NOISE, PROTO),
    "a row in a COPY in": ("/import/1", COPIES + Fake().row(), PROTO),
    "error in a COPY in": ("/import/1", COPIES + FAILS + READY, (400, "not acceptable", "22P04")),
    "an end in a COPY in": ("/import/1", COPIES + message(b"C", b"COPY 1\0") + READY, PROTO),
    "noise in a COPY out": ("/export", GIVES + NOISE, PROTO),
    "a row in a COPY out": ("/export", GIVES + Fake().row(), PROTO),
    "error in a COPY out": ("/export", GIVES + FAILS + READY, (400, "not acceptable", "22P04")),
    "ready in a COPY out": ("/export", GIVES + READY, PROTO),
    "noise for a notification": ("/news", LISTENS + NOISE, PROTO),
    "a row for a notification": ("/news", LISTENS + Fake().row(), PROTO),
    "half a notification": ("/news", LISTENS + message(b"A", b"\0\0\0\1channel\0"), PROTO),
    "noise for rows": ("/simple", Fake().columns() + NOISE, PROTO),
    "rows before columns": ("/simple", Fake().row(), PROTO),
    "half a tag": ("/simple", message(b"C", b"SELECT 1"), PROTO),
}


@pytest.mark.parametrize("what", IN_BETWEEN)
def test_in_between(ask, app, what):
    """In the midst of all that is more than a query and its rows."""
    path, answer, expected = IN_BETWEEN[what]
    more = {}
    if path.startswith("/import"):      # of the two blank lines that follow, one is the body
        more = {"method": "POST", "extra": "Content-Length: 2\r\n\r\n"}
    got, body, seconds = ask(changed(simple=answer), path, **more)
    assert (got, body["error"], body["sqlstate"]) == expected, app.vm.console.text()[-1500:]
    assert seconds < 1.9


def test_idle(app):
    """Noise on a connection that nobody uses is its end, and no client's concern."""
    fake = Fake()
    lost = app.metrics()["postgres_lost_total"]
    fake.row = lambda: Fake().row() + message(b"C", b"SELECT 1\0") + READY + NOISE
    with Backend(app.net, fake.serve, PORT, FAR):
        for _ in range(2):
            fake.prepared = False
            assert json.loads(app.get("/").body) == {"result": 1}
        deadline = time.monotonic() + 15
        while app.metrics()["postgres_lost_total"] != lost + 2:
            assert time.monotonic() < deadline, app.metrics()


def test_late_listen(app, full):
    """A LISTEN whose answer comes after the deadline is taken back: the connection is lent to
    others."""
    if not full:
        pytest.skip("waits for a deadline of 5 s: only in make test-full")
    heard, taken_back = [], threading.Event()

    def late(text):
        heard.append(text)
        if text.startswith(b"LISTEN"):
            time.sleep(6)
        if text.startswith(b"UNLISTEN"):
            taken_back.set()
        return message(b"C", text.split()[0] + b"\0") + READY
    with Backend(app.net, changed(simple=late).serve, PORT, FAR):
        assert json.loads(app.get("/news").body)["error"] == "timed out"
        assert taken_back.wait(15), heard


def test_vanishes(ask, app):
    """A host that is there no more, without a word: its address is gone with the query under
    way."""
    def vanish(_):
        app.net.ip("addr", "del", f"{FAR}/16", "dev", IFNAME)
        vanished.set()
    vanished = threading.Event()
    try:
        got, body, seconds = ask(changed(answer=lambda: b"", hold=vanish))
        assert vanished.is_set() and seconds < 4
        assert (got, body["error"], body["sqlstate"]) == LATE
        assert json.loads(app.get("/").body)["error"] in ("timed out", "no way to the database")
    finally:
        app.net.ip("addr", "replace", f"{FAR}/16", "dev", IFNAME)
    assert ask(Fake())[:2] == (200, {"result": 1})


def test_refusals(app):
    """The console has said which setting would allow what was refused."""
    text = app.vm.console.text()
    assert "the server asks for md5; postgres.auth=md5 would allow that" in text
    assert "the server asks for the password itself; postgres.auth=password would" in text
    assert "the server asks for no password; postgres.auth=none would allow that" in text
    assert "SCRAM with 64 rounds: expected 4096 to 200000" in text


def test_notices(ask):
    """Notices, parameters and notifications may come at any time, in any number."""
    noise = (message(b"N", b"SNOTICE\0C00000\0Mhello\0\0") + message(b"S", b"a\0b\0")
             + message(b"A", b"\0\0\0\1channel\0payload\0") * 200)
    fake = Fake()
    fake.row = lambda: noise + Fake().row() + noise
    assert ask(fake)[:2] == (200, {"result": 1})


@pytest.mark.parametrize("user, auth_setting", [
    ("old", "md5"), ("plain", "password"), ("anybody", "none")])
def test_auth(boot_app, user, auth_setting):
    """What a real server may ask for beside SCRAM, where the setting allows it."""
    site = boot_app(f'postgres.host={HOST} postgres.port={PORT} postgres.user={user} '
                    f'postgres.database=shop postgres.password="{PASSWORD}" '
                    f'postgres.auth={auth_setting} postgres.min=0')
    pg = Postgres(site.net, port=PORT)
    try:
        assert site.get("/").status == 200, site.vm.console.text()
        assert PASSWORD not in site.vm.console.text()
    finally:
        pg.close()


def test_wrong_password(boot_app):
    """A wrong password: 502, a line that says so and not what the password was."""
    site = boot_app(f'postgres.host={HOST} postgres.port={PORT} postgres.user=zeitkern '
                    f'postgres.database=shop postgres.password=guess-guess postgres.max=0 '
                    'postgres.auth=kerberos')
    pg = Postgres(site.net, port=PORT)
    try:
        assert site.get("/").status == 502
        # The pool may have asked before there was a server; it asks again each second.
        site.vm.wait_for(r"password authentication failed for user", 10)
        text = site.vm.console.text()
        assert "guess" not in text
        assert "postgres.max=0: expected connections, 1 to 256" in text
        assert "postgres.auth=kerberos: expected scram, md5, password or none" in text
    finally:
        pg.close()
