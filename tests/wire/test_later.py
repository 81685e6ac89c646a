# SPDX-License-Identifier: MIT
"""Requests that wait for an answer without a stack: app/echo's GET /news, told by POST /news."""

import pytest

CROWD = 200
ASK = "GET /news HTTP/1.1\r\nHost: a\r\n\r\n"


def tell(site, text):
    """POSTs news: how many were told."""
    with site.client() as client:
        client.send(f"POST /news HTTP/1.1\r\nHost: a\r\nContent-Length: {len(text)}\r\n\r\n{text}")
        answer = client.answer()
        assert answer.status == 200, answer
        return int(answer.body.decode().split()[1].rstrip("}"))


def waiting(site):
    """How many wait, and what that takes: later objects, request objects, stacks."""
    samples = site.metrics()
    return (samples.get('zeitkern_pool_used{pool="http_later"}', 0),
            samples['zeitkern_pool_used{pool="http_requests"}'],
            samples["zeitkern_task_stacks_used"])


@pytest.mark.large
def test_crowd(echo):
    """A crowd waits without stacks and request objects, is answered, and goes on."""
    _, requests, stacks = waiting(echo)
    clients = [echo.client() for _ in range(echo.crowd(CROWD))]
    for client in clients:
        client.send(ASK + "GET /hello/next HTTP/1.1\r\nHost: a\r\n\r\n")
    while waiting(echo)[0] < len(clients):
        pass
    assert waiting(echo) == (len(clients), requests, stacks)
    assert tell(echo, "it rains") == len(clients)
    for client in clients:
        assert client.answer().body == b"it rains"
        assert client.answer().body == b'{"hello": "next"}'
        client.close()
    assert waiting(echo)[0] == 0


def test_gone(echo):
    """Those that have gone meanwhile are not told; the machine knows at once."""
    clients = [echo.client() for _ in range(echo.crowd(6))]
    for client in clients:
        client.send(ASK)
    while waiting(echo)[0] < len(clients):
        pass
    for client in clients[::2]:
        client.close()
    while waiting(echo)[0] > len(clients) // 2:
        pass
    assert tell(echo, "x") == len(clients) // 2
    for client in clients[1::2]:
        assert client.answer().body == b"x"
        client.close()
