"""The hub's store, for commands of its operator: the one that serves now, or the private one, started for a moment."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from broker.store.in_redis import RedisStore


@asynccontextmanager
async def open_store(data: Path, redis_url: str | None) -> "AsyncIterator[RedisStore]":
    """Broken or Unavailable when it cannot be opened; nothing is made where no hub has been."""
    from broker import logs
    from broker.errors import Broken
    from broker.store.in_redis import RedisStore
    from broker.store.server import PrivateServer

    logs.configure(logging.WARNING)  # standard output is the command's
    url = redis_url or await running_url(data)
    if url is None and not (data / "store").is_dir():
        raise Broken(f"No hub has kept anything in {data}: give its folder with --data, or its Redis with --redis-url.")
    if url is None:
        async with PrivateServer(data / "store") as private, open_store(data, private) as store:
            yield store
        return
    store = RedisStore(url)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def running_url(data: Path) -> str | None:
    """The private server of that data folder, if one answers now."""
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    from broker.store.server import PrivateServer

    socket = PrivateServer(data / "store").socket
    if not socket.exists():
        return None
    try:
        async with Redis(unix_socket_path=str(socket), socket_timeout=2) as client:
            await client.ping()
    except (RedisError, OSError):
        return None
    return f"unix://{socket}"
