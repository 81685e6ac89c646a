# SPDX-License-Identifier: MIT
"""SELECT 1 by aiopg, as the benchmark's measure of app/postgres:  aiopg_client.py DSN TASKS QUERIES

Prints the seconds that QUERIES in each of TASKS took, each with a connection of its own."""

import asyncio
import sys
import time

import aiopg


async def ask(conn, queries):
    """One task."""
    async with conn.cursor() as cur:
        for _ in range(queries):
            await cur.execute("SELECT 1")
            assert await cur.fetchone() == (1,)


async def main(dsn, tasks, queries):
    """All of them."""
    links = [await aiopg.connect(dsn) for _ in range(tasks)]
    began = time.perf_counter()
    await asyncio.gather(*(ask(conn, queries) for conn in links))
    print(f"{time.perf_counter() - began:.6f}")
    for conn in links:
        conn.close()


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
