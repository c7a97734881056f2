"""One connection of this process hears every wake-up, and rings the bells of those who wait."""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from broker.ports.failures import Unavailable
from broker.store import keys
from broker.store.bells import Bells
from broker.store.link import Link

PATIENCE_S = 5.0
REST_S = 0.2

log_line = structlog.get_logger("store")


async def listen(link: Link, bells: Bells) -> None:
    """Without end, at a server that hears all. While it cannot, those who wait do so to the end of their time."""
    while True:
        try:
            await _hear((await link.anyone()).client, bells)
        except (RedisError, OSError, Unavailable) as why:
            log_line.warning("not listening", why=str(why))
        await asyncio.sleep(REST_S)


async def _hear(client: Redis, bells: Bells) -> None:
    """Until the connection ends, or nothing at all is heard: not even the answer to a ping."""
    async with client.pubsub() as pubsub:
        await pubsub.subscribe(keys.APPENDED, keys.WOKEN)
        asked = False
        while True:
            message = await pubsub.get_message(timeout=PATIENCE_S)
            if message is None and asked:
                raise OSError("the server is silent")
            asked = message is None
            if message is None:
                await pubsub.ping()
            elif message["type"] == "subscribe":
                bells.ring_all()  # something may have been missed until now
            elif message["type"] == "message":
                bells.ring(message["channel"])
                bells.ring(message["data"])
