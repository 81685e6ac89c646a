# SPDX-License-Identifier: MIT
"""A real PostgreSQL with a shop's table, for app/postgres and app/queries."""

import json
import time

import pytest
from client import Client
from netns import HOST
from postgres_server import PASSWORD, Postgres

MIN, MAX = 1, 4
SETTINGS = (f'postgres.host={HOST} postgres.user=zeitkern postgres.database=shop '
            f'postgres.password="{PASSWORD}" postgres.min={MIN} postgres.max={MAX} postgres.idle=1')
TABLE = ("CREATE TABLE item (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL "
         "UNIQUE, price numeric(10,2) NOT NULL, stock int NOT NULL CHECK (stock >= 0)); "
         "CREATE TABLE shape (n int); INSERT INTO shape VALUES (1)")
USED = 'zeitkern_pool_used{pool="postgres"}'


@pytest.fixture(scope="module")
def server(app_site):
    """The server, started once the first test has seen the service without one."""
    pg = Postgres(app_site.net)
    try:
        pg.sql(TABLE, "shop", "zeitkern")
        yield pg
    finally:
        pg.close()


def settle(site, wanted=MIN, seconds=15):
    """Waits until this many connections are open."""
    deadline = time.monotonic() + seconds
    while site.metrics()[USED] != wanted:
        assert time.monotonic() < deadline, site.metrics()[USED]
        time.sleep(0.1)


@pytest.fixture
def shop(request, app_site, server):
    """The service, as many connections open as are kept: what a test leaves is seen."""
    settle(app_site)
    return request.getfixturevalue("app")


def ask(site, path, status=200, method="GET", data=None):
    """One request: its JSON."""
    with Client(site.socket(), 30) as client:
        extra = f"Content-Length: {len(data)}\r\n" if data is not None else ""
        client.send(f"{method} {path} HTTP/1.1\r\nHost: zeitkern.test\r\n{extra}\r\n".encode()
                    + (data or b""))
        answer = client.answer()
    assert answer.status == status, answer
    return json.loads(answer.body)
