# SPDX-License-Identifier: MIT
"""postgres.sslmode=verify-full: app/queries and a real PostgreSQL over TLS."""

import json
import os
import shutil
import time

import pki
import pytest
from conftest import shared
from netns import HOST
from postgres_server import AS_USER, PASSWORD, Postgres

APP = "queries"
NAME = "db.test.example"          # dnsmasq: HOST
WORDS = (f'postgres.user=zeitkern postgres.database=shop postgres.password="{PASSWORD}" '
         'postgres.sslmode=verify-full postgres.min=0')


def secured(site, pair, more=""):
    """PostgreSQL that shows a certificate, and lets in over TLS alone."""
    pg = Postgres(site.net)
    pg.stop()
    for path, name in ((pair.cert, "cert"), (pair.key, "key")):
        shutil.copy(path, f"{pg.data}/{name}.pem")
        os.chmod(f"{pg.data}/{name}.pem", 0o600)
        shutil.chown(f"{pg.data}/{name}.pem", *owner(pg))
    with open(f"{pg.data}/postgresql.conf", "a", encoding="ascii") as out:
        out.write(f"ssl = on\nssl_cert_file = 'cert.pem'\nssl_key_file = 'key.pem'\n{more}\n")
    with open(f"{pg.data}/pg_hba.conf", "w", encoding="ascii") as out:
        out.write("local all all trust\nhostssl all all 10.77.0.0/16 scram-sha-256\n")
    pg.start()
    return pg


def owner(pg):
    """Whose the cluster's files are."""
    status = os.stat(f"{pg.data}/postgresql.conf")
    return status.st_uid, status.st_gid


def ask(site, path="/"):
    """(status, JSON) of a request."""
    answer = site.get(path)
    return answer.status, json.loads(answer.body)


@pytest.fixture(scope="module")
def pairs(trust):
    """The server's certificate, and one for another name; of yesterday."""
    return [pki.signed(trust.root, trust.folder, f"db-{n}", (name,), since=-1)
            for n, name in enumerate((NAME, "other.example"))]


@pytest.fixture(scope="module")
def app_site(row, app_image, trust):
    """app/postgres that wants TLS."""
    settings, more = pki.given(row, trust.folder, {"tls.ca": trust.root.cert},
                               f"metrics=yes postgres.host={NAME} {WORDS}")
    yield from shared(row, app_image, settings, **more)


@pytest.mark.parametrize("version", ["TLSv1.2", "TLSv1.3"])
def test_verified(app, pairs, version):
    """Over TLS, which the server sees, also what takes long and is cancelled."""
    pg = secured(app, pairs[0], f"ssl_min_protocol_version = '{version}'\n"
                                f"ssl_max_protocol_version = '{version}'")
    try:
        assert ask(app) == (200, {"result": 1}), app.vm.console.text()[-500:]
        seen = pg.sql("SELECT version FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) "
                      "WHERE usename = 'zeitkern'")
        assert seen.split() and set(seen.split()) == {version}, seen
        assert ask(app, "/sleep/20000/300")[0] == 504
        running = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(%' " \
                  "AND state = 'active' AND usename = 'zeitkern'"
        deadline = time.monotonic() + 5
        while pg.sql(running).strip() != "0":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    finally:
        pg.close()


def test_long(app, pairs):
    """More at once than a connection takes."""
    pg = secured(app, pairs[0])
    try:
        pg.sql("CREATE TABLE item (name text, price numeric, stock int)", "shop", "zeitkern")
        rows = b"tea,1.25,7\n" * 5000
        with app.client() as client:
            client.send(b"POST /import/1000 HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
                        % len(rows) + rows)
            answer = client.answer()
        assert answer.status == 200 and json.loads(answer.body)["count"] == 5000, answer
    finally:
        pg.close()


def test_wrong_name(app, pairs):
    """Another's certificate: no word of the password, 502."""
    pg = secured(app, pairs[1])
    try:
        mark = len(app.vm.console.lines)
        assert ask(app)[0] == 502
        assert app.vm.console.wait_for(f"tls: {NAME}: its certificate does not name it", 2,
                                       mark)[0]
    finally:
        pg.close()


def test_without(app):
    """A server without TLS is not talked to."""
    pg = Postgres(app.net)
    try:
        mark = len(app.vm.console.lines)
        assert ask(app)[0] == 502
        assert app.vm.console.wait_for("the server has no TLS", 2, mark)[0]
    finally:
        pg.close()
