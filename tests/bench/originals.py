# SPDX-License-Identifier: MIT
"""The same small service by what its Python authors use: `originals.py SYSTEM ADDRESS PORT BACKEND`
answers GET /one with what the backend says, in as many requests at once as come. It says "serving"
once it listens."""

import resource
import sys

BACKLOG, MANY = 8192, 100000
TIMEOUT_S = 60
JSON = "application/json"


def by_aiohttp(address, port, backend):
    """aiohttp, server and client."""
    from aiohttp import ClientSession, ClientTimeout, TCPConnector, web

    async def one(request):
        async with request.app["session"].get(backend) as answer:
            return web.json_response(await answer.json(content_type=None))

    async def session(app):
        app["session"] = ClientSession(connector=TCPConnector(limit=0),
                                       timeout=ClientTimeout(total=TIMEOUT_S))
        yield
        await app["session"].close()

    app = web.Application()
    app.router.add_get("/one", one)
    app.cleanup_ctx.append(session)
    web.run_app(app, host=address, port=port, backlog=BACKLOG, access_log=None,
                print=lambda *_: print("serving", flush=True))


def by_tornado(address, port, backend):
    """Tornado's server and its client."""
    import asyncio
    from tornado import httpclient, web

    class One(web.RequestHandler):
        """GET /one."""

        async def get(self):
            """Asks."""
            answer = await httpclient.AsyncHTTPClient().fetch(
                backend, connect_timeout=TIMEOUT_S, request_timeout=TIMEOUT_S)
            self.set_header("Content-Type", JSON)
            self.write(answer.body)

    async def serve():
        httpclient.AsyncHTTPClient.configure(None, max_clients=MANY)
        web.Application([("/one", One)], log_function=lambda _: None).listen(
            port, address, backlog=BACKLOG)
        print("serving", flush=True)
        await asyncio.Event().wait()

    asyncio.run(serve())


def by_twisted(address, port, backend):
    """twisted.web, server and client."""
    from twisted.internet import reactor
    from twisted.web import client, resource as web, server

    agent = client.Agent(reactor, connectTimeout=TIMEOUT_S)

    class One(web.Resource):
        """GET /one."""
        isLeaf = True

        def render_GET(self, request):  # pylint: disable=invalid-name
            """Asks."""
            def answer(body):
                request.setHeader("Content-Type", JSON)
                request.write(body)
                request.finish()
            agent.request(b"GET", backend.encode()).addCallback(client.readBody).addCallback(answer)
            return server.NOT_DONE_YET

    reactor.listenTCP(port, server.Site(One()), BACKLOG, address)
    reactor.callWhenRunning(lambda: print("serving", flush=True))
    reactor.run()


def by_gevent(address, port, backend):
    """gevent's WSGI server, and the standard library's client, which is made to yield."""
    from gevent import monkey
    monkey.patch_all()
    from urllib.request import urlopen
    from gevent import pywsgi

    def one(environ, start_response):
        with urlopen(backend, timeout=TIMEOUT_S) as answer:
            body = answer.read()
        start_response("200 OK", [("Content-Type", JSON), ("Content-Length", str(len(body)))])
        return [body]

    server = pywsgi.WSGIServer((address, port), one, backlog=BACKLOG, log=None)
    server.start()
    print("serving", flush=True)
    server.serve_forever()


SYSTEMS = {"aiohttp": by_aiohttp, "tornado": by_tornado, "twisted": by_twisted,
           "gevent": by_gevent}

if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    SYSTEMS[sys.argv[1]](sys.argv[2], int(sys.argv[3]), sys.argv[4])
