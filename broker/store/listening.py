"""One connection of this process hears every wake-up, and rings the bells of those who wait."""

import asyncio

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from broker.store import keys
from broker.store.bells import Bells

PATIENCE_S = 5.0
REST_S = 0.2

log_line = structlog.get_logger("store")


async def listen(client: Redis, bells: Bells) -> None:
    """Without end. While it cannot hear, those who wait do so to the end of their time."""
    while True:
        try:
            await _hear(client, bells)
        except (RedisError, OSError) as why:
            log_line.warning("not listening", why=str(why))
        await asyncio.sleep(REST_S)


async def _hear(client: Redis, bells: Bells) -> None:
    async with client.pubsub() as pubsub:
        await pubsub.subscribe(keys.APPENDED, keys.WOKEN)
        while True:
            message = await pubsub.get_message(timeout=PATIENCE_S)
            if message is None:
                await pubsub.ping()
            elif message["type"] == "subscribe":
                bells.ring_all()  # something may have been missed until now
            elif message["type"] == "message":
                bells.ring(message["channel"])
                bells.ring(message["data"])
