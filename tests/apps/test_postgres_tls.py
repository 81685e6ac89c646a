# SPDX-License-Identifier: MIT
"""app/postgres over TLS: only a server whose certificate is good gets as far as a log-on."""

import time

import pki
import pytest
from postgres_server import PASSWORD, Postgres

APP = "postgres"
PORT = 5434
NAME = "test.example"                # 10.77.0.1, says dnsmasq
FILES = "ssl = on\nssl_cert_file = 'pg.crt'\nssl_key_file = 'pg.key'"


@pytest.fixture(scope="module")
def certs(trust):
    """Certificates by what is wrong with them."""
    return {"good": pki.signed(trust.root, trust.folder, "pg", [NAME]),
            "stranger": pki.signed(trust.other, trust.folder, "pg-other", [NAME]),
            "another name": pki.signed(trust.root, trust.folder, "pg-name", ["other.example"])}


@pytest.fixture
def secure(row, boot_app, trust):
    """The service, which wants TLS."""
    words = (f'metrics=yes postgres.host={NAME} postgres.port={PORT} postgres.user=zeitkern '
             f'postgres.database=shop postgres.password="{PASSWORD}" postgres.tls=yes '
             'postgres.min=0 postgres.idle=1')
    settings, more = pki.given(row, trust.folder, {"tls.ca": trust.root.cert}, words)
    return boot_app(settings, **more)


def serve(site, pair):
    """A server with this certificate, or without TLS."""
    return Postgres(site.net, "log_connections = on\n" + (FILES if pair else ""), PORT,
                    {"pg.crt": pair.cert, "pg.key": pair.key} if pair else {})


def test_tls(secure, certs):
    """A good certificate: served, cancelled too, in TLS. Others, or none: 502, and why."""
    pg = serve(secure, certs["good"])
    try:
        assert secure.get("/").body == b'{"result": 1}'
        assert "user=zeitkern" in pg.text()
        assert pg.sql("SELECT ssl, version FROM pg_stat_ssl NATURAL JOIN pg_stat_activity "
                      "WHERE usename = 'zeitkern'") == "t|TLSv1.3\n"
        assert secure.get("/rows/20000").status == 200
        assert secure.get("/sleep/9000/300").status == 504
        deadline = time.monotonic() + 5
        while pg.sql("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
                     "AND usename = 'zeitkern'") != "0\n":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        pg.close()
    for wrong, line in (("stranger", "no authority of tls.ca"),
                        ("another name", "does not name it"), (None, "the server has no TLS")):
        pg = serve(secure, certs.get(wrong))
        try:
            answer = secure.get("/")
            assert answer.status == 502, (wrong, answer, secure.vm.console.text())
            assert line in secure.vm.console.text()
            assert "user=zeitkern" not in pg.text()      # nobody has tried to log on
        finally:
            pg.close()
    assert PASSWORD not in secure.vm.console.text()
