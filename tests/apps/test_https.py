# SPDX-License-Identifier: MIT
"""https: URLs in the HTTP client: app/aiohttp with nginx as its backends."""

import json
import os
import socket
import ssl
import subprocess
import time

import pki
import pytest
from backends import PUT_OFF_S, Backend, good, halves, request, usual
from conftest import shared
from netns import HOST

APP = "aiohttp"
NAME = "web.test.example"         # dnsmasq: HOST
GOOD, OTHER, CUTTING, PLAIN = 9443, 9444, 9445, 9080
CONFIG = """daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log {folder}/access.log combined;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen {host}:{good} ssl http2; server_name {name}; keepalive_timeout 60;
        ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols {protocols};
        ssl_prefer_server_ciphers on;
        location = /one {{ return 200 '{{"one": "$connection $ssl_protocol $ssl_server_name"}}'; }}
        location = /two {{ return 200 '{{"two": "$connection $ssl_protocol $ssl_server_name"}}'; }}
        location = /down {{ return 302 http://{host}:{plain}/plain; }}
        location = /away {{ return 302 https://{name}:{other}/one; }}
        location / {{ root {folder}; }}
    }}
    server {{
        listen {host}:{other} ssl; server_name other.test.example;
        ssl_certificate {wrong}; ssl_certificate_key {wrong_key};
        location = /one {{ return 200 '{{}}'; }}
    }}
    server {{
        listen {host}:{plain};
        location = /one {{ return 302 https://{name}:{good}/two; }}
        location = /plain {{ return 200 '{{}}'; }}
    }}
}}
"""


@pytest.fixture(scope="module")
def pairs(trust):
    """nginx's certificates: the right one, behind an authority below the root, and another's; of
    yesterday, because a machine's clock may be late by a second at first."""
    return (pki.signed(trust.below, trust.folder, "web", (NAME,), kind="rsa", since=-1),
            pki.signed(trust.root, trust.folder, "other-web", ("other.test.example",),
                       since=-1))


def serving(site, pairs, protocols="TLSv1.2 TLSv1.3"):
    """nginx in the site's namespace: it, and its folder."""
    folder = f"{site.net.folder_made()}/nginx"
    os.makedirs(folder)
    good, other = pairs
    with open(f"{folder}/nginx.conf", "w", encoding="ascii") as out:
        out.write(CONFIG.format(folder=folder, host=HOST, name=NAME, good=GOOD, other=OTHER,
                                plain=PLAIN, cert=good.cert, key=good.key, wrong=other.cert,
                                wrong_key=other.key, protocols=protocols))
    with open(f"{folder}/much", "wb") as out:
        out.truncate(20_000_000)
    child = site.net.popen(["/usr/sbin/nginx", "-p", folder, "-c", f"{folder}/nginx.conf"],
                           stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while True:
        with site.net.socket() as sock:
            if sock.connect_ex((HOST, GOOD)) == 0:
                return child
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)


def backends(row, trust, one, two):
    """The settings: two backends, and whom to trust."""
    return pki.given(row, trust.folder, {"tls.ca": trust.root.cert},
                     f"metrics=yes backend.1={one} backend.2={two}")


@pytest.fixture(scope="module")
def app_site(row, app_image, trust):
    """app/aiohttp, whose second backend redirects to the first."""
    settings, more = backends(row, trust, f"https://{NAME}:{GOOD}/one",
                              f"http://{HOST}:{PLAIN}/one")
    yield from shared(row, app_image, settings, **more)


@pytest.fixture
def nginx(app, pairs):
    """nginx, for one test."""
    child = serving(app, pairs)
    yield child
    app.net.end(child)


def both(site):
    """GET /: what the two backends said, as values."""
    answer = site.get("/")
    assert answer.status == 200, (answer, site.vm.console.text()[-500:])
    said = json.loads(answer.body)
    return said["one"].split(), said["two"].split()


def test_kept(app, nginx):
    """Both backends over TLS 1.3, by name, also by way of a redirect; sessions are kept."""
    (first, version, name), (second, *_) = both(app)
    assert version == "TLSv1.3" and name == NAME and first != second
    for _ in range(3):
        assert {said[0] for said in both(app)} <= {first, second}


def test_much(boot_app, row, trust, pairs):
    """TLS 1.2 alone, and a file of 20 MB: piece by piece it comes whole, at once it is too long."""
    settings, more = backends(row, trust, f"https://{NAME}:{GOOD}/much", f"https://{HOST}:9/")
    site = boot_app(settings, **more)
    child = serving(site, pairs, protocols="TLSv1.2")
    assert site.get("/relay").body == bytes(20_000_000)
    assert json.loads(site.get("/").body) == {"error": "backend.1: answer too long"}
    site.net.end(child)


def test_unverified(boot_app, row, trust, pairs):
    """A backend with another's certificate, also at the end of a redirect: 502, and nothing is
    sent to it."""
    settings, more = backends(row, trust, f"https://{NAME}:{GOOD}/away",
                              f"https://{NAME}:{OTHER}/one")
    site = boot_app(settings, **more)
    serving(site, pairs)
    answer = site.get("/")
    assert answer.status == 502
    assert json.loads(answer.body) == {"error": "backend.1: not verified"}
    assert site.vm.console.wait_for(f"tls: {NAME}: its certificate does not name it", 1)[0]
    with open(f"{site.net.folder}/nginx/access.log", encoding="ascii") as log:
        assert [line for line in log if "/one" in line] == []


def test_redirected_down(boot_app, row, trust, pairs):
    """What was verified does not end in the clear: 502."""
    settings, more = backends(row, trust, f"https://{NAME}:{GOOD}/down", f"http://{HOST}:9/")
    site = boot_app(settings, **more)
    serving(site, pairs)
    answer = site.get("/one")
    assert answer.status == 502
    assert json.loads(answer.body) == {"error": "backend.1: not verified"}
    with open(f"{site.net.folder}/nginx/access.log", encoding="ascii") as log:
        assert [line for line in log if "/plain" in line] == []


def test_two_writes(boot_app, row, trust, pairs):
    """Head and body in two records: the first is acknowledged while the second is waited for."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pairs[0].cert, pairs[0].key)
    settings, more = backends(row, trust, f"https://{NAME}:{CUTTING}/", f"http://{HOST}:9/")
    site = boot_app(settings, **more)
    sessions = []

    def serve(sock):
        sessions.append(context.wrap_socket(sock, server_side=True))
        halves(good(b"{}"))(sessions[-1])
    with Backend(site.net, serve, CUTTING) as backend:
        assert site.get("/one").status == 200
        assert usual(lambda: site.get("/one")) < PUT_OFF_S / 2
        assert backend.accepted == 1
        sessions[0].shutdown(socket.SHUT_RDWR)


def test_cut_when_asked(boot_app, row, trust, pairs):
    """A kept session that ends without a word when it is asked: asked again on a new one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pairs[0].cert, pairs[0].key)
    sessions = []

    def serve(sock):
        """One answer; then the connection is cut without close_notify."""
        session = context.wrap_socket(sock, server_side=True)
        sessions.append(session)
        assert request(session)
        session.sendall(good(b'{"asked": %d}' % len(sessions)))
        request(session)
        session.close()

    settings, more = backends(row, trust, f"https://{NAME}:{CUTTING}/", f"http://{HOST}:9/")
    site = boot_app(settings, **more)
    with Backend(site.net, serve, CUTTING):
        for n in (1, 2, 3):
            answer = site.get("/one")
            assert (answer.status, json.loads(answer.body)) == (200, {"asked": n}), answer
        sessions[-1].shutdown(socket.SHUT_RDWR)
