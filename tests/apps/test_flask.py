# SPDX-License-Identifier: MIT
"""app/flask beside its original in Flask: the same requests to both, the same answers."""

import json
import socket
import time

import pytest

from asked import ask
from netns import HOST
from original import Original, lines

APP = "flask"
PORT = 5000
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
UUID = "01234567-89ab-cdef-0123-456789abcdef"
BOUNDARY = "----geckoformboundary1f3"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def multipart(*parts):
    """A body of such parts: (fields after the name, text)."""
    return "".join(f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n{text}\r\n"
                   for head, text in parts) + f"--{BOUNDARY}--\r\n"


PHOTO = multipart(('name="name"', "Zoë"),
                  ('name="photo"; filename="a \\"b\\".png"\r\nContent-Type: image/png',
                   "\r\n--" + BOUNDARY[:-1] + "\r\n\0binary"))

# (method, path, body, fields)
REQUESTS = (
    ("GET", "/", None, {}), ("GET", "/?name=Zo%C3%AB+%22", None, {}),
    ("GET", "/item/42", None, {}), ("GET", "/item/0042", None, {}),
    ("GET", "/item/4x2", None, {}), ("GET", "/item/%34%32", None, {}),
    ("GET", "/item/a%20b%2Bc", None, {}), ("GET", "/item/", None, {}),
    ("GET", "/item/1/2", None, {}), ("HEAD", "/item/42", None, {}),
    ("GET", "/value/1.5", None, {}), ("GET", "/value/00%2e25", None, {}),
    ("GET", "/value/7", None, {}), ("GET", "/value/1.", None, {}), ("GET", "/value/.5", None, {}),
    ("GET", "/value/-1.5", None, {}), ("GET", "/value/1.5.2", None, {}),
    ("GET", "/value/1e5", None, {}), ("GET", "/value/1.5/", None, {}),
    ("GET", f"/value/{UUID}", None, {}), ("GET", f"/value/%30{UUID[1:]}", None, {}),
    ("GET", f"/value/{UUID[:-1]}g", None, {}), ("GET", f"/value/{UUID}0", None, {}),
    ("GET", f"/value/{UUID.replace('-', '')}", None, {}),
    ("GET", "/%76alue/7", None, {}), ("GET", "/value%2F7", None, {}), ("GET", "/values", None, {}),
    ("HEAD", "/value/1.5", None, {}), ("POST", "/value/1.5", "", {}),
    ("DELETE", f"/value/{UUID}", None, {}), ("POST", "/value/7", "", {}),
    ("GET", "/files/a", None, {}), ("GET", "/files/a/b/c.txt", None, {}),
    ("GET", "/files/", None, {}), ("GET", "/nowhere", None, {}),
    ("POST", "/item/42", "", {}), ("DELETE", "/search", None, {}), ("GET", "/form", None, {}),
    ("GET", "/search", None, {}), ("GET", "/search?q=", None, {}),
    ("GET", "/search?q=a+b%26c&lang=d%C3%A9&q=second", None, {}),
    ("GET", "/search?&&lang&q=", None, {}), ("GET", "/search?%71=x", None, {}),
    ("POST", "/form", "name=a+b&x=y&name=z", FORM), ("POST", "/form", "", FORM),
    ("POST", "/form", "name=%E2%82%AC%3D", FORM), ("POST", "/form", "name=x", {}),
    ("POST", "/form", "x=%&name=%zz%4", FORM),
    ("POST", "/form", PHOTO.encode(), MULTIPART),
    ("POST", "/form", multipart(('name=name', "bare")).encode(), MULTIPART),
    ("POST", "/form", multipart(('name="name"', "")).encode(), MULTIPART),
    ("POST", "/sum", json.dumps({"who": "Zoë", "numbers": [1, 2.5, -3e2]}), JSON),
    ("POST", "/sum", json.dumps({"numbers": []}), JSON),
    ("POST", "/sum", json.dumps({"numbers": [1, "2"]}), JSON),
    ("POST", "/sum", '{"numbers": [1,]}', JSON), ("POST", "/sum", "{", JSON),
    ("POST", "/sum", b'{"who": "\xff"}', JSON), ("POST", "/sum", "", JSON),
    ("PUT", "/mirror", '{"a": [1, {"b": null}, true, "\\u20ac\\n"], "c": 1e3}', JSON),
    ("PUT", "/mirror", '"text"', {"Content-Type": "application/json; charset=utf-8"}),
    ("POST", "/login", "name=zoe", FORM), ("POST", "/login", "nam=zoe", FORM),
    ("GET", "/me", None, {}), ("GET", "/me", None, {"Cookie": "user=zoe"}),
    ("GET", "/me", None, {"Cookie": 'a=b; user="z o e"; user=second'}),
    ("GET", "/me", None, {"Cookie": "xuser=1; user=; c"}),
    ("GET", "/stream/0", None, {}), ("GET", "/stream/1000", None, {}),
    ("GET", "/stream/x", None, {}), ("HEAD", "/stream/5", None, {}),
    ("GET", "/fault", None, {}), ("GET", "/events", None, {}),
)


