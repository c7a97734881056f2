"""The connection to Redis: commands and named scripts, and one place where its failures become `Unavailable`."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterDownError,
    MasterDownError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as TimedOut

from broker.ports import Unavailable

CONNECTIONS: Final = 16
TIMEOUT_S: Final = 5.0
TOGETHER: Final = 128
"""Commands in one round trip, at most."""
AWAY: Final = (Disconnected, OutOfMemoryError, ReadOnlyError, TryAgainError, ClusterDownError, MasterDownError)
AWAY_WORDS: Final = ("MISCONF", "BUSY", "NOREPLICAS")
"""Answers by which Redis says that it cannot serve now; anything else that it refuses is a fault of ours."""

Value = str | bytes | int | float


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command, and whoever waits for its answer."""

    words: Sequence[Value]
    answer: asyncio.Future[Any]

    def settle(self, said: Any) -> None:
        if self.answer.done():  # whoever asked has gone away
            return
        if isinstance(said, Exception):
            self.answer.set_exception(said)
        else:
            self.answer.set_result(said)


class Link:
    """One Redis, whatever happens to it: a call after it came back just works.

    Nothing is retried here: the client's own silent retries would run a write twice after a lost reply. Commands that
    are asked for at the same time travel together, which costs a fifth of the CPU time and most of the fsyncs.
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
        self.client.set_response_callback("SET", _as_it_is)  # else it hides what SET … GET found
        self._waiting: deque[_Asked] = deque()
        self._trip: asyncio.Task[None] | None = None

    async def command(self, *words: Value) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Asked(words, answer))
        if self._trip is None:
            self._trip = asyncio.create_task(self._travel())
        return await answer

    async def script(self, name: str, keys: Sequence[str], words: Sequence[Value] = ()) -> Any:
        """Runs `scripts/<name>.lua`; all keys must share a tag."""
        text, digest = _script(name)
        rest = (len(keys), *keys, *words)
        try:
            return await self.command("EVALSHA", digest, *rest)
        except NoScriptError:  # a new server, or one that was restarted; EVAL also keeps the script
            return await self.command("EVAL", text, *rest)

    async def close(self) -> None:
        while self._trip is not None:
            await asyncio.wait([self._trip])
        await self.client.aclose()

    async def _travel(self) -> None:
        """One round trip after another while anybody waits. Between the last look and the end nothing else runs."""
        try:
            while self._waiting:
                together = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
                answers = await self._answers([each.words for each in together])
                for each, answer in zip(together, answers, strict=True):
                    each.settle(answer)
        finally:
            self._trip = None

    async def _answers(self, commands: Sequence[Sequence[Value]]) -> Sequence[Any]:
        """For each command what Redis said, or the error. No transaction: each stands for itself."""
        try:
            async with self.client.pipeline(transaction=False) as pipeline:
                add: Callable[..., Any] = pipeline.execute_command
                for words in commands:
                    add(*words)
                answers = await pipeline.execute(raise_on_error=False)
        except (Disconnected, TimedOut, OSError) as why:
            return [Unavailable(f"Redis does not answer: {why}") for _ in commands]
        except Exception as why:  # a fault of ours: told to whoever asked, so that nobody waits for ever
            return [why for _ in commands]
        return [_ours(answer) for answer in answers]


def _as_it_is(response: Any, **_: Any) -> Any:
    return response


def _ours(answer: Any) -> Any:
    """The answer, with what means "not now" told as `Unavailable`."""
    if isinstance(answer, AWAY) or (isinstance(answer, ResponseError) and str(answer).startswith(AWAY_WORDS)):
        return Unavailable(f"Redis cannot serve now: {answer}")
    return answer


@cache
def _script(name: str) -> tuple[str, str]:
    text = (resources.files("broker.store") / "scripts" / f"{name}.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
