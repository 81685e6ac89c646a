# SPDX-License-Identifier: MIT
"""app/queries against a real PostgreSQL: what it answers, and what is left when things go wrong.
tests/apps/test_postgres_fake.py has servers that lie."""

import concurrent.futures
import json
import time

import pytest
from postgres_server import PASSWORD, Postgres
from shop import MAX, SETTINGS as SHOP, TABLE, ask, server, settle, shop  # noqa: F401

APP = "queries"
MESSAGE = 49152
SETTINGS = f"{SHOP} postgres.message={MESSAGE}"


def test_no_server(app):
    """Without a server it boots, and says 503 in JSON."""
    assert ask(app, "/", 503)["error"] == "no database there"
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


# Of each type: what the server says that it was given, and what it was when it came back where
# that is written otherwise here.
HUGE = "98765432109876543210987654321098765432109876543210.000123456789"
EACH = {
    "int2": ("-32768|32767|0|NULL",),
    "int4": ("-2147483648|2147483647|-1|NULL",),
    "int8": ("-9223372036854775808|9223372036854775807|1|NULL",),
    "float4": ("0.5|-Infinity|3e+38|NaN|NULL", "0.5|-inf|3e+38|nan|NULL"),
    "float8": ("-1e+300|Infinity|5e-300|NaN|NULL", "-1e+300|inf|5e-300|nan|NULL"),
    "numeric": (f"-20000.05|{HUGE}|NaN|0.00|-0.0001|NULL",),
    "bool": ("t|f|NULL",),
    "text": ('Zürich "q"|a,b\\||NULL|NULL',),
    "bytea": ("\\x0001ff|\\x|NULL", "0001ff||NULL"),
    "json": ('{"a": [1]}|null|NULL',),
    "timestamptz": ("2026-11-22 21:37:39.123456+00|1969-12-31 23:59:59.999999+00"
                    "|1899-12-31 23:59:59.999999+00|infinity|-infinity|NULL",
                    "1795383459123456|-1|-2208988800000001|9223372036854775807"
                    "|-9223372036854775808|NULL"),
    "uuid": ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11|00000000-0000-0000-0000-000000000000|NULL",
             f"a0eebc999c0b4ef8bb6d6bb9bd380a11|{'0' * 32}|NULL"),
}


@pytest.mark.parametrize("name", EACH)
def test_each_type(shop, name):
    """The ends of a type's range and NULL: each alone, all in an array, and an empty array."""
    server, client = EACH[name][0], EACH[name][-1]
    for path in ("types", "arrays"):
        assert ask(shop, f"/{path}/{name}") == {"server": server, "client": client}


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
    rows = "".join(f"thing {n:09},{n}.25,{n}\n" for n in range(2000)).encode()
    assert len(rows) > MESSAGE
    for piece in (1000, len(rows)):     # also one that is larger than any message
        server.sql("TRUNCATE item RESTART IDENTITY", "shop", "zeitkern")
        assert ask(shop, f"/import/{piece}", method="POST", data=rows)["count"] == 2000
        assert server.sql("SELECT sum(price), count(*) FROM item", "shop") == "1999500.00|2000\n"
    for piece in (1, 1000):
        answer = ask(shop, f"/import/{piece}", 400, "POST", b"new,1,1\nwrong,x,1\n")
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


def test_tell(shop):
    """NOTIFY by one connection of ours is heard by another."""
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        news = pool.submit(ask, shop, "/news")
        while not news.done():              # nobody hears what is said before LISTEN
            ask(shop, "/tell/summer")
        assert news.result() == {"channel": 'the "news"', "payload": "summer"}
    settle(shop)


def stock(server):
    """Of all items, as others see it."""
    return server.sql("SELECT stock FROM item ORDER BY id", "shop").split()


def test_transactions(shop, server):
    """What is committed is seen by others, all of it; what is rolled back, left open or has failed
    in the middle is not, none of it. After a failure the server refuses the rest."""
    server.sql("TRUNCATE item RESTART IDENTITY; INSERT INTO item (name, price, stock) "
               "VALUES ('tea', 1, 5), ('cups', 1, 5)", "shop", "zeitkern")
    good = {"errno": 0, "sqlstate": "", "then": ""}
    assert ask(shop, "/transfer/2/rollback") == good
    assert stock(server) == ["5", "5"]
    assert ask(shop, "/transfer/2/leave") == good
    gone(server, "%")
    assert stock(server) == ["5", "5"]
    assert ask(shop, "/transfer/2/commit") == good
    assert stock(server) == ["3", "7"]
    for end in ("rollback", "commit", "leave"):     # COMMIT is a rollback then
        got = ask(shop, f"/transfer/100/{end}")
        assert (got["sqlstate"], got["then"]) == ("23514", "25P02")
        assert bool(got["errno"]) == (end == "leave")
        gone(server, "%")
        assert stock(server) == ["3", "7"]
    assert ask(shop, "/transfer/3/commit") == good
    assert stock(server) == ["0", "10"]


def running(server, what):
    """How many backends are at a query that is like `what`."""
    return int(server.sql("SELECT count(*) FROM pg_stat_activity WHERE state <> 'idle' "
                          f"AND usename = 'zeitkern' AND query LIKE '{what}'"))


