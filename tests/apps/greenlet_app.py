#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Greenlets that switch to each other: the original of app/greenlet.  greenlet_app.py PORT"""

import http.server
import sys
import time

from greenlet import greenlet

SAID = []


def test1(x, y):
    """Passes a sum to the other, and prints what comes back."""
    z = GR2.switch(x + y)
    SAID.append(z)


def test2(u):
    """Prints what it is passed, and passes something back."""
    SAID.append(u)
    GR1.switch(42)


def classic():
    """The example of greenlet's documentation."""
    global GR1, GR2
    GR1, GR2 = greenlet(test1), greenlet(test2)
    GR1.switch("hello", " world")


def guarded():
    """Catches an error, and ends with another."""
    try:
        GR1.parent.switch("ready")
    except TimeoutError:
        SAID.append("child: timed out")
        raise OSError("input/output error") from None


def thrown():
    """Throws one into the other, and catches what it ends with."""
    global GR1
    GR1 = greenlet(guarded)
    SAID.append(GR1.switch())
    try:
        GR1.throw(TimeoutError)
    except OSError as error:
        SAID.append(f"parent: {error}")
    SAID.append(f"ended: {GR1.dead:d}")


def sleep_inside():
    """Waits in the other."""
    time.sleep(0.02)
    return "slept"


def nap():
    """What waits is the whole thread."""
    SAID.append(greenlet(sleep_inside).switch())


def run(example):
    """What it prints."""
    SAID.clear()
    example()
    return "".join(f"{line}\n" for line in SAID)


class Pages(http.server.BaseHTTPRequestHandler):
    """One page for each."""

    def do_GET(self):
        """What the example prints."""
        text = run({"/": classic, "/thrown": thrown, "/nap": nap}[self.path]).encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", len(text))
        self.end_headers()
        self.wfile.write(text)


print(run(classic), end="", flush=True)
http.server.HTTPServer(("", int(sys.argv[1])), Pages).serve_forever()
