# SPDX-License-Identifier: MIT
"""What tests of several apps ask in the same way: JSON answers, and whether something is so yet."""

import json
import socket
import time

from netns import EXTRA, HOST

HANG_S = 30


def until(true):
    """Waits for it; a hang detector."""
    deadline = time.monotonic() + HANG_S
    while not true():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def reachable(net, port):
    """Whether something listens there, on the namespace's own address."""
    with net.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
        sock.bind((EXTRA[0], 0))         # from HOST it might reach itself
        return sock.connect_ex((HOST, port)) == 0


def seen(answer):
    """(status, JSON) of an answer."""
    return answer.status, json.loads(answer.body)


def stack_spare(site):
    """Bytes that no task has ever used of its stack."""
    metrics = site.metrics()
    return metrics["zeitkern_task_stack_bytes"] - metrics["zeitkern_task_stack_deepest_bytes"]
