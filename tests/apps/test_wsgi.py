# SPDX-License-Identifier: MIT
"""app/wsgi beside its original in gunicorn, and behind a real nginx and a real HAProxy."""

import base64
import http.client
import os
import re
import socket
import time
import urllib.parse

import pytest

from asked import READY_S, ask, started
from net6 import HOST6, enable, get6
from netns import HOST
from original import lines, shown

APP = "wsgi"
SETTINGS = f"http.trust={HOST}"
HERE = os.path.dirname(os.path.abspath(__file__))
ORIGINAL, NGINX, HAPROXY, UNTRUSTED = 9300, 9301, 9302, 9303
CLIENT, STRANGER, OTHER = "10.77.0.3", "10.77.0.4", "10.77.0.5"
KEYS = ("REQUEST_METHOD SCRIPT_NAME PATH_INFO SERVER_PROTOCOL CONTENT_TYPE CONTENT_LENGTH"
        " REMOTE_ADDR HTTP_X_ONE HTTP_COOKIE HTTP_ACCEPT_ENCODING HTTP_NONE wsgi.url_scheme"
        " HTTP_CONTENT_TYPE HTTP_CONTENT_LENGTH zeitkern.none")
ENVIRON = "/environ?" + "&".join(KEYS.split())
UPLOAD = b"abcdefghij" * 30000
ANN = {"Authorization": "Basic " + base64.b64encode(b"ann:open sesame").decode()}
BOB = {"Authorization": "Basic " + base64.b64encode(b"bob:open sesame").decode()}

NGINX_CONF = """
daemon off; error_log stderr; pid {folder}/nginx.pid; user root;
events {{}}
http {{
    access_log off; client_body_temp_path {folder}/1; proxy_temp_path {folder}/2;
    fastcgi_temp_path {folder}/3; uwsgi_temp_path {folder}/4; scgi_temp_path {folder}/5;
    upstream app {{ server {address}:8080; keepalive 4; keepalive_timeout 2s; }}
    server {{
        listen {host}:{port}; client_max_body_size 8m;
        location / {{
            proxy_pass http://app; proxy_http_version 1.1; proxy_request_buffering off;
            proxy_buffering off; proxy_set_header Connection ""; proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header X-Forwarded-Proto https; proxy_set_header X-Forwarded-Host "";
        }}
    }}
}}
"""
HAPROXY_CONF = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    http-reuse always
    option forwardfor
frontend front
    bind {host}:{port}
    http-request set-header X-Forwarded-Proto https
    default_backend app
backend app
    server app {address}:8080 pool-purge-delay 1s
"""

# One that writes RFC 7239's header, at two ports: to the app from HOST, after what a client says of
# itself, and from STRANGER, instead of that.
FORWARDED_CONF = """
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
frontend front
    bind {host}:{port}
    default_backend app
frontend other
    bind {host}:{other}
    default_backend stranger
backend app
    http-request add-header Forwarded for=%[src];proto=https
    server app {address}:8080
backend stranger
    http-request set-header Forwarded for=%[src];proto=https
    source {stranger}
    server app {address}:8080
