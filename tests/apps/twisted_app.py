#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Requests that hold no thread: the original of app/twisted.  twisted_app.py PORT BACKEND_PORT"""

import json
import sys

from twisted.internet import defer, endpoints, protocol, reactor, task
from twisted.internet.error import ConnectionDone
from twisted.protocols.basic import LineOnlyReceiver
from twisted.web import resource, server

HOST, LINE_TIMEOUT_S, LATER_S = "10.77.0.1", 1, 0.01
COUNTS = {"waiting": 0, "cancelled": 0}


def send(request, code, answer):
    """A JSON answer."""
    request.setResponseCode(code)
    request.setHeader("Content-Type", "application/json")
    request.write(json.dumps(answer).encode())
    request.finish()


class Answers(resource.Resource):
    """What answers with the result of a deferred, which it cancels when its client goes."""

    isLeaf = True

    def __init__(self, word):
        super().__init__()
        self.word = word

    def render_GET(self, request):
        """Waits for it without a thread."""
        waits_for = self.start()
        COUNTS["waiting"] += 1
        request.notifyFinish().addErrback(lambda _: waits_for.cancel())
        waits_for.addCallbacks(self.done, self.failed, callbackArgs=(request,),
                               errbackArgs=(request,))
        return server.NOT_DONE_YET

    def done(self, result, request):
        """The last of the callbacks."""
        COUNTS["waiting"] -= 1
        send(request, 200, self.answer(result))

    def failed(self, failure, request):
        """The last of the errbacks."""
        COUNTS["waiting"] -= 1
        if failure.check(defer.CancelledError):
            COUNTS["cancelled"] += 1
        elif failure.check(defer.TimeoutError, TimeoutError):
            send(request, 504, {"error": "Gateway Timeout"})
        else:
            send(request, 502, {"error": "Bad Gateway"})


class Wait(Answers):
    """/wait/MS: a timer."""

    def start(self):
        """Fires when the time is over."""
        return task.deferLater(reactor, int(self.word) / 1000, int, self.word)

    def answer(self, result):
        """What it was."""
        return {"waited": result}


def halve(n):
    """Of an even number."""
    if n % 2:
        raise ValueError(n)
    return n // 2


def recover(failure):
    """From an odd one."""
    failure.trap(ValueError)
    return -1


class Chain(Answers):
    """/chain/N: an error on the way, a deferred as a result."""

    def start(self):
        """Fires at once, and waits on the way."""
        chain = defer.Deferred()
        chain.addCallback(halve)
        chain.addErrback(recover)
        chain.addCallback(lambda n: task.deferLater(reactor, LATER_S, lambda: n + 1))
        chain.callback(int(self.word))
        return chain

    def answer(self, result):
        """What came out."""
        return {"value": result}


class OneLine(LineOnlyReceiver):
    """Sends a line, and expects one."""

    delimiter, MAX_LENGTH = b"\n", 63

    def __init__(self, word, got):
        self.word, self.got = word, got

    def connectionMade(self):
        """Now it can."""
        self.sendLine(self.word)

    def lineReceived(self, line):
        """That is it."""
        self.transport.loseConnection()
        self.got.callback(line.decode())

    def connectionLost(self, reason=protocol.connectionDone):
        """Too early, unless the line is there, or nobody waits for it."""
        if not self.got.called:
            self.got.errback(reason)


class Line(Answers):
    """/line/WORD: a connection, and a timeout."""

    def start(self):
        """Fires when a line has come."""
        got = defer.Deferred()
        to = endpoints.TCP4ClientEndpoint(reactor, HOST, int(sys.argv[2]))
        begun = endpoints.connectProtocol(to, OneLine(self.word.encode(), got))
        begun.addCallback(lambda one: setattr(got, "_canceller",
                                              lambda _: one.transport.abortConnection()))
        begun.addErrback(lambda failure: got.called or got.errback(failure))
        return got.addTimeout(LINE_TIMEOUT_S, reactor)

    def answer(self, result):
        """What it says."""
        return {"line": result}


class Branch(resource.Resource):
    """Its children are made as they are asked for."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def getChild(self, name, request):
        """One of a word, or of a number where it must be one."""
        word = name.decode()
        if self.kind is not Line and not word.isdigit():
            return super().getChild(name, request)
        return self.kind(word)


class Root(resource.Resource):
    """GET /: how many wait."""

    def render_GET(self, request):
        """At once."""
        request.setHeader("Content-Type", "application/json")
        return json.dumps(COUNTS).encode()


def main():
    """The tree."""
    root = resource.Resource()
    root.putChild(b"", Root())
    for name, kind in ((b"wait", Wait), (b"chain", Chain), (b"line", Line)):
        root.putChild(name, Branch(kind))
    reactor.listenTCP(int(sys.argv[1]), server.Site(root))
    reactor.run()


main()
