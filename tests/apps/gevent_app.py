#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Redis with gevent: the original of app/gevent.

    tests/apps/gevent_app.py PORT REDIS_ADDR REDIS_PORT TIMEOUT_MS
"""

from gevent import monkey
monkey.patch_all()

import json
import sys
import time

import redis
from gevent.pool import Pool
from gevent.pywsgi import WSGIServer

AT_ONCE_MAX = 500
if len(sys.argv) != 5:
    sys.exit(__doc__)
PORT, ADDR, REDIS_PORT, TIMEOUT_MS = sys.argv[1:]
TIMEOUT = int(TIMEOUT_MS) / 1000
DB = redis.Redis(ADDR, int(REDIS_PORT), socket_timeout=TIMEOUT, socket_connect_timeout=TIMEOUT,
                 max_connections=16)


def hits():
    """Counts this request."""
    return {"hits": DB.incr("hits")}


def pipeline(n):
    """Many commands in one go."""
    n = min(int(n), 10000)
    pipe = DB.pipeline(transaction=False)
    pipe.delete("pipe")
    for _ in range(n):
        pipe.incr("pipe")
    return {"replies": n, "last": pipe.execute()[-1]}


def wait_in_line(got):
    """One of many that wait at once, each on a connection of its own."""
    with redis.Redis(ADDR, int(REDIS_PORT), single_connection_client=True) as db:
        got.append(int(db.blpop("gate", 0)[1]))


def crowd(n):
    """n tasks that wait at once; a failure when nobody was served."""
    n = max(min(int(n), AT_ONCE_MAX), 1)
    got, pool = [], Pool(n)
    for _ in range(n):
        pool.spawn(wait_in_line, got)
    in_time = pool.join(TIMEOUT)
    pool.kill()
    if not got:
        raise (redis.ConnectionError if in_time else redis.TimeoutError)("nobody was served")
    return {"tasks": n, "served": len(got), "sum": sum(got)}


def news():
    """The next message of a channel."""
    with DB.pubsub() as sub:
        sub.subscribe("news")
        sub.get_message(timeout=TIMEOUT)
        message = sub.get_message(timeout=TIMEOUT)
        if not message:
            raise redis.TimeoutError("no news")
        return {"channel": message["channel"].decode(), "message": message["data"].decode()}


def nap(ms):
    """Blocks nobody else."""
    ms = min(int(ms), 60000)
    time.sleep(ms / 1000)
    return {"slept": ms}


ROUTES = {"": hits, "pipeline": pipeline, "crowd": crowd, "news": news, "sleep": nap}
FAILURES = ((redis.TimeoutError, "504 Gateway Timeout"), (redis.RedisError, "502 Bad Gateway"))


def app(environ, start_response):
    """WSGI."""
    name, *words = environ["PATH_INFO"].strip("/").split("/")
    try:
        status, answer = "200 OK", ROUTES[name](*words)
    except tuple(kind for kind, _ in FAILURES) as error:
        status = next(text for kind, text in FAILURES if isinstance(error, kind))
        answer = {"error": str(error)}
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"),
                            ("Content-Length", str(len(body)))])
    return [body]


def main():
    """Serves."""
    WSGIServer(("0.0.0.0", int(PORT)), app, log=None).serve_forever()


main()
