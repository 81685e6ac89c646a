# SPDX-License-Identifier: MIT
"""TLS sessions that we open: app/probe against openssl's server and nginx."""

import json
import socket
import subprocess
import time
import types

import pki
import pytest
from conftest import shared

APP = "probe"
HOST = "10.77.0.1"
PORTS = iter(range(20000, 30000))
LINE_S = 0.13                     # at most eight lines a second are written
NAME = "srv.test.example"         # dnsmasq: HOST


@pytest.fixture(scope="module")
def certs(trust):
    """Servers' certificates, one for each thing that may be wrong with one."""
    def signed(name, alt=(NAME,), ca=trust.root, **more):
        return pki.signed(ca, trust.folder, f"probe-{name}", alt, **more)
    return types.SimpleNamespace(
        good=signed("good"), rsa=signed("rsa", kind="rsa"), below=signed("below", ca=trust.below),
        wild=signed("wild", ("*.test.example",)), other_name=signed("name", ("other.example",)),
        other_ca=signed("ca", ca=trust.other), expired=signed("old", since=-60),
        future=signed("new", since=5), no_name=signed("cn", (), subject=f"/CN={NAME}"),
        address=signed("ip", (), extra=("basicConstraints=CA:FALSE",
                                        f"subjectAltName=IP:{HOST}")),
        itself=pki.authority(trust.folder, "probe-itself"))


@pytest.fixture(scope="module")
def app_site(row, app_image, trust):
    """app/probe, which trusts two authorities."""
    bundle = f"{trust.folder}/bundle.crt"
    with open(bundle, "w", encoding="ascii") as out:
        for ca in (pki.authority(trust.folder, "unused"), trust.root):
            with open(ca.cert, encoding="ascii") as text:
                out.write(text.read())
    settings, more = pki.given(row, trust.folder, {"tls.ca": bundle}, "metrics=yes")
    yield from shared(row, app_image, settings, **more)


def s_server(site, pair, *words):
    """openssl s_server with a certificate and what else it is told: its port."""
    port = next(PORTS)
    site.net.popen(["openssl", "s_server", "-accept", f"{HOST}:{port}", "-cert", pair.cert, "-key",
                    pair.key, "-cert_chain", pair.cert, "-www", *words], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while True:
        with site.net.socket() as sock:
            if sock.connect_ex((HOST, port)) == 0:
                return port
        assert time.monotonic() < deadline
        time.sleep(0.02)


def probe(site, port, name=NAME):
    """What app/probe says of a server."""
    answer = site.get(f"/{name}/{port}")
    assert answer.status == 200
    said = json.loads(answer.body)
    assert said.pop("host") == name
    return said


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("kind", ["good", "rsa", "below", "wild"])
def test_verified(app, certs, version, kind):
    """A chain to an authority of the bundle, for the name: there is a session."""
    port = s_server(app, getattr(certs, kind), version)
    said = probe(app, port)
    assert said["verified"] and said["bytes"] > 1000, (said, app.vm.console.text()[-300:])


BAD = {"other_name": "does not name it", "other_ca": "no authority of tls.ca",
       "expired": "has expired", "future": "is not valid yet", "no_name": "does not name it",
       "itself": "signed by itself"}


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
@pytest.mark.parametrize("kind", BAD)
def test_unverified(app, certs, version, kind):
    """Whatever is wrong with the certificate: no session, and one line that names it."""
    time.sleep(LINE_S)
    mark = len(app.vm.console.lines)
    port = s_server(app, getattr(certs, kind), version)
    assert probe(app, port) == {"verified": False, "error": "unverified"}
    assert app.vm.console.wait_for(rf"tls: {NAME}: .*{BAD[kind]}", 5, mark)[0], \
        app.vm.console.text(mark - 2)
    assert app.vm.console.text(mark).count("tls: ") == 1
