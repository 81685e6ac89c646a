# SPDX-License-Identifier: MIT
"""Items in PostgreSQL, with JSON in and out, by aiopg:  postgres_app.py DSN PORT"""

import asyncio
import sys

import aiopg
import psycopg2
import psycopg2.extras
from aiohttp import web

TIMEOUT_S = 2
ITEM = "id, name, price::text, stock"
FIELDS = ("name", "price", "stock")
routes = web.RouteTableDef()


async def run(request, sql, *args):
    """The rows that a statement gives, as dictionaries."""
    async with request.app["pool"].acquire() as conn:
        async with conn.cursor(cursor_factory=psycopg2.extras.RealDictCursor) as cur:
            await cur.execute(sql, args, timeout=TIMEOUT_S)
            return await cur.fetchall()


async def item(request, sql, *args, done=200):
    """Answers with the item that a statement gives."""
    rows = await run(request, sql, *args)
    if not rows:
        raise web.HTTPNotFound()
    return web.json_response(rows[0], status=done)


async def fields(request):
    """The item in the request's body."""
    try:
        given = await request.json()
        return [given.get(name) for name in FIELDS]
    except (ValueError, AttributeError) as error:
        raise web.HTTPBadRequest() from error


@routes.get("/")
async def get_one(request):
    rows = await run(request, "SELECT 1 AS result")
    return web.json_response(rows[0])


@routes.get("/item")
async def list_items(request):
    return web.json_response(await run(
        request, "SELECT id, name, price::float, stock FROM item ORDER BY id"))


@routes.post("/item")
async def add_item(request):
    return await item(request, "INSERT INTO item (name, price, stock) VALUES (%s, %s, %s) "
                      f"RETURNING {ITEM}", *await fields(request), done=201)


@routes.get("/item/{id}")
async def get_item(request):
    return await item(request, f"SELECT {ITEM} FROM item WHERE id = %s::int",
                      request.match_info["id"])


@routes.put("/item/{id}")
async def set_item(request):
    return await item(request, "UPDATE item SET name = %s, price = %s, stock = %s "
                      f"WHERE id = %s::int RETURNING {ITEM}",
                      *await fields(request), request.match_info["id"])


@routes.delete("/item/{id}")
async def delete_item(request):
    return await item(request, f"DELETE FROM item WHERE id = %s::int RETURNING {ITEM}",
                      request.match_info["id"])


@routes.post("/move/{count}/{source}/{to}")
async def move(request):
    """Moves stock from one item to another, all of it or nothing."""
    async with request.app["pool"].acquire() as conn, conn.cursor() as cur, cur.begin():
        for sign, item_id in ("-", "source"), ("+", "to"):
            await cur.execute(f"UPDATE item SET stock = stock {sign} %s::int WHERE id = %s::int",
                              (request.match_info["count"], request.match_info[item_id]),
                              timeout=TIMEOUT_S)
            if cur.rowcount == 0:
                raise web.HTTPNotFound()
    return web.json_response({"moved": request.match_info["count"]})


@web.middleware
async def errors(request, handler):
    """The status that fits what PostgreSQL says."""
    try:
        return await handler(request)
    except psycopg2.errors.UniqueViolation as error:
        raise web.HTTPConflict() from error
    except (psycopg2.DataError, psycopg2.IntegrityError) as error:
        raise web.HTTPBadRequest() from error
    except (asyncio.TimeoutError, psycopg2.OperationalError) as error:
        raise web.HTTPServiceUnavailable() from error


async def main(dsn, port):
    """Serves until it is ended."""
    app = web.Application(middlewares=[errors])
    app.add_routes(routes)
    async with aiopg.create_pool(dsn, minsize=1, maxsize=8) as pool:
        app["pool"] = pool
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, port=port).start()
        print("serving", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
