# SPDX-License-Identifier: MIT
"""app/queries against a real PostgreSQL: what it answers, and what is left when things go wrong.
tests/apps/test_postgres_fake.py has servers that lie."""

import concurrent.futures
import json
import time

import pytest
from postgres_server import PASSWORD
from shop import MAX, SETTINGS, TABLE, ask, server, settle, shop  # noqa: F401

APP = "queries"


def test_no_server(app):
    """Without a server it boots, and says 503 in JSON."""
    assert ask(app, "/", 503) == {"error": "Service Unavailable"}
    assert app.vm.wait_for("cannot connect", 5)


def test_select_one(shop):
    """The original's query; prepared once on each connection."""
    before = shop.metrics()
    for _ in range(30):
        assert ask(shop, "/") == {"result": 1}
    after = shop.metrics()
    assert after["postgres_queries_total"] - before["postgres_queries_total"] == 30
    assert after["postgres_prepared_total"] - before["postgres_prepared_total"] <= MAX


def test_types(shop):
    """Each type there and back, at the ends of its range."""
    got = ask(shop, "/types")
    got["float8"] = float(got["float8"])
    assert got == {
        "int2": -32768, "int4": -2 ** 31, "int8": -2 ** 63, "float4": 0.5, "float8": -1e300,
        "numeric": "-12345678901234567890.000123", "bool": 1, "text": 'Zürich "q"', "bytea": 3,
        "json": '{"a": [1]}', "time": 1795383459123456, "uuid": 1, "null": 1}
    assert ask(shop, "/arrays") == {"ints": 1004, "words": ["a,b", '"'],
                                    "prices": ["1.50", "-20000.05"]}


