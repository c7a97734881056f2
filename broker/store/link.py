"""The connection to Redis: commands and named scripts, and one place where its failures become `Unavailable`."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import resources
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import NoScriptError, OutOfMemoryError, ReadOnlyError, ResponseError
from redis.exceptions import TimeoutError as TimedOut

from broker.ports import Unavailable

CONNECTIONS: Final = 64
TIMEOUT_S: Final = 5.0
AWAY: Final = ("MISCONF", "BUSY", "LOADING", "OOM", "NOREPLICAS", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "READONLY")
"""Answers by which Redis says that it cannot serve now; anything else that it refuses is a fault of ours."""

Value = str | bytes | int | float


class Link:
    """One Redis, whatever happens to it: a call after it came back just works.

    Nothing is retried here. The client's own silent retries would run a write twice after a lost reply.
    """

    def __init__(self, url: str) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        self.client: Redis = Redis.from_pool(pool)
        self.client.set_response_callback("SET", lambda answer, **_: answer)  # else it hides what SET … GET found
        self._execute: Callable[..., Awaitable[Any]] = self.client.execute_command

    async def command(self, *words: Value) -> Any:
        with failures():
            return await self._execute(*words)

    async def commands(self, commands: Sequence[Sequence[Value]]) -> list[Any]:
        """In one round trip, not as one transaction."""
        if not commands:
            return []
        with failures():
            async with self.client.pipeline(transaction=False) as pipeline:
                add: Callable[..., Any] = pipeline.execute_command
                for words in commands:
                    add(*words)
                return await pipeline.execute()

    async def script(self, name: str, keys: Sequence[str], words: Sequence[Value] = ()) -> Any:
        """Runs `scripts/<name>.lua`; all keys must share a tag."""
        text, digest = _script(name)
        rest = (len(keys), *keys, *words)
        with failures():
            try:
                return await self._execute("EVALSHA", digest, *rest)
            except NoScriptError:  # a new server, or one that was restarted; EVAL also keeps the script
                return await self._execute("EVAL", text, *rest)

    async def close(self) -> None:
        await self.client.aclose()


@contextmanager
def failures() -> Iterator[None]:
    """Turns what means "not now" into `Unavailable`."""
    try:
        yield
    except (Disconnected, TimedOut, OutOfMemoryError, ReadOnlyError, OSError) as why:
        raise Unavailable(f"Redis does not answer: {why}") from why
    except ResponseError as why:
        if str(why).startswith(AWAY):
            raise Unavailable(f"Redis cannot serve now: {why}") from why
        raise


@cache
def _script(name: str) -> tuple[str, str]:
    text = (resources.files("broker.store") / "scripts" / f"{name}.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
