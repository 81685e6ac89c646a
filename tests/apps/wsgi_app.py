# SPDX-License-Identifier: MIT
"""The original of app/wsgi:  gunicorn wsgi_app:application, or tests/apps/wsgi_app.py PORT"""

import base64
import itertools
import re
import sys
import time
import uuid
from wsgiref.simple_server import make_server

TEXT = [("Content-Type", "text/plain")]
PIECE, CLOSED = 2000, []


def show(environ, start_response):
    """What the environment says, a line for each that was asked for: ?HTTP_HOST&PATH_INFO"""
    start_response("200 OK", TEXT)
    return ["".join(f"{key}={environ.get(key, '')}\n"
                    for key in environ["QUERY_STRING"].split("&")).encode("latin-1")]


def upper(environ, start_response):
    """The request's body in capitals, as it comes."""
    start_response("200 OK", TEXT)
    while piece := environ["wsgi.input"].read(PIECE):
        yield piece.upper()


def length(environ, start_response):
    """How long the request's body is, read to its end before the answer begins."""
    total = sum(len(piece) for piece in iter(lambda: environ["wsgi.input"].read(PIECE), b""))
    start_response("200 OK", TEXT)
    return [f"{total}\n".encode()]


def lines(environ, start_response):
    """As many lines as the query says, then, with a "!" after that, an error."""
    start_response("200 OK", TEXT)
    words = environ["QUERY_STRING"]
    try:
        for i in range(int(words.rstrip("!"))):
            yield b"%d\n" % i
        if words.endswith("!"):
            raise ValueError(words)
    finally:
        CLOSED.append(words)


def show_closed(environ, start_response):
    """How many of these have been closed."""
    start_response("200 OK", TEXT)
    return [f"{len(CLOSED)}\n".encode()]


def app(environ, start_response):
    """The application."""
    path = environ["PATH_INFO"]
    if path == "/environ":
        return show(environ, start_response)
    if path == "/upper" and environ["REQUEST_METHOD"] == "POST":
        return upper(environ, start_response)
    if path == "/length":
        return length(environ, start_response)
    if path == "/lines":
        return lines(environ, start_response)
    if path == "/closed":
        return show_closed(environ, start_response)
    if path != "/":
        start_response("404 Not Found", TEXT)
        return [b"Nothing here\n"]
    start_response("200 OK", TEXT)
    return [b"Hello, world!\n"]


def counted(inner):
    """Middleware: counts the requests."""
    counter = itertools.count(1)

    def outer(environ, start_response):
        environ["zeitkern.count"] = str(next(counter))
        return inner(environ, start_response)
    return outer


def timed(inner):
    """Middleware: Server-Timing."""
    def outer(environ, start_response):
        began = time.monotonic()

        def start(status, fields):
            took = (time.monotonic() - began) * 1000
            return start_response(status, fields + [("Server-Timing", f"app;dur={took:.3f}")])
        return inner(environ, start)
    return outer


def named(inner):
    """Middleware: a request id."""
    def outer(environ, start_response):
        name = environ.get("HTTP_X_REQUEST_ID", "")
        if not re.fullmatch(r"[\w.-]{1,64}", name, re.A):
            name = uuid.uuid4().hex
        environ["REQUEST_ID"] = name
        return inner(environ, lambda status, fields:
                     start_response(status, fields + [("X-Request-ID", name)]))
    return outer


def vault(inner):
    """Middleware: basic authentication."""
    def outer(environ, start_response):
        wanted = "Basic " + base64.b64encode(b"ann:open sesame").decode()
        if environ.get("HTTP_AUTHORIZATION") == wanted:
            environ["REMOTE_USER"] = "ann"
            return inner(environ, start_response)
        start_response("401 Unauthorized", TEXT + [
            ("WWW-Authenticate", 'Basic realm="the vault", charset="UTF-8"')])
        return [b"Who are you?\n"]
    return outer


def mounted(prefix, below, others):
    """Middleware: another application at a path."""
    def outer(environ, start_response):
        path = environ["PATH_INFO"]
        if path != prefix and not path.startswith(prefix + "/"):
            return others(environ, start_response)
        environ["SCRIPT_NAME"] += prefix
        environ["PATH_INFO"] = path[len(prefix):]
        return below(environ, start_response)
    return outer


application = mounted("/vault", named(vault(app)), named(timed(counted(app))))

if __name__ == "__main__":
    make_server("0.0.0.0", int(sys.argv[1]), application).serve_forever()