"""

REQUESTS = (
    ("GET", "/", None, {}), ("HEAD", "/", None, {}), ("GET", "/nowhere", None, {}),
    ("PURGE", "/", None, {}), ("GET", "/upper", None, {}), ("POST", "/upper", b"", {}),
    ("POST", "/upper", b"hello", {}), ("POST", "/upper", UPLOAD, {}),
    ("GET", ENVIRON, None, {"X-One": "1", "Cookie": "a=b; c=d"}),
    ("POST", ENVIRON, b"abc", {"Content-Type": "text/x", "X-One": "a, b", "X_One": "no"}),
    ("GET", "/vault" + ENVIRON, None, ANN), ("GET", "/vault/", None, ANN),
    ("GET", "/vault", None, ANN), ("GET", "/vault/%C3%A9%2F?", None, ANN),
    ("GET", "/vault/", None, {}), ("GET", "/vault/", None, BOB),
    ("GET", "/%76ault/", None, {}), ("GET", "/%76ault%2F", None, ANN),
    ("GET", "/vaul%74" + ENVIRON, None, ANN), ("GET", "/vault%73", None, {}),
    ("GET", "/vault/", None, {"Authorization": "Basic !"}), ("GET", "/vaults", None, {}),
    ("GET", "/", None, {"X-Request-ID": "abc-1.2"}), ("POST", "/length", UPLOAD, {}),
    ("GET", "/length", None, {}), ("GET", "/lines?9", None, {}), ("HEAD", "/lines?9", None, {}),
    ("GET", "/lines?0", None, {}),
)


@pytest.fixture(scope="module")
def gunicorn(app_site):
    """The original, as a function that asks it."""
    args = ["/usr/bin/gunicorn", "--chdir", HERE, "-b", f"0.0.0.0:{ORIGINAL}", "--log-level",
            "error", "wsgi_app:application"]
    with started(app_site, args, ORIGINAL):
        yield lambda *words: ask(app_site, HOST, ORIGINAL, *words)


@pytest.fixture(scope="module", params=["nginx", "haproxy"])
def proxy(request, app_site):
    """The port of a proxy in front of the app."""
    nginx = request.param == "nginx"
    port = NGINX if nginx else HAPROXY
    folder = app_site.net.folder_made()
    path = os.path.join(folder, f"{request.param}.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write((NGINX_CONF if nginx else HAPROXY_CONF).format(
            folder=folder, address=app_site.address, host=HOST, port=port))
    args = ["/usr/sbin/nginx", "-c", path, "-e", "stderr"] if nginx else \
        ["/usr/sbin/haproxy", "-f", path, "-db"]
    with started(app_site, args, port):
        yield port


def told(reply):
    """What must be the same: status, type, challenge, body."""
    return (reply.status, reply.header("Content-Type"), reply.header("WWW-Authenticate"),
            reply.body)


@pytest.mark.parametrize("method, path, body, fields", REQUESTS)
def test_same(app, gunicorn, method, path, body, fields):
    """The same from both."""
    mine = ask(app, app.address, 8080, method, path, body, fields)
    theirs = gunicorn(method, path, body, fields)
    if "X_One" in fields:                    # which gunicorn takes for X-One, or refuses
        assert mine.status == 200 and b"HTTP_X_ONE=a, b\n" in mine.body
        return
    assert told(mine) == told(theirs)
    for reply in (mine, theirs):
        assert re.fullmatch(r"[\w.-]{1,64}", reply.header("X-Request-ID")[0])
        if reply.status != 401 and "/vault" not in urllib.parse.unquote(path):
            assert re.fullmatch(r"app;dur=\d+\.\d{3}", reply.header("Server-Timing")[0])


def test_log(app):
    """One line for each request, with its id, after its end."""
    ask(app, app.address, 8080, "GET", "/", None, {"X-Request-ID": "log-me"})
    app.vm.wait_for(rf'{HOST} - "GET / HTTP/1.1" 200 14 0\.\d{{6}} log-me', 5)
    ask(app, app.address, 8080, "GET", "/vault/", None, dict(ANN, **{"X-Request-ID": "ann-1"}))
    app.vm.wait_for(rf'{HOST} ann "GET /vault/ HTTP/1.1" 200 14 0\.\d{{6}} ann-1', 5)
    path = "/x%0A%5b%20%200.1%5d%20forged%1b%5b2J%22%C3" + 99 * "y"
    ask(app, app.address, 8080, "GET", path, None, {"X-Request-ID": "forged-1"})
    app.vm.wait_for(r'"GET /x\?\[  0.1\] forged\?\[2J\?\?y{57} HTTP/1.1" 404 \d+ \S+ forged-1',
                    5)
    counts = [int(ask(app, app.address, 8080, "GET", "/environ?zeitkern.count").body[15:])
              for _ in range(2)]
    assert counts[1] == counts[0] + 1


def value(reply, key):
    """One of the lines of /environ."""
    return dict(line.split("=", 1) for line in reply.body.decode().splitlines())[key]


def test_close(app, gunicorn):
    """A body is closed once: after its end, an error at once or later, a HEAD, and when its client
    goes away in the middle of it."""
    servers = [(lambda *words: ask(app, app.address, 8080, *words), app.address, 8080),
               (gunicorn, HOST, ORIGINAL)]
    for server, address, port in servers:
        closed = int(server("GET", "/closed").body)
        assert server("GET", "/lines?1000").body.endswith(b"\n999\n")
        assert server("HEAD", "/lines?5").status == 200
        assert server("GET", "/lines?0!").status == 500
        with pytest.raises((http.client.IncompleteRead, ConnectionResetError)):
            server("GET", "/lines?500!")
        assert int(server("GET", "/closed").body) == closed + 4
        with app.socket(address=address, port=port, timeout=READY_S) as sock:
            sock.sendall(b"GET /lines?999999999 HTTP/1.1\r\nHost: a\r\n\r\n")
            while b"\n99\n" not in sock.recv(65536, socket.MSG_PEEK):
                time.sleep(0.01)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        deadline = time.monotonic() + READY_S
        while int(server("GET", "/closed").body) == closed + 4 and time.monotonic() < deadline:
            time.sleep(0.05)
        assert int(server("GET", "/closed").body) == closed + 5


def test_close_while_reading(app):
    """It is closed, too, when its client goes away while it waits for the request's body: the
    access log is written then."""
    with app.socket(timeout=READY_S) as sock:
        sock.sendall(b"POST /upper HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n"
                     b"X-Request-ID: gone-1\r\n\r\nhello")
        while b"HELLO" not in sock.recv(65536, socket.MSG_PEEK):
            time.sleep(0.01)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    app.vm.wait_for(r'"POST /upper HTTP/1.1" 200 5 \S+ gone-1', 5)


def test_server(app):
    """SERVER_NAME and _PORT are what was connected to, whatever the request says; HTTP_HOST is what
    it says, in an absolute form before the Host field; REMOTE_PORT is the socket's own."""
    path = "/environ?SERVER_NAME&SERVER_PORT&REMOTE_ADDR&REMOTE_PORT&HTTP_HOST&SERVER_PROTOCOL"
    for target, version, wanted in (
            (path, "1.1", "b:2"), (path, "1.0", "b:2"), (f"http://c:3{path}", "1.1", "c:3")):
        with app.client(CLIENT) as client:
            client.send(f"GET {target} HTTP/{version}\r\nHost: b:2\r\nConnection: close\r\n\r\n")
            reply, port = client.answer(), client.sock.getsockname()[1]
        assert [line.split("=")[1] for line in reply.body.decode().splitlines()] == \
            [app.address, "8080", CLIENT, str(port), wanted, f"HTTP/{version}"]


