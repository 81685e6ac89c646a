# SPDX-License-Identifier: MIT
"""The C library's own time and sleep calls, in an app that is booted: they tell the truth, and who
sleeps in them keeps nobody else waiting."""

import json
import time

from test_time import ERROR_S

APP = "queries"
SETTINGS = "postgres.min=0"
SLEEP_US, NAP_US = 1_000_000, 300_000
SLEEPERS = 20
READ_US = 200_000        # from the first clock of an answer to the last, on a busy computer


def clocks(client):
    """What they say."""
    answer = client.get("/clocks")
    assert answer.status == 200
    return json.loads(answer.body)


def test_clocks(app):
    """time(), gettimeofday() and clock_gettime() say what this computer's clock says, and the same;
    the monotonic one runs as fast as ours."""
    with app.client() as client:
        before, first = time.time(), clocks(client)
        after, mark = time.time(), time.monotonic()
        assert before - ERROR_S <= first["realtime"] / 1e6 <= after + ERROR_S, (before, first)
        assert 0 <= first["gettimeofday"] - first["realtime"] < READ_US, first
        assert first["time"] in (first["gettimeofday"] // 1000000,
                                 first["gettimeofday"] // 1000000 + 1), first
        time.sleep(1)
        least = time.monotonic() - mark
        passed = (clocks(client)["monotonic"] - first["monotonic"]) / 1e6
        most = time.monotonic() - mark + after - before
        assert least - 0.01 <= passed <= most + 0.01, (passed, least, most)


def test_sleeps(app):
    """sleep(), nanosleep() and usleep() take as long as they were told by the machine's own clock,
    those of many tasks at once; meanwhile others are answered."""
    clients = [app.client() for _ in range(SLEEPERS)]
    with app.client() as other:
        began = clocks(other)["monotonic"]
        for client in clients:
            client.send(f"GET /sleeps/{NAP_US} HTTP/1.1\r\nHost: a\r\n\r\n")
        meanwhile = clocks(other)["monotonic"]
        answers = [json.loads(client.answer().body) for client in clients]
        took = clocks(other)["monotonic"] - began
    for said in answers:
        assert said["left"] == 0
        assert said["sleep"] >= SLEEP_US
        assert said["nanosleep"] >= NAP_US and said["usleep"] >= NAP_US, said
        end = sum(said[name] for name in ("from", "sleep", "nanosleep", "usleep"))
        assert said["from"] < meanwhile < end, (meanwhile, said)
    assert took < SLEEPERS * (SLEEP_US + 2 * NAP_US) / 2, "one slept after the other"
    assert app.metrics()["zeitkern_task_stacks_peak"] >= SLEEPERS
    for client in clients:
        client.close()
