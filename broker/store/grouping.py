"""Group commit: what many ask at once is written in one go, so that all share one fsync."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from broker.errors import Refused
from broker.ports.failures import Unavailable

GROUP: Final = 64
GROUP_BYTES: Final = 4 * 2**20
WAITING: Final = 1_024
WAITING_BYTES: Final = 64 * 2**20

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Record:
    """One alert, ready to be written."""

    alert: str
    text: bytes


@dataclass(frozen=True, slots=True)
class _Waiting(Generic[Answer]):
    record: Record
    answer: asyncio.Future[Answer]


class Grouping(Generic[Answer]):
    """Writes records in the order in which they came, one group under way at a time."""

    def __init__(self, write: Callable[[Sequence[Record]], Awaitable[Sequence[Answer]]]) -> None:
        self._write = write
        self._waiting: deque[_Waiting[Answer]] = deque()
        self._bytes = 0
        self._writer: asyncio.Task[None] | None = None

    async def add(self, record: Record) -> Answer:
        """The answer of the group's write; `Refused` with `busy` at once when too many wait."""
        if len(self._waiting) >= WAITING or self._bytes >= WAITING_BYTES:
            raise Refused("busy", "The hub has more to write than it can; send the same bytes again.", retry_after=1)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(record, answer))
        self._bytes += len(record.text)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_all())
        return await answer

    async def finish(self) -> None:
        """Returns when nothing waits any more."""
        while self._writer is not None:
            await asyncio.wait([self._writer])

    async def _write_all(self) -> None:
        try:
            while group := self._next_group():
                await self._write_one(group)
        finally:
            self._writer = None

    async def _write_one(self, group: Sequence[_Waiting[Answer]]) -> None:
        try:
            answers = await self._write([waiting.record for waiting in group])
        except BaseException as why:
            # a store that is away fails every group alike: who waits behind this one is told now, not a timeout later
            for waiting in [*group, *self._everybody()] if isinstance(why, Unavailable) else group:
                if not waiting.answer.done():
                    waiting.answer.set_exception(why if isinstance(why, Exception) else asyncio.CancelledError())
            if not isinstance(why, Exception):
                raise
            return
        for waiting, answer in zip(group, answers, strict=True):
            if not waiting.answer.done():
                waiting.answer.set_result(answer)

    def _everybody(self) -> list[_Waiting[Answer]]:
        waiting, self._bytes = list(self._waiting), 0
        self._waiting.clear()
        return waiting

    def _next_group(self) -> list[_Waiting[Answer]]:
        group: list[_Waiting[Answer]] = []
        size = 0
        while self._waiting and len(group) < GROUP:
            size += len(self._waiting[0].record.text)
            if group and size > GROUP_BYTES:
                break
            waiting = self._waiting.popleft()
            self._bytes -= len(waiting.record.text)
            if not waiting.answer.done():  # its poster has gone away
                group.append(waiting)
        return group
