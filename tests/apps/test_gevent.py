# SPDX-License-Identifier: MIT
"""app/gevent: hiredis, unmodified, on sockets that yield, and a real Redis that may go away."""

import concurrent.futures
import contextlib
import json
import re
import subprocess
import time

import pytest
from asking import HANG_S, reachable, seen, stack_spare, until
from backends import Backend
from original import Original, lines

from netns import HOST

APP = "gevent"
PORT, TIMEOUT_S = 6379, 3
SETTINGS = f"redis.addr={HOST} redis.timeout_ms={TIMEOUT_S * 1000}"
MEM = 256                # room for hundreds of stacks, under ASan too
AT_ONCE = 300
NOBODY = {"error": "nobody was served"}
STACK_SPARE = 2048       # of a task's stack, whatever hiredis does on it
ORIGINAL_PORT = 9100


class Redis:
    """A real one in the site's namespace, with nothing in it."""

    def __init__(self, net, *words):
        self.net = net
        self.server = net.popen(
            ["redis-server", "--bind", HOST, "--port", str(PORT), "--save", "", "--protected-mode",
             "no", "--maxclients", "5000", *words], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: reachable(net, PORT))

    def cli(self, *words):
        """What redis-cli prints of one command."""
        return self.net.run("redis-cli", "-h", HOST, "-p", str(PORT), *words,
                            stdout=subprocess.PIPE).stdout.decode().strip()

    def blocked(self):
        """How many clients are inside of a BLPOP, as Redis has it."""
        return int(re.search(r"blocked_clients:(\d+)", self.cli("info", "clients"))[1])

    def close(self):
        """Ends it, killed, as if its machine had lost power but for the resets."""
        self.server.kill()
        self.server.wait()


@contextlib.contextmanager
def redis_of(app, *words):
    """A Redis for a while; connections that were kept to it are dropped when it has gone."""
    server = Redis(app.net, *words)
    try:
        yield server
    finally:
        server.close()
        assert app.get("/").status == 502


@pytest.fixture
def redis(app):
    """A Redis for this test."""
    with redis_of(app) as server:
        yield server


@pytest.fixture(scope="module")
def original(app_site):
    """Asks the original, in Python: original(path) -> (status, JSON)."""
    python = Original(app_site.net, APP, ORIGINAL_PORT, HOST, str(PORT), str(TIMEOUT_S * 1000))

    def ask(path):
        status, _, text = python.get(path)
        return status, json.loads(text)
    yield ask
    python.close()


def get(app, path="/", timeout=20):
    """(status, JSON, seconds) of one request."""
    began = time.monotonic()
    with app.client(timeout=timeout) as client:
        return (*seen(client.get(path)), time.monotonic() - began)


def together(app, paths):
    """Asks for all at once: their (status, JSON, seconds)."""
    with concurrent.futures.ThreadPoolExecutor(len(paths)) as pool:
        return list(pool.map(lambda path: get(app, path), paths))


# ---- What it does, as the original does ----------------------------------------------

@pytest.mark.parametrize("path", ["/", "/pipeline/50", "/pipeline/0", "/sleep/20"])
def test_as_original(app, redis, original, path):
    """The same answers on the same data."""
    redis.cli("flushall")
    ours = get(app, path)[:2]
    redis.cli("flushall")
    assert ours == original(path)


def test_length():
    """The service is at most twice as long as its original, comments aside."""
    ours, theirs = lines("app/gevent/main.c"), lines("tests/apps/gevent_app.py")
    assert ours <= 2 * theirs, (ours, theirs)


def test_hits(app, redis):
    """Counted in Redis, on connections that are kept."""
    for n in range(1, 6):
        assert get(app)[:2] == (200, {"hits": n})
    assert redis.cli("get", "hits") == "5"
    assert all(status == 200 for status, _, _ in together(app, ["/"] * 40))
    assert redis.cli("get", "hits") == "45"
    assert int(re.search(r"connected_clients:(\d+)", redis.cli("info", "clients"))[1]) <= 17


