# SPDX-License-Identifier: MIT
"""app/greenlet: coroutines, on the console and over the wire, beside greenlet itself."""

import pytest
from original import Original, lines

APP = "greenlet"
CLASSIC = "hello world\n42\n"
REQUESTS, NAPS = 300, 20
PORT = 9200
STACKS = "zeitkern_task_stacks_used"


@pytest.fixture
def original(app):
    """greenlet's own."""
    it = Original(app.net, APP, PORT)
    yield it
    it.close()


def test_console(app, original):
    """Both print the same, once, and nothing between."""
    assert original.close() == CLASSIC
    app.vm.wait_for("^42$", 10)
    plain = [line for line in app.vm.console.text().split("\n")
             if line and not line.startswith("[")]
    assert "\n".join(plain[-2:]) + "\n" == CLASSIC, plain


@pytest.mark.parametrize("path", ("/", "/thrown", "/nap"))
def test_same(app, original, path):
    """Both answer the same: status, type and text."""
    ours = app.get(path)
    assert (ours.status, ours.header("Content-Type"), ours.body.decode()) == original.get(path)
    assert path != "/" or ours.body.decode() == CLASSIC


def test_many(app):
    """No coroutine keeps its stack."""
    before = app.metrics()[STACKS]
    with app.client() as client:
        for n in range(REQUESTS):
            answer = client.get("/thrown" if n % 2 else "/")
            assert answer.status == 200 and answer.body
    assert app.metrics()[STACKS] == before
    assert app.metrics()["zeitkern_task_stack_deepest_bytes"] > 0


def test_naps(app):
    """Tasks that wait inside of coroutines wait beside each other, and the loop goes on."""
    before = app.metrics()[STACKS]
    clients = [app.client() for _ in range(NAPS)]
    for _ in range(3):
        for client in clients:
            client.send("GET /nap HTTP/1.1\r\nHost: a\r\n\r\n")
        assert app.get().body.decode() == CLASSIC
        for client in clients:
            assert client.answer().body == b"slept\n"
    for client in clients:
        client.close()
    assert app.metrics()[STACKS] == before


def test_no_stack(app):
    """More than there are stacks for: 503 for some, and all is well afterwards."""
    stacks = int(app.metrics()["zeitkern_task_stacks"])
    clients = [app.client() for _ in range(stacks)]
    for client in clients:
        client.send("GET /nap HTTP/1.1\r\nHost: a\r\n\r\n")
    answers = [client.answer() for client in clients]
    for client in clients:
        client.close()
    assert {answer.status for answer in answers} == {200, 503}
    assert app.get("/nap").status == 200


def test_lines():
    """At most twice as long as the original."""
    assert lines("app/greenlet/main.c") <= 2 * lines("tests/apps/greenlet_app.py")