@pytest.fixture(scope="module")
def flask(app_site):
    """The original, as a function that asks it."""
    it = Original(app_site.net, APP, PORT)
    yield lambda *words: ask(app_site, HOST, PORT, *words)
    it.close()


def attributes(reply):
    """Cookies set, each as a set of its attributes but for Expires, which Max-Age overrules."""
    return [{word.strip() for word in value.split(";") if "Expires=" not in word}
            for value in reply.header("Set-Cookie")]


@pytest.mark.parametrize("method, path, body, fields", REQUESTS)
def test_same(app, flask, method, path, body, fields):
    """Status, JSON, cookies, redirects, Allow; of streams the bytes and the type."""
    mine = ask(app, app.address, 8080, method, path, body, fields)
    theirs = flask(method, path, body, fields)
    assert mine.status == theirs.status, (mine, theirs)
    assert attributes(mine) == attributes(theirs)
    assert mine.header("Location") == theirs.header("Location")
    allowed = [set(reply.header("Allow")[0].split(", ")) if reply.header("Allow") else None
               for reply in (mine, theirs)]
    assert allowed[0] == allowed[1]
    kind = theirs.header("Content-Type")[0]
    if kind.startswith("application/json") and method != "HEAD":
        assert mine.json() == theirs.json()
    elif mine.status == 200:
        assert mine.header("Content-Type")[0] == kind
        assert mine.body == theirs.body


def test_not_json(app):
    """What is wrong with JSON is said, with the place."""
    for body, words in (("[1, 2", "unexpected end"), ("[" * 40 + "]" * 40, "deeper than 32"),
                        ("{'a': 1}", "byte 1"), ("[NaN]", "byte 1"), ("1 2", "byte 2")):
        reply = ask(app, app.address, 8080, "PUT", "/mirror", body, JSON)
        assert reply.status == 400 and words in reply.json()["error"], (body, reply)
    reply = ask(app, app.address, 8080, "PUT", "/mirror", "[]", {})
    assert reply.status == 415 and "application/json" in reply.json()["error"]


def test_large_json(app):
    """Nearly as large as bodies may be, again and again."""
    text = json.dumps(list(range(10000)))
    for _ in range(5):
        reply = ask(app, app.address, 8080, "PUT", "/mirror", text, JSON)
        assert reply.status == 200 and json.loads(reply.body) == list(range(10000))


def test_events_come_at_once(app):
    """An event is sent when it is said, not at the end; and who has gone is not waited for."""
    with app.client() as client:
        client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
        began = time.monotonic()
        client.take(len(b"HTTP/1.1 200 OK\r\n"))
        while b"id: 0" not in client.buffer:
            client.more()
        assert b"id: 1" not in client.buffer and time.monotonic() - began < 0.09
    with app.client() as client:
        client.send("GET /stream/99999999 HTTP/1.1\r\nHost: a\r\n\r\n")
        client.take(10000)
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


def test_endless_head(app):
    """HEAD of an answer that would never end: answered, and the machine goes on."""
    path = "/stream/999999999999999999"
    assert ask(app, app.address, 8080, "HEAD", path).status == 200
    assert ask(app, app.address, 8080, "GET", "/item/1").status == 200


def test_lines():
    """At most twice as long as the original."""
    assert lines("app/flask/main.c") <= 2 * lines("tests/apps/flask_app.py")