def test_fields(app):
    """Several fields of a name are one, in their order, cookies as cookies; none is there by a name
    with "_", or twice."""
    path = "/environ?HTTP_X_ONE&HTTP_COOKIE&HTTP_X_EMPTY&CONTENT_TYPE&HTTP_CONTENT_TYPE"
    with app.client() as client:
        reply = client.get(path, "X-One: 1\r\nCookie: a=b\r\nX-Empty:\r\nx-one: 2, 3\r\n"
                           "X_One: 9\r\nX-ONE: 4\r\nCookie: c=d; e=f\r\n"
                           "Content-Type: text/x; charset=utf-8\r\n")
    assert reply.body == (b"HTTP_X_ONE=1, 2, 3, 4\nHTTP_COOKIE=a=b; c=d; e=f\nHTTP_X_EMPTY=\n"
                          b"CONTENT_TYPE=text/x; charset=utf-8\nHTTP_CONTENT_TYPE=\n")


def through(app, port, method, path, body=None, fields=(), source=CLIENT):
    """A request from an address, of a proxy."""
    with app.net.inside():
        return ask(SourceOf(app, source), HOST, port, method, path, body, fields)


class SourceOf:
    """A site whose clients come from an address."""

    def __init__(self, site, source):
        self.site, self.source = site, source

    def socket(self, **more):
        """A connected socket."""
        return self.site.socket(source=self.source, **more)


