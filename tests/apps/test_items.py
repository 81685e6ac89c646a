# SPDX-License-Identifier: MIT
"""app/postgres, its items in a real PostgreSQL, beside its original."""

import http.client
import json
import os
import subprocess
import sys

import pytest
from netns import HOST
from postgres_server import PASSWORD
from shop import SETTINGS, ask, server, shop  # noqa: F401

APP = "postgres"
HERE = os.path.dirname(os.path.abspath(__file__))
ORIGINAL_PORT = 8090


def test_no_server(app):
    """Without a server it boots, and says 503 in JSON."""
    assert ask(app, "/", 503) == {"error": "Service Unavailable"}
    assert app.vm.wait_for("cannot connect", 5)


@pytest.fixture
def original(shop, server):
    """The original beside it, at the same database."""
    dsn = f"host={HOST} port={server.port} dbname=shop user=zeitkern password='{PASSWORD}'"
    child = shop.net.popen([sys.executable, f"{HERE}/postgres_app.py", dsn, str(ORIGINAL_PORT)],
                           stdout=subprocess.PIPE)
    assert child.stdout.readline() == b"serving\n"
    yield
    shop.net.end(child)


STORY = (
    ("GET", "/", None), ("GET", "/item", None),
    ("POST", "/item", {"name": "tea", "price": "2.50", "stock": 7}),
    ("POST", "/item", {"name": "tea", "price": "2.50", "stock": 7}),
    ("POST", "/item", {"name": "Käse \"blau\"", "price": "12.00", "stock": 0}),
    ("POST", "/item", {"name": "no price", "stock": 1}),
    ("POST", "/item", {"name": "debt", "price": "1", "stock": -1}),
    ("POST", "/item", {"name": "many", "price": "1", "stock": 10 ** 10}),
    ("POST", "/item", "not JSON"),
    ("GET", "/item", None), ("GET", "/item/1", None), ("GET", "/item/99", None),
    ("GET", "/item/x", None), ("GET", "/item/99999999999", None),
    ("PUT", "/item/1", {"name": "green tea", "price": "3", "stock": 6}),
    ("PUT", "/item/99", {"name": "none", "price": "3", "stock": 6}),
    ("PUT", "/item/1", {"name": "Käse \"blau\"", "price": "3", "stock": 6}),
    ("POST", "/move/2/1/2", None), ("GET", "/item", None),
    ("POST", "/move/5/1/2", None), ("POST", "/move/1/1/99", None), ("POST", "/move/x/1/2", None),
    ("POST", "/move/-3/1/2", None), ("GET", "/item", None),
    ("GET", "/item/1", None), ("DELETE", "/item/1", None), ("DELETE", "/item/1", None),
    ("GET", "/item", None),
)


def tell(shop, address, port):
    """The story's answers: [(status, JSON or None)]."""
    with shop.net.inside():
        answers = []
        for method, path, data in STORY:
            text = data if isinstance(data, str) else json.dumps(data)
            link = http.client.HTTPConnection(address, port, timeout=20)
            link.request(method, path, text if data else None,
                         {"Content-Type": "application/json"} if data else {})
            got = link.getresponse()
            text = got.read()
            answers.append((got.status, json.loads(text) if got.status < 300 else None))
            link.close()
    return answers


def test_same_as_original(shop, server, original):
    """Both answer the same to the same requests."""
    told = []
    for address, port in ((HOST, ORIGINAL_PORT), (shop.address, 8080)):
        server.sql("TRUNCATE item RESTART IDENTITY", "shop", "zeitkern")
        told.append(tell(shop, address, port))
    for step, theirs, ours in zip(STORY, *told):
        assert ours == theirs, step
    assert {status for status, _ in told[1]} == {200, 201, 400, 404, 409}


def test_length():
    """The service is at most twice as long as its original, comments aside."""
    with open(f"{HERE}/../../app/postgres/main.c", encoding="utf-8") as file:
        ours = "".join(part.partition("*/")[2] for part in file.read().split("/*"))
    with open(f"{HERE}/postgres_app.py", encoding="utf-8") as file:
        theirs = "".join(file.read().split('"""')[::2])
    lines = [sum(bool(line.strip()) for line in text.split("\n")) for text in (ours, theirs)]
    assert lines[0] <= 2 * lines[1], lines
