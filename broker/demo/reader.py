"""`python -m broker.demo.reader TOLD`: a system that reads streams, for one agency or several.

The client verifies each delivery (subscription, receipt, statement, parts, the chain of positions) before it is
written down, and after a break goes on exactly where it was.
"""

import asyncio
import sys
from pathlib import Path

from broker.client import AsyncClient, NotVerified
from broker.demo.partner import Line, Record, Told, client_for, now_ms, own_records


async def main(path: Path) -> None:
    """Until the demo ends."""
    told, line = Told.read(path), Line()
    record = Record(told.arrivals)
    await line.open()
    clients: dict[str, AsyncClient] = {}
    line.say(listening={})
    following: list[asyncio.Task[None]] = []
    try:
        hub = (await line.hear())["hub"]
        records = own_records(told.directory)
        subscriptions: dict[str, str] = {}
        for desk in told.desks:
            client = clients[desk.agency] = client_for(hub, desk, records)
            subscriptions[desk.agency] = (await client.subscribe({**desk.subscription, "adapter": "stream"})).id
        following = [
            asyncio.create_task(_follow(clients[agency], agency, id_, record)) for agency, id_ in subscriptions.items()
        ]
        line.say(subscriptions=subscriptions)
        await line.until_it_ends()
    except EOFError:
        pass
    finally:
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        for client in clients.values():
            await client.close()
        record.close()


async def _follow(client: AsyncClient, agency: str, subscription: str, record: Record) -> None:
    try:
        async for _, received in client.stream(subscription):
            record.verified(agency, received, now_ms())
    except NotVerified as why:
        record.doubtful(agency, str(why), now_ms())


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
