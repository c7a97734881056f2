"""One server: commands asked for together travel together, and one place where its failures become `Unavailable`."""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import hiredis
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.connection import AbstractConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    BusyLoadingError,
    ClusterDownError,
    MasterDownError,
    OutOfMemoryError,
    ReadOnlyError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as Disconnected
from redis.exceptions import TimeoutError as TimedOut

from broker.ports.failures import Full, Unavailable
from broker.store.copies import Copies
from broker.store.words import Value, writes

CONNECTIONS: Final = 16
TIMEOUT_S: Final = 5.0
TOGETHER: Final = 128
"""Commands in one round trip, at most."""
MOVING: Final = (BusyLoadingError, ReadOnlyError, ClusterDownError, MasterDownError)
"""Answers by which a server says that it is not, or not yet, the one to ask."""
AWAY: Final = (Disconnected, TryAgainError, *MOVING)
AWAY_WORDS: Final = ("MISCONF", "BUSY", "NOREPLICAS")
"""Answers by which Redis says that it cannot serve now; anything else that it refuses is a fault of ours."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A command, and whoever waits for its answer; `asking` where a cluster sent it to a slot that is on its way."""

    words: Sequence[Value]
    answer: asyncio.Future[Any]
    asking: bool

    def settle(self, said: Any) -> None:
        if self.answer.done():  # whoever asked has gone away
            return
        if isinstance(said, Exception):
            self.answer.set_exception(said)
        else:
            self.answer.set_result(said)


class Node:
    """One Redis, whatever happens to it: a call after it came back just works.

    Nothing is retried here: the client's own silent retries would run a write twice after a lost reply. Commands that
    are asked for at the same time travel together, which costs a fifth of the CPU time and most of the fsyncs.
    `on_loss` is called when it does not answer, or says that another serves.
    """

    def __init__(self, url: str, copies: Copies, on_loss: Callable[[], None]) -> None:
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=CONNECTIONS,
            timeout=TIMEOUT_S,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),
            decode_responses=True,
        )
        pool.connection_class = _packing(pool.connection_class)
        self.client: Redis = Redis.from_pool(pool)
        self.client.set_response_callback("SET", _as_it_is)  # else it hides what SET … GET found
        self._copies = copies
        self._on_loss = on_loss
        self._waiting: deque[_Asked] = deque()
        self._trip: asyncio.Task[None] | None = None

    async def ask(self, words: Sequence[Value], *, asking: bool = False) -> Any:
        """What it said; `Unavailable`, or the error that it answered with."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Asked(words, answer, asking))
        if self._trip is None:
            self._trip = asyncio.create_task(self._travel())
        return await answer

    async def close(self) -> None:
        """After what was asked has its answers."""
        while self._trip is not None:
            await asyncio.wait([self._trip])
        await self.client.aclose()

    async def _travel(self) -> None:
        """One round trip after another while anybody waits. Between the last look and the end nothing else runs."""
        try:
            while self._waiting:
                together = [self._waiting.popleft() for _ in range(min(TOGETHER, len(self._waiting)))]
                answers = await self._answers(together)
                for each, answer in zip(together, answers, strict=True):
                    each.settle(answer)
        finally:
            self._trip = None

    async def _answers(self, together: Sequence[_Asked]) -> Sequence[Any]:
        """For each command what Redis said, or the error."""
        try:
            answers = await self._round_trip(together)
        except (Disconnected, TimedOut, OSError) as why:
            self._on_loss()
            return [Unavailable(f"Redis does not answer: {why}") for _ in together]
        except Exception as why:  # a fault of ours: told to whoever asked, so that nobody waits for ever
            return [why for _ in together]
        if any(isinstance(answer, MOVING) for answer in answers):
            self._on_loss()
        return [_ours(answer) for answer in answers]

    async def _round_trip(self, together: Sequence[_Asked]) -> Sequence[Any]:
        """No transaction: each stands for itself. Where copies are asked for, every write waits for them at the end."""
        written = [writes(each.words) for each in together]
        last = next((each for each, wrote in zip(reversed(together), reversed(written), strict=True) if wrote), None)
        async with self.client.pipeline(transaction=False) as pipeline:
            add: Callable[..., Any] = pipeline.execute_command
            for each in together:
                if each.asking:
                    add("ASKING")
                add(*each.words)
            if self._copies.wanted and last is not None:
                for words in self._copies.awaiting(last.words, asking=last.asking):
                    add(*words)
            said = deque(await pipeline.execute(raise_on_error=False))
        answers = []
        for each in together:
            if each.asking:
                said.popleft()
            answers.append(said.popleft())
        lacking = self._copies.lacking(said) if said else None
        if lacking is None:
            return answers
        return [
            Unavailable(lacking) if wrote and not isinstance(answer, Exception) else answer
            for answer, wrote in zip(answers, written, strict=True)
        ]


def _packing(plain: type[AbstractConnection]) -> type[AbstractConnection]:
    """A connection whose commands are packed by hiredis, as those of redis-py's other client are: its own way took a
    twentieth of a courier's time.
    """

    class Packing(plain):  # type: ignore[valid-type, misc]  # a base chosen by the URL
        def pack_command(self, *words: Value) -> list[bytes]:
            return [hiredis.pack_command(words)]  # type: ignore[arg-type]  # any number of words, whatever its stub says

    return Packing


def _as_it_is(response: Any, **_: Any) -> Any:
    return response


def _ours(answer: Any) -> Any:
    """The answer, with what means "not now" told as `Unavailable`."""
    if isinstance(answer, OutOfMemoryError):
        return Full("memory", f"Redis cannot serve now: {answer}")
    if isinstance(answer, AWAY) or (isinstance(answer, ResponseError) and str(answer).startswith(AWAY_WORDS)):
        return Unavailable(f"Redis cannot serve now: {answer}")
    return answer