def test_behind(app, proxy):
    """Who asks is known through the proxy, whatever it says of itself; the connection to the proxy
    is kept; bodies stream both ways."""
    before = app.metrics()["http_connections_total"]
    for n in range(20):
        spoof = {"X-Forwarded-For": "6.6.6.6", "X-Forwarded-Proto": "gopher"} if n % 2 else {}
        reply = through(app, proxy, "GET", "/environ?REMOTE_ADDR&wsgi.url_scheme&HTTP_HOST",
                        None, spoof)
        assert value(reply, "REMOTE_ADDR") == CLIENT
        assert value(reply, "wsgi.url_scheme") == "https"
        assert value(reply, "HTTP_HOST") == f"{HOST}:{proxy}"
    assert through(app, proxy, "POST", "/length", UPLOAD).body == b"%d\n" % len(UPLOAD)
    # nginx sends no more of a body once the answer has begun: less than a window of it.
    upload = UPLOAD[:8000] if proxy == NGINX else UPLOAD
    reply = through(app, proxy, "POST", "/upper", upload)
    assert reply.status == 200 and reply.body == upload.upper()
    assert through(app, proxy, "GET", "/vault/", None, ANN).status == 200
    assert through(app, proxy, "GET", "/vault/").status == 401
    assert app.metrics()["http_connections_total"] - before < 6


def remote(site, source, fields):
    """REMOTE_ADDR and scheme for a request with these raw lines from an address. REMOTE_PORT is the
    connection's, if that is whose address it is, or not known, 0; any other comes third."""
    with site.client(source=source) as client:
        answer = client.get("/environ?REMOTE_ADDR&wsgi.url_scheme&REMOTE_PORT", fields)
        own = client.sock.getsockname()[1]
    address, scheme, port = (line.split("=")[1] for line in answer.body.decode().splitlines())
    if int(port) == (own if address == source else 0):
        return address, scheme
    return address, scheme, int(port)


def test_not_trusted(app):
    """Only a trusted peer is believed, and from the right."""
    for fields, wanted in (
            ("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-Proto: https\r\n", ("1.1.1.1", "https")),
            ("X-Forwarded-For: 1.1.1.1, 2.2.2.2\r\n", ("2.2.2.2", "http")),
            ("X-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n", ("2.2.2.2", "http")),
            (f"X-Forwarded-For: 1.1.1.1, {HOST}, {HOST}\r\n", ("1.1.1.1", "http")),
            ("X-Forwarded-For: 1.1.1.1:99\r\n", ("1.1.1.1", "http", 99)),
            ("X-Forwarded-For: 1.1.1.1:_a\r\n", (HOST, "http")),
            (f"X-Forwarded-For: 1.1.1.1, , {HOST} ,\t\r\nX-Forwarded-Proto: https, ,\r\n",
             ("1.1.1.1", "https")),
            ('X-Forwarded-For: ", 2.2.2.2\r\n', ("2.2.2.2", "http")),
            ("X-Forwarded-For: [2001:db8::1]:99\r\n", ("2001:db8::1", "http", 99)),
            ("X-Forwarded-For: unknown\r\n", (HOST, "http")),
            (f"X-Forwarded-For: 1.1.1.1, x, {HOST}\r\n", (HOST, "http", 0)),
            ("Forwarded: for=1.1.1.1;proto=https\r\n", (HOST, "http")),
            ("X-Forwarded-For: " + "1.1.1.1," * 100 + "3.3.3.3\r\n", ("3.3.3.3", "http"))):
        assert remote(app, HOST, fields) == wanted, fields
        assert remote(app, CLIENT, fields) == (CLIENT, "http"), fields


