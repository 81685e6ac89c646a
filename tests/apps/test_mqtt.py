# SPDX-License-Identifier: MIT
"""app/mqtt: libmosquitto, unmodified, on sockets that yield; a real broker comes and goes."""

import concurrent.futures
import contextlib
import json
import subprocess

import pytest
from asking import reachable, seen, stack_spare, until
from backends import Backend
from original import Original, lines

from client import Client
from netns import HOST

APP = "mqtt"
PORT, ORIGINAL_PORT, TIMEOUT_MS = 1883, 9101, 2000
SETTINGS = f"mqtt.addr={HOST} mqtt.timeout_ms={TIMEOUT_MS}"
AT_ONCE = 60
STACK_SPARE = 2048       # of a task's stack, whatever libmosquitto does on it


class Broker:
    """A real one in the site's namespace."""

    def __init__(self, net):
        self.net = net
        folder = net.folder_made()
        with open(f"{folder}/mosquitto.conf", "w", encoding="ascii") as file:
            file.write(f"listener {PORT} {HOST}\nallow_anonymous true\nuser root\n")
        self.server = net.popen(["/usr/sbin/mosquitto", "-c", f"{folder}/mosquitto.conf"],
                                stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: reachable(net, PORT))

    def publish(self, topic, text):
        """As another client of it."""
        self.net.run("mosquitto_pub", "-h", HOST, "-q", "1", "-t", topic, "-m", text)

    def subscriber(self, topic, count):
        """A client that prints so many messages, once it has subscribed."""
        child = self.net.popen(["stdbuf", "-oL", "mosquitto_sub", "-h", HOST, "-t", topic, "-C",
                                str(count), "-d", "-W", "20"], stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
        while b"SUBACK" not in child.stdout.readline():
            assert child.poll() is None
        return child

    def close(self):
        """Ends it, killed."""
        self.server.kill()
        self.server.wait()


def get(app, path="/", body=None):
    """(status, JSON) of one request; POST with a body."""
    with app.client() as client:
        if body is None:
            return seen(client.get(path))
        client.send(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n{body}")
        return seen(client.answer())


@contextlib.contextmanager
def broker_of(app):
    """A broker for a while, to which the app has connected."""
    broker = Broker(app.net)
    try:
        until(lambda: get(app)[0] == 200)
        yield broker
    finally:
        broker.close()
        until(lambda: get(app)[0] == 502)


def texts(child):
    """What a subscriber printed, its own words aside."""
    out = child.communicate()[0].decode().splitlines()
    return [line for line in out if not line.startswith(("Client ", "Subscribed "))]


def test_gateway(app):
    """Both ways."""
    with broker_of(app) as broker:
        before = get(app)[1]["received"]
        broker.publish("zeitkern/in", "a \"word\"")
        until(lambda: get(app) == (200, {"received": before + 1, "last": "a \"word\""}))
        child = broker.subscriber("zeitkern/out", 2)
        assert get(app, "/publish", "one") == (200, {"published": 3})
        assert get(app, "/publish", "two") == (200, {"published": 3})
        assert texts(child) == ["one", "two"]


def test_at_once(app):
    """Handlers publish while the library's own loop waits in select() for the same socket."""
    with broker_of(app) as broker:
        child = broker.subscriber("zeitkern/out", AT_ONCE)
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            answers = list(pool.map(lambda n: get(app, "/publish", f"n{n:03}"), range(AT_ONCE)))
        assert answers == [(200, {"published": 4})] * AT_ONCE
        assert sorted(texts(child)) == [f"n{n:03}" for n in range(AT_ONCE)]
    assert stack_spare(app) >= STACK_SPARE


def test_no_broker(app):
    """It boots without one, and says so."""
    assert get(app) == (502, {"error": "mqtt: not connected"})
    assert get(app, "/publish", "x")[0] == 502


def test_comes_and_goes(app):
    """Connected again and again, by the library's own loop."""
    for _ in range(3):
        with broker_of(app):
            assert get(app, "/publish", "x")[0] == 200


@pytest.mark.parametrize("serve", [
    lambda sock: sock.recv(100), lambda sock: sock.sendall(b"\x20\x02\x00\x05"),
    lambda sock: sock.sendall(b"\xff" * 4096), lambda sock: sock.sendall(b"GET / HTTP/1.1\r\n\r\n"),
    lambda sock: sock.sendall(b"\x20\x02\x00\x00\x30\xff\xff\xff\x7f" + b"x" * 100000),
], ids=["closes", "refuses", "garbage", "http", "huge"])
def test_bad_broker(app, serve):
    """Whatever a server says, a good one is found after it."""
    with Backend(app.net, serve, PORT) as backend:
        until(lambda: backend.accepted > 0)
        assert get(app, "/publish", "x")[0] in (502, 503, 504)
    with broker_of(app):
        assert get(app, "/publish", "x")[0] == 200


def test_as_original(app):
    """The same words."""
    with broker_of(app) as broker:
        python = Original(app.net, APP, ORIGINAL_PORT, HOST, str(PORT), str(TIMEOUT_MS))
        before = get(app)[1]["received"]
        try:
            until(lambda: python.get("/")[0] == 200)
            broker.publish("zeitkern/in", "same")
            until(lambda: get(app)[1]["received"] == before + 1)
            until(lambda: json.loads(python.get("/")[2]) == {"received": 1, "last": "same"})
            with Client(python.socket()) as client:
                client.send("POST /publish HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc")
                theirs = seen(client.answer())
            assert get(app, "/publish", "abc") == theirs
        finally:
            python.close()


def test_length():
    """The service is at most twice as long as its original, comments aside."""
    ours, theirs = lines("app/mqtt/main.c"), lines("tests/apps/mqtt_app.py")
    assert ours <= 2 * theirs, (ours, theirs)
