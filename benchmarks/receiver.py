"""Ten endpoints in one process that count: `python -m benchmarks.receiver PORT`. `GET /` tells and forgets."""

import asyncio
import sys
import time

import uvloop
from aiohttp import web


class Counting:
    """How many came since it was last asked, and when the first and the last did."""

    def __init__(self) -> None:
        self.count, self.first, self.last = 0, 0.0, 0.0

    async def take(self, request: web.Request) -> web.Response:
        await request.read()
        self.last = time.perf_counter()
        self.first = self.first or self.last
        self.count += 1
        return web.Response(status=204)

    async def tell(self, _: web.Request) -> web.Response:
        told = {"count": self.count, "seconds": self.last - self.first}
        return web.json_response(told)

    async def forget(self, _: web.Request) -> web.Response:
        self.count, self.first, self.last = 0, 0.0, 0.0
        return web.Response(status=204)


async def serve(port: int) -> None:
    counting, app = Counting(), web.Application()
    app.router.add_post("/{name}", counting.take)
    app.router.add_get("/", counting.tell)
    app.router.add_delete("/", counting.forget)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(serve(int(sys.argv[1])))
