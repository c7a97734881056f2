"""Copies: a write counts once so many replicas have it, so that one of them may take over without losing it.

`WAIT` answers for what this connection wrote last. A script that found nothing to do wrote nothing, though what it
found may not be copied yet: so a mark is written before each `WAIT`, in the slot of the write that it stands for.
A replica with `appendfsync always` says that it has something after it fsynced it (measured on Valkey 9.1 and Redis
7.0: with fsync slowed down to 300 ms on the replica `WAIT 1` took 304 ms; with `everysec` there, 3 ms).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from broker.store.keys import PREFIX
from broker.store.words import Value, key_of, tag_of

WAIT_MS: Final = 2_000
"""Below the time-out of the connection, so that a replica that is away is told as that."""
MARK_MS: Final = 1_000
MARK: Final = "#!lua flags=allow-oom\nreturn redis.call('SET', KEYS[1], '', 'PX', ARGV[1])"


@dataclass(frozen=True, slots=True)
class Copies:
    """How many replicas must have a write; 0: its own file is enough."""

    wanted: int

    def awaiting(self, last: Sequence[Value], *, asking: bool) -> Iterable[Sequence[Value]]:
        """The commands that follow the last write of a round trip."""
        if asking:
            yield ("ASKING",)
        yield ("EVAL", MARK, 1, f"{PREFIX}:{{{tag_of(key_of(last) or '{}')}}}:mark", MARK_MS)
        yield ("WAIT", self.wanted, WAIT_MS)

    def lacking(self, said: Iterable[Any]) -> str | None:
        """What is missing, by the answers to `awaiting`; None when enough have it."""
        *_, marked, copied = said
        for answer in (marked, copied):
            if isinstance(answer, Exception):
                return f"Redis cannot tell whether it was copied: {answer}"
        return None if copied >= self.wanted else f"{copied} of {self.wanted} replicas have it"
