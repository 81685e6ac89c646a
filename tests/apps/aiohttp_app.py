# SPDX-License-Identifier: MIT
"""A service that asks two others at once and merges what they say."""

import asyncio
import sys

from aiohttp import ClientError, ClientPayloadError, ClientSession, ClientTimeout, web

PORT, *BACKENDS, SECONDS = sys.argv[1:]
TIMEOUT = ClientTimeout(total=float(SECONDS))
routes = web.RouteTableDef()


class Failed(Exception):
    """A backend has: the status and who."""


async def ask(session, number):
    """A backend's object."""
    try:
        async with session.get(BACKENDS[number], max_redirects=5) as answer:
            answer.raise_for_status()
            value = await answer.json()
            if isinstance(value, dict):
                return value
    except asyncio.TimeoutError as error:
        raise Failed(504, number) from error
    except (ClientError, ValueError) as error:
        raise Failed(502, number) from error
    raise Failed(502, number)


@routes.get("/")
async def merged(request):
    """Both at once, one deadline for all; the first error is the answer."""
    session = request.app["session"]
    try:
        one, two = await asyncio.gather(ask(session, 0), ask(session, 1))
    except Failed as error:
        status, number = error.args
        return web.json_response({"error": f"backend.{number + 1}"}, status=status)
    return web.json_response({**one, **two})


@routes.get("/one")
async def only(request):
    """Only the first."""
    try:
        return web.json_response(await ask(request.app["session"], 0))
    except Failed as error:
        return web.json_response({"error": "backend.1"}, status=error.args[0])


@routes.get("/relay")
async def relay(request):
    """The backend's answer, of any length, at the pace of who asked us."""
    try:
        async with request.app["session"].get(BACKENDS[0], max_redirects=5) as answer:
            answer.raise_for_status()
            response = web.StreamResponse()
            await response.prepare(request)
            async for piece in answer.content.iter_chunked(16384):
                await response.write(piece)
            return response
    except ClientPayloadError:
        request.transport.abort()
        raise
    except ClientError:
        return web.json_response({"error": "backend.1"}, status=502)


@routes.get(r"/sleep/{ms:\d+}")
async def nap(request):
    """Others are served meanwhile."""
    milliseconds = int(request.match_info["ms"])
    await asyncio.sleep(milliseconds / 1000)
    return web.json_response({"slept": milliseconds})


async def sessions(app):
    """One session, which keeps connections, for as long as the service runs."""
    async with ClientSession(timeout=TIMEOUT) as app["session"]:
        yield

app = web.Application()
app.add_routes(routes)
app.cleanup_ctx.append(sessions)
web.run_app(app, port=int(PORT))