def test_forwarded(boot_app):
    """RFC 7239, where that is what the proxies write."""
    site = boot_app("http.trust=10.77.0.0/30,2001:db8::/32 http.forwarded=forwarded"
                    " ip6=fd77::7/64")
    for fields, wanted in (
            ("Forwarded: for=1.1.1.1;proto=https\r\n", ("1.1.1.1", "https")),
            ('Forwarded: for="[2001:DB8::7]:4711", for=10.77.0.2\r\n',
             ("2001:db8::7", "http", 4711)),
            ('Forwarded: for=9.9.9.9, FOR="[2001:db8::7]"\r\n', ("9.9.9.9", "http")),
            ("Forwarded: for=9.9.9.9\r\nForwarded: for=8.8.8.8;proto=https\r\n",
             ("8.8.8.8", "https")),
            ('Forwarded: for="9.9.9.9,8.8.8.8";host="a,b", for=_hidden\r\n', (HOST, "http")),
            ('Forwarded: for="1.1.1.1, for="2.2.2.2";proto=https\r\n', ("2.2.2.2", "https")),
            ('Forwarded: for="\\, for=2.2.2.2\r\n', ("2.2.2.2", "http")),
            ("Forwarded: ;;=,\r\n", (HOST, "http")),
            ('Forwarded: for="1.1.1.1:99"\r\n', ("1.1.1.1", "http", 99)),
            ('Forwarded: for="1.1.1.1:_a.B-9"\r\n', ("1.1.1.1", "http")),
            ('Forwarded: for=9.9.9.9, for="[2001:db8::7]:_x";proto=https, , for=10.77.0.2,\r\n',
             ("9.9.9.9", "https")),
            ('Forwarded: for="1.1.1.1:_"\r\n', (HOST, "http")),
            ('Forwarded: for="1.1.1.1:_a b"\r\n', (HOST, "http")),
            ("X-Forwarded-For: 1.1.1.1\r\n", (HOST, "http"))):
        assert remote(site, HOST, fields) == wanted, fields
        assert remote(site, STRANGER, fields) == (STRANGER, "http"), fields
    behind_forwarded(site)
    enable(site.net)
    reply = get6(site, "fd77::7", "/environ?SERVER_NAME&SERVER_PORT&REMOTE_ADDR&wsgi.url_scheme",
                 extra="Forwarded: for=1.1.1.1;proto=https\r\n")
    assert reply.body == (b"SERVER_NAME=[fd77::7]\nSERVER_PORT=8080\nREMOTE_ADDR=%s\n"
                          b"wsgi.url_scheme=http\n" % HOST6.encode())


def behind_forwarded(site):
    """The same by a real proxy: from an address that is trusted, and from one that is not."""
    path = os.path.join(site.net.folder_made(), "haproxy.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(FORWARDED_CONF.format(address=site.address, host=HOST, port=HAPROXY,
                                         other=UNTRUSTED, stranger=STRANGER))
    with started(site, ["/usr/sbin/haproxy", "-f", path, "-db"], HAPROXY):
        for port, wanted in ((HAPROXY, (OTHER, "https")), (UNTRUSTED, (STRANGER, "http"))):
            for spoof in ({}, {"Forwarded": "for=6.6.6.6;proto=gopher"},
                          {"Forwarded": 'for="6.6.6.6, for=7'}, {"X-Forwarded-For": "6.6.6.6"}):
                reply = through(site, port, "GET", "/environ?REMOTE_ADDR&wsgi.url_scheme", None,
                                spoof, OTHER)
                assert (value(reply, "REMOTE_ADDR"), value(reply, "wsgi.url_scheme")) == wanted


def test_settings(boot_app):
    """A bad value is said, and nobody is trusted."""
    site = boot_app("http.trust=10.77.0.1/33 http.forwarded=x")
    site.vm.wait_for("http.trust.*proxies: 10.0.0.1", 5)
    site.vm.wait_for("http.forwarded.*x-forwarded-for or forwarded", 5)
    assert remote(site, HOST, "X-Forwarded-For: 1.1.1.1\r\n") == (HOST, "http")


def test_lines():
    """At most twice as long as the original."""
    assert lines("app/wsgi/main.c") <= 2 * lines("tests/apps/wsgi_app.py")


def test_shown():
    """README shows it beside its original, as both are."""
    assert shown(APP) == 1
