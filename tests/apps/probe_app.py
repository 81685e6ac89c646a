# SPDX-License-Identifier: MIT
"""Whether a server can be trusted over TLS: the original of app/probe, with asyncio and ssl.

    probe_app.py PORT CA-FILE"""

import asyncio
import json
import ssl
import sys


async def probe(host, port):
    """The answer of GET /host/port."""
    context = ssl.create_default_context(cafile=sys.argv[2])
    context.set_alpn_protocols(["http/1.1"])
    try:
        async with asyncio.timeout(3):
            reader, writer = await asyncio.open_connection(host, port, ssl=context)
            writer.write(b"GET / HTTP/1.0\r\n\r\n")
            size = len(await reader.read())
            writer.close()
    except TimeoutError:
        return {"host": host, "verified": False, "error": "timeout"}
    except ssl.SSLCertVerificationError:
        return {"host": host, "verified": False, "error": "unverified"}
    except ssl.SSLError:
        return {"host": host, "verified": False, "error": "protocol"}
    except OSError:
        return {"host": host, "verified": False, "error": "connection"}
    return {"host": host, "verified": True, "bytes": size}


async def serve(reader, writer):
    """One request."""
    path = (await reader.readuntil(b"\r\n\r\n")).split()[1].decode()
    host, port = path.strip("/").split("/")
    body = json.dumps(await probe(host, int(port))).encode()
    writer.write(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    await writer.drain()
    writer.close()


async def main():
    """For ever."""
    async with await asyncio.start_server(serve, "10.77.0.1", int(sys.argv[1])) as server:
        await server.serve_forever()

asyncio.run(main())
