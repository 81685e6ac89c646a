# SPDX-License-Identifier: MIT
"""An app's Python original beside it: started in the site's namespace, asked the same."""

import contextlib
import dataclasses
import http.client
import json
import os
import re
import socket
import time

from netns import HOST

HERE = os.path.dirname(os.path.abspath(__file__))
READY_S = 20
COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/|\"\"\".*?\"\"\"|^\s*#(?!\s*(?:include|define)).*?$", re.S | re.M)


@contextlib.contextmanager
def started(site, args, port):
    """A server of the site's namespace that listens on a port of HOST; ended after it."""
    child = site.net.popen(args)
    deadline = time.monotonic() + READY_S
    try:
        while True:
            assert child.poll() is None, f"{args} ended with {child.returncode}"
            try:
                site.socket(address=HOST, port=port).close()
                break
            except OSError:
                assert time.monotonic() < deadline, f"{args} does not listen"
                time.sleep(0.05)
        yield child
    finally:
        site.net.end(child)


def script(name):
    """Path of an original."""
    return os.path.join(HERE, f"{name}.py")


@dataclasses.dataclass
class Reply:
    """What a server said."""
    status: int
    fields: list
    body: bytes

    def header(self, name):
        """All values of that name."""
        return [value for key, value in self.fields if key.lower() == name.lower()]

    def json(self):
        """The body, if it is said to be JSON."""
        assert self.header("Content-Type")[0].startswith("application/json"), self
        return json.loads(self.body)


def ask(site, address, port, method, path, body=None, fields=()):
    """One request by Python's own client, on a connection of its own."""
    connection = http.client.HTTPConnection(address, port, timeout=20)
    connection.sock = site.socket(address=address, port=port, timeout=20)
    try:
        connection.request(method, path, body, dict(fields))
        reply = connection.getresponse()
        return Reply(reply.status, reply.getheaders(), reply.read())
    finally:
        connection.close()


def lines_of(path):
    """Lines of code: neither blank nor comments."""
    with open(path, encoding="utf-8") as file:
        text = COMMENT.sub("", file.read())
    return sum(1 for line in text.split("\n") if line.strip())


def assert_as_short(app):
    """The C app has at most twice the lines of its original."""
    mine = lines_of(os.path.join(HERE, "..", "..", "app", app, "main.c"))
    theirs = lines_of(script(app))
    assert mine <= 2 * theirs, f"app/{app}: {mine} lines, tests/apps/{app}.py: {theirs}"