def cancel_naps(server, limit=""):
    """Ends what waits in /sleep."""
    server.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE state = 'active' "
               f"AND query LIKE 'SELECT pg_sleep%' {limit}")


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


def test_request_deadline(boot_app):
    """The request's own deadline, far shorter than the query's: 504, and cancelled on the server;
    one that waits for a connection meanwhile ends in time, too. All is as before then."""
    site = boot_app(f"{SETTINGS} postgres.max=1 http.deadline=1000")
    own = Postgres(site.net)
    try:
        own.sql(TABLE, "shop", "zeitkern")
        settle(site)
        site.before = site.resources()
        counts = site.metrics()
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            first, second = [pool.submit(site.get, "/sleep/60000/60000") for _ in range(2)]
            answers = sorted([first.result(), second.result()], key=lambda answer: answer.status)
        assert time.monotonic() - began < 8
        assert answers[0].status in (503, 504) and answers[1].status == 504, answers
        assert all(json.loads(answer.body)["error"] for answer in answers)
        gone(own, "%pg_sleep%")
        after = site.metrics()
        for name in ("postgres_cancelled_total", "postgres_timeouts_total"):
            assert 1 <= after[name] - counts[name] <= 2, name
        assert ask(site, "/") == {"result": 1}
    finally:
        own.close()


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
    ("forbidden", 502, "42501"), ("unsupported", 502, "0A000"), ("halfway", 400, "22012")])
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


def test_none_left_prepared(shop, server):
    """What is prepared again is closed on the server, which else keeps it for good."""
    ask(shop, "/star")
    before = ask(shop, "/prepared")["sum"]
    for n in range(8):
        server.sql(f"ALTER TABLE shape ADD c{n} int", "shop", "zeitkern")
        ask(shop, "/star")
        assert ask(shop, "/error/unsupported", 502)["errno"]
    assert ask(shop, "/prepared")["sum"] <= before + 1


def test_copy_left(shop, server):
    """A COPY that a query began, and that nobody goes on with, is the end of its connection, and
    no other's: nothing waits for a server that waits for us."""
    before = shop.metrics()
    assert ask(shop, "/copy/left") == {"count": 0, "sum": 0}
    gone(server, "COPY%")
    assert ask(shop, "/") == {"result": 1}
    after = shop.metrics()
    assert after["postgres_lost_total"] == before["postgres_lost_total"] + 1
    assert after["postgres_cancelled_total"] == before["postgres_cancelled_total"]


def test_race(shop):
    """A cancellation that comes as its query ends hits no other query."""
    statuses = set()
    for limit in range(20, 60, 2):
        with shop.client() as client:
            statuses.add(client.get(f"/sleep/40/{limit}").status)
        assert ask(shop, "/") == {"result": 1}
    assert statuses <= {200, 504} and 504 in statuses, statuses


def test_in_turn(shop, server):
    """Who waits for a connection gets one in the order of asking: with all of them lent but one,
    which serves 12 in turn."""
    server.sql("DROP TABLE IF EXISTS turn; CREATE TABLE turn (at serial, n int)", "shop",
               "zeitkern")
    stacks = "zeitkern_task_stacks_used"
    with concurrent.futures.ThreadPoolExecutor(MAX + 12) as pool:
        naps = [pool.submit(ask, shop, "/sleep/50000/50000", 504) for _ in range(MAX)]
        while running(server, "%pg_sleep%") < MAX:
            time.sleep(0.05)
        before, turns = shop.metrics()[stacks], []
        for n in range(12):
            turns.append(pool.submit(ask, shop, f"/turn/{n}"))
            while shop.metrics()[stacks] <= before + n:
                time.sleep(0.01)
        assert server.sql("SELECT n FROM turn", "shop") == ""
        cancel_naps(server, "LIMIT 1")
        assert [turn.result()["count"] for turn in turns] == [1] * 12
        cancel_naps(server)
        assert [nap.result()["sqlstate"] for nap in naps] == ["57014"] * MAX
    assert server.sql("SELECT n FROM turn ORDER BY at", "shop").split() == [
        str(n) for n in range(12)]


def test_never_more(shop, server):
    """The server never has more connections of ours than postgres.max, however many ask: it would
    refuse one more."""
    server.sql(f"ALTER ROLE zeitkern CONNECTION LIMIT {MAX}")
    seen = set()
    with concurrent.futures.ThreadPoolExecutor(4 * MAX) as pool:
        waiting = [pool.submit(ask, shop, "/sleep/100/50000") for _ in range(8 * MAX)]
        while not all(one.done() for one in waiting):
            seen.add(int(server.sql("SELECT count(*) FROM pg_stat_activity "
                                    "WHERE usename = 'zeitkern'")))
        for one in waiting:
            one.result()
    server.sql("ALTER ROLE zeitkern CONNECTION LIMIT -1")
    assert max(seen) == MAX, seen
    assert "too many connections" not in server.text()


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
    assert ask(shop, "/", 503)["error"] == "no database there"
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
    assert ask(shop, "/", 503)["error"] == "the database is busy"
    server.sql("ALTER ROLE zeitkern CONNECTION LIMIT -1")
    assert ask(shop, "/") == {"result": 1}
    settle(shop)


def test_secret(shop):
    """The password is in no line of the console."""
    assert PASSWORD not in shop.vm.console.text()
    assert PASSWORD.split()[0] not in shop.vm.console.text()