def test_large_results(shop):
    """Rows by the hundred thousand, as they come and through a cursor, in the memory of a few."""
    for path, n in (("/rows/100000", 100000), ("/cursor/20000", 20000)):
        assert ask(shop, path) == {"count": n, "sum": n * (n + 1) // 2}
    assert ask(shop, "/cursor/100") == {"count": 100, "sum": 5050}
    assert ask(shop, "/cursor/0") == {"count": 0, "sum": 0}


def test_pipeline(shop):
    """Sixteen queries in one exchange; and the simple protocol's many statements in one."""
    assert ask(shop, "/pipeline/1000") == {"count": 1000, "sum": 500500}
    assert ask(shop, "/simple") == {"count": 4, "sum": 10}


def test_many_texts(shop):
    """More texts than are kept prepared, and as many as are kept: the oldest make room, here and on
    the server."""
    before = shop.metrics()["postgres_prepared_total"]
    assert ask(shop, "/texts/100") == {"count": 200, "sum": 10100}
    middle = shop.metrics()["postgres_prepared_total"]
    assert middle - before == 200
    for _ in range(3):
        assert ask(shop, "/texts/20") == {"count": 40, "sum": 420}
    assert shop.metrics()["postgres_prepared_total"] - middle <= 20 * MAX


def test_copy(shop, server):
    """COPY in, of which an error is an error; COPY out."""
    server.sql("TRUNCATE item RESTART IDENTITY", "shop", "zeitkern")
    rows = "".join(f"thing {n},{n}.25,{n}\n" for n in range(2000))
    assert ask(shop, "/import", method="POST", data=rows.encode())["count"] == 2000
    assert server.sql("SELECT sum(price), count(*) FROM item", "shop") == "1999500.00|2000\n"
    answer = ask(shop, "/import", 400, "POST", b"new,1,1\nwrong,x,1\n")
    assert answer["sqlstate"] == "22P02"
    assert server.sql("SELECT count(*) FROM item", "shop") == "2000\n"
    whole = sum(len(f"{n}\t{'x' * 100}\n") for n in range(1, 100001))
    assert ask(shop, "/export") == {"count": 100000, "sum": whole}


def test_notify(shop, server):
    """LISTEN on a channel whose name needs quotes."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        news = pool.submit(ask, shop, "/news")
        while "the \"news\"" not in server.sql(
                "SELECT query FROM pg_stat_activity WHERE query LIKE 'LISTEN%'").replace('""', '"'):
            time.sleep(0.05)
        server.sql("NOTIFY \"the \"\"news\"\"\", 'spring'", "shop")
        assert news.result() == {"channel": 'the "news"', "payload": "spring"}
    settle(shop)
    assert ask(shop, "/") == {"result": 1}


def running(server, what):
    """How many backends are at a query that is like `what`."""
    return int(server.sql("SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' "
                          f"AND usename = 'zeitkern' AND query LIKE '{what}'"))


def gone(server, what, seconds=5):
    """Waits until none is."""
    deadline = time.monotonic() + seconds
    while running(server, what):
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_deadline(shop, server):
    """A query that takes too long is 504 in time, and cancelled on the server."""
    before = shop.metrics()["postgres_cancelled_total"]
    began = time.monotonic()
    assert ask(shop, "/sleep/20000/300", 504)["error"] == "timed out"
    assert time.monotonic() - began < 2
    gone(server, "%pg_sleep%")
    assert shop.metrics()["postgres_cancelled_total"] == before + 1
    assert ask(shop, "/") == {"result": 1}


def test_left_open(shop, server):
    """What a handler leaves, rows unread in an open transaction, is cancelled and rolled back."""
    server.sql("TRUNCATE item RESTART IDENTITY; INSERT INTO item (name, price, stock) "
               "VALUES ('tea', 1, 5)", "shop", "zeitkern")
    for _ in range(MAX + 1):
        ask(shop, "/leave")
    gone(server, "%")
    assert server.sql("UPDATE item SET stock = stock RETURNING stock", "shop") == "5\n"


@pytest.mark.parametrize("what, status, state", [
    ("division", 400, "22012"), ("syntax", 502, "42601"), ("serialize", 503, "40001"),
    ("forbidden", 502, "42501"), ("halfway", 400, "22012")])
def test_errors(shop, what, status, state):
    """Errors of the server by SQLSTATE; the connection lives on."""
    before = shop.metrics()["postgres_connected_total"]
    assert ask(shop, f"/error/{what}", status)["sqlstate"] == state
    assert ask(shop, "/") == {"result": 1}
    assert shop.metrics()["postgres_connected_total"] <= before + 1


def test_changed_table(shop, server):
    """A prepared query whose table has changed is prepared again."""
    server.sql("DROP TABLE shape; CREATE TABLE shape (n int); INSERT INTO shape VALUES (1)",
               "shop", "zeitkern")
    for change in ("", "ALTER TABLE shape ADD other text", "ALTER TABLE shape DROP n"):
        if change:
            server.sql(change, "shop", "zeitkern")
        for _ in range(3):
            ask(shop, "/star")


def test_in_turn(shop):
    """More requests than connections are served in the order they came."""
    done = []

    def one(n):
        ask(shop, "/sleep/200/9000")
        done.append(n)
    with concurrent.futures.ThreadPoolExecutor(4 * MAX) as pool:
        waiting = []
        for n in range(4 * MAX):
            waiting.append(pool.submit(one, n))
            time.sleep(0.04)
        for answer in waiting:
            answer.result()
    assert [n // MAX for n in done] == [n // MAX for n in range(4 * MAX)], done


def test_all_lent(shop):
    """Who has waited for a connection until the deadline is told 503, and is counted."""
    before = shop.metrics()["postgres_busy_total"]
    with concurrent.futures.ThreadPoolExecutor(4 * MAX) as pool:
        def status(_):
            with shop.client() as client:
                return client.get("/sleep/400/1000").status
        answers = list(pool.map(status, range(4 * MAX)))
    assert set(answers) <= {200, 503, 504} and answers.count(200) >= MAX, answers
    assert answers.count(503) > 0
    assert shop.metrics()["postgres_busy_total"] > before


def test_restart(shop, server):
    """A server that is restarted: an error while it is away, none once it is back."""
    assert ask(shop, "/") == {"result": 1}
    server.stop()
    assert ask(shop, "/", 503)["error"] == "Service Unavailable"
    server.start()
    assert ask(shop, "/") == {"result": 1}
    server.restart()
    assert ask(shop, "/") == {"result": 1}
    settle(shop)


def test_killed(shop, server):
    """A connection that the server ends in the midst of a query."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, shop, "/sleep/3000/5000", 503)
        while not running(server, "%pg_sleep%"):
            pass
        server.sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                   "WHERE query LIKE '%pg_sleep%' AND usename = 'zeitkern'")
        assert answer.result()["sqlstate"] == "57P01"
    assert ask(shop, "/") == {"result": 1}
    settle(shop)


def test_out_of_connections(shop, server):
    """A server that is out of connections: 503, and 200 when it has some again."""
    server.sql("ALTER ROLE zeitkern CONNECTION LIMIT 0; SELECT pg_terminate_backend(pid) "
               "FROM pg_stat_activity WHERE usename = 'zeitkern'")
    time.sleep(0.1)
    assert ask(shop, "/", 503)["error"] == "Service Unavailable"
    server.sql("ALTER ROLE zeitkern CONNECTION LIMIT -1")
    assert ask(shop, "/") == {"result": 1}
    settle(shop)


def test_secret(shop):
    """The password is in no line of the console."""
    assert PASSWORD not in shop.vm.console.text()
    assert PASSWORD.split()[0] not in shop.vm.console.text()
