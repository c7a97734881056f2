"""`python -m broker.demo.receiver TOLD`: a system that is pushed to, for one agency or several, a path each.

It checks the hub's signature over the webhook first, then the envelope: that it is for the subscription of this path,
the hub's receipt, the originator's statement, each part's digest. Only what holds is acknowledged.
"""

import asyncio
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path

from aiohttp import web

from broker.client import AsyncClient, NotVerified, verify_webhook
from broker.demo.certificate import HOST
from broker.demo.partner import Desk, Line, Record, Told, client_for, now_ms, own_records
from schemas.directory import KeyRecord
from schemas.terms import KeyUse

LARGEST = 8 * 1024 * 1024


@dataclass
class Receiver:
    """Endpoints for its desks."""

    told: Told
    record: Record
    clients: dict[str, AsyncClient] = field(default_factory=dict)
    subscriptions: dict[str, str] = field(default_factory=dict)
    keys: tuple[KeyRecord, ...] = ()

    async def take(self, request: web.Request) -> web.Response:
        """204 for what can be trusted and is written down; 400 for the rest."""
        at_ms, agency = now_ms(), request.match_info["agency"]
        body = await request.read()
        try:
            verify_webhook(request.headers, body, self.keys)
            received = await self.clients[agency].verify(body.decode(), self.subscriptions[agency])
        except (NotVerified, UnicodeDecodeError, KeyError) as why:
            self.record.doubtful(agency, str(why), at_ms)
            return web.Response(status=400)
        self.record.verified(agency, received, at_ms)
        return web.Response(status=204)

    async def subscribe(self, hub: str, ports: dict[str, int]) -> None:
        """With the keys of its own copy of the directory."""
        records = own_records(self.told.directory)
        self.keys = tuple(record for record in records.values() if record.use is KeyUse.WEBHOOK)
        for desk in self.told.desks:
            self.clients[desk.agency] = client_for(hub, desk, records)
            self.subscriptions[desk.agency] = await self._subscribed(desk, ports)

    async def _subscribed(self, desk: Desk, ports: dict[str, int]) -> str:
        url = f"{desk.way}://{HOST}:{ports[desk.way]}/{desk.agency}"
        new = {**desk.subscription, "adapter": "webhook", "settings": {"url": url}}
        return (await self.clients[desk.agency].subscribe(new)).id


async def main(path: Path) -> None:
    """Until the demo ends."""
    told, line = Told.read(path), Line()
    await line.open()
    receiver = Receiver(told, Record(told.arrivals))
    app = web.Application(client_max_size=LARGEST)
    app.router.add_post("/{agency}", receiver.take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    ports = {way: await _listen(runner, way, told.certificates) for way in sorted({desk.way for desk in told.desks})}
    line.say(listening=ports)
    try:
        hub = (await line.hear())["hub"]
        await receiver.subscribe(hub, ports)
        line.say(subscriptions=receiver.subscriptions)
        await line.until_it_ends()
    except EOFError:
        pass
    finally:
        await runner.cleanup()
        for client in receiver.clients.values():
            await client.close()
        receiver.record.close()


async def _listen(runner: web.AppRunner, way: str, certificates: Path) -> int:
    tls = None
    if way == "https":
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificates / "endpoint.pem", certificates / "endpoint.key")
    before = len(runner.addresses)
    await web.TCPSite(runner, HOST, 0, ssl_context=tls).start()
    return int(runner.addresses[before][1])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