def test_crowd(app, redis):
    """Hundreds of tasks inside hiredis at once: Redis counts them. They are released one by
    one, and each gets another value."""
    values = [str(n) for n in range(1, AT_ONCE + 1)]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        answer = pool.submit(get, app, f"/crowd/{AT_ONCE}")
        until(lambda: redis.blocked() == AT_ONCE)
        assert get(app)[:2] == (200, {"hits": 1})          # others are served meanwhile
        redis.cli("rpush", "gate", *values)
        status, body, _ = answer.result()
    assert status == 200
    assert body == {"tasks": AT_ONCE, "served": AT_ONCE, "sum": AT_ONCE * (AT_ONCE + 1) // 2}
    assert app.metrics()['zeitkern_pool_peak{pool="bsd_socket"}'] >= AT_ONCE
    assert stack_spare(app) >= STACK_SPARE


def test_crowd_half(app, redis):
    """Those that nobody releases are ended at the deadline."""
    redis.cli("rpush", "gate", *["1"] * 20)
    status, body, seconds = get(app, "/crowd/40")
    assert (status, body) == (200, {"tasks": 40, "served": 20, "sum": 20})
    assert TIMEOUT_S - 0.1 < seconds < TIMEOUT_S + 2
    until(lambda: redis.blocked() == 0)


def test_crowd_nobody(app, redis, original):
    """When nobody is released in time: 504, as the original."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        ours, theirs = pool.submit(get, app, "/crowd/9"), pool.submit(original, "/crowd/9")
        assert ours.result()[:2] == theirs.result() == (504, NOBODY)
    until(lambda: redis.blocked() == 0)


def test_news(app, redis, original):
    """A message of a channel, to both."""
    def both():
        return [future.result() for future in (pool.submit(get, app, "/news"),
                                               pool.submit(original, "/news"))]
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        answers = pool.submit(both)
        until(lambda: redis.cli("pubsub", "numsub", "news").split() == ["news", "2"])
        redis.cli("publish", "news", "all \"is\" well")
        ours, theirs = answers.result()
    assert ours[:2] == theirs == (200, {"channel": "news", "message": "all \"is\" well"})


def test_sleep(app):
    """The C library's usleep() makes nobody wait but its caller."""
    answers = together(app, ["/sleep/500"] * 60)
    assert all(answer[:2] == (200, {"slept": 500}) for answer in answers)
    assert all(0.49 < seconds < 5 for _, _, seconds in answers)


def test_by_name(boot_app):
    """Redis has a name, which hiredis gives to getaddrinfo()."""
    site = boot_app("redis.addr=test.example")
    with redis_of(site):
        assert get(site)[:2] == (200, {"hits": 1})
    for name in ("no.such.example", "six.example"):          # the second has IPv6 only
        status, body, seconds = get(boot_app(f"redis.addr={name}"))
        assert (status, seconds < 5) == (502, True), (name, body, seconds)


@pytest.mark.parametrize("path", ["/news", "/crowd/50"])
def test_client_gone(app, redis, path):
    """Who asked has gone: nobody waits any longer, inside of hiredis or anywhere."""
    def waiting():
        return redis.blocked() + int(redis.cli("pubsub", "numsub", "news").split()[1])
    with app.client() as client:
        client.send(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: waiting() == int(path.rpartition("/")[2].replace("news", "1")))
        began = time.monotonic()
    until(lambda: waiting() == 0)
    assert time.monotonic() - began < TIMEOUT_S / 2


def test_settings(boot_app):
    """A value that is not possible is one line, and the default serves."""
    site = boot_app("redis.port=70000 redis.timeout_ms=soon")
    for key, expected in (("redis.port", "a port, 1 to 65535"),
                          ("redis.timeout_ms", "milliseconds, 1 to 600000")):
        found = [line for line in site.vm.console.text().split("\n") if key in line]
        assert len(found) == 1 and expected in found[0], found
    assert get(site)[0] == 502


# ---- When Redis does not -----------------------------------------------------------------

def test_refused(app, original):
    """It is not there: an error at once, as the original's."""
    status, body, seconds = get(app)
    assert (status, body) == (502, {"error": "Connection refused"})
    assert seconds < 2
    for path in ("/", "/pipeline/5", "/news"):
        assert get(app, path)[0] == original(path)[0] == 502
    assert get(app, "/crowd/20")[:2] == original("/crowd/20") == (502, NOBODY)


def test_unreachable(boot_app):
    """Nobody answers for its address."""
    site = boot_app("redis.addr=10.77.9.9 redis.timeout_ms=700")
    status, body, seconds = get(site)
    assert (status, seconds < 3) == (504, True), (status, body, seconds)
    assert get(site, "/crowd/5")[:2] == (504, NOBODY)


def test_restarted(app):
    """Kept connections that have died in the meantime are not used."""
    with redis_of(app):
        assert together(app, ["/"] * 8)
    with redis_of(app) as redis:
        assert get(app)[:2] == (200, {"hits": 1})
        redis.cli("client", "kill", "type", "normal")
        assert get(app)[:2] == (200, {"hits": 2})


def test_killed(app, original):
    """It is killed while tasks wait for it."""
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        with redis_of(app) as redis:
            crowd = pool.submit(get, app, "/crowd/100")
            theirs = pool.submit(original, "/crowd/50")
            news = pool.submit(get, app, "/news")
            until(lambda: redis.blocked() == 150)
        assert crowd.result()[:2] == theirs.result() == (502, NOBODY)
        assert news.result()[0] == 502
    assert crowd.result()[2] < TIMEOUT_S + 2


def test_error_reply(app):
    """What Redis refuses is told."""
    with redis_of(app, "--requirepass", "x"):
        status, body, _ = get(app)
    assert status == 502 and body["error"].startswith("NOAUTH"), body


def serving(reply, pause=0.0):
    """A Backend's serve(): this reply to everything, a byte at a time with a pause between."""
    def serve(sock):
        while sock.recv(65536):
            for byte in [reply] if not pause else [reply[i:i + 1] for i in range(len(reply))]:
                sock.sendall(byte)
                time.sleep(pause)
    return serve


def test_deadline(boot_app):
    """The request's own deadline ends what hiredis and the C library wait for, and a crowd's jobs,
    long before Redis' does: an error in JSON, and nothing is left."""
    site = boot_app(f"redis.addr={HOST} redis.timeout_ms=60000 http.deadline=500",
                    mem=MEM)
    paths = {"/": 504, "/pipeline/5": 504, "/news": 504, "/crowd/9": 504, "/sleep/60000": 503}
    with Backend(site.net, serving(b""), PORT) as silent:
        for path, (status, body, seconds) in zip(paths, together(site, list(paths))):
            assert status == paths[path] and body["error"], (path, status, body)
            assert 0.4 < seconds < HANG_S / 2, (path, seconds)
        until(lambda: not silent.open)
    with redis_of(site):
        assert get(site)[:2] == (200, {"hits": 1})
        assert get(site, "/sleep/5")[:2] == (200, {"slept": 5})


def flood(sock):
    """A reply without an end."""
    sock.recv(65536)
    sock.sendall(b"$2000000000\r\n")
    while True:
        sock.sendall(b"x" * 65536)


@pytest.mark.parametrize("serve, status", [
    (serving(b""), 504),                            # never answers
    (serving(b":12"), 504),                         # nor goes on
    (serving(b"?what\r\n"), 502),                   # does not speak its protocol
    (serving(b"*-7\r\n"), 502),
    (serving(b"$99999999999999999999\r\n"), 502),
    (lambda sock: None, 502),                       # closes at once
    (lambda sock: sock.recv(1), 502),               # resets, for there is more to read
    (serving(b":7\r\n", pause=0.05), 200),          # is slow
], ids=["silent", "half", "garbage", "length", "overflow", "closes", "resets", "slow"])
def test_faulty(app, serve, status):
    """Each kind of a bad backend."""
    with Backend(app.net, serve, PORT):
        got, body, seconds = get(app)
        assert got == status, body
        assert body == {"hits": 7} if status == 200 else body["error"]
        assert seconds < TIMEOUT_S + 2
    assert get(app)[0] == 502


def test_flood(app, row):
    """A reply that does not end costs no more than the heap and the deadline."""
    with Backend(app.net, flood, PORT):
        status, _, seconds = get(app, timeout=HANG_S)
        assert status in (502, 503, 504) and seconds < TIMEOUT_S + 3
    assert get(app)[0] == 502


def test_no_stacks(boot_app):
    """More tasks than there are stacks: 503, and all is as before."""
    site = boot_app(SETTINGS, mem=64)
    assert get(site, "/crowd/400")[0] == 503
    assert get(site, "/sleep/1")[0] == 200
