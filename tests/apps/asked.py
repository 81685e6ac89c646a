# SPDX-License-Identifier: MIT
"""Servers in a site's namespace, and requests by Python's own client."""

import contextlib
import dataclasses
import http.client
import json
import time

from netns import HOST

READY_S = 20


@contextlib.contextmanager
def started(site, args, port, **more):
    """A server of the site's namespace that listens on a port of HOST; ended after it."""
    child = site.net.popen(args, **more)
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
    """One request on a connection of its own."""
    connection = http.client.HTTPConnection(address, port, timeout=READY_S)
    connection.sock = site.socket(address=address, port=port, timeout=READY_S)
    try:
        connection.request(method, path, body, dict(fields))
        reply = connection.getresponse()
        return Reply(reply.status, reply.getheaders(), reply.read())
    finally:
        connection.close()
