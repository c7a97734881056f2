"""What was heard a moment ago: the same alert is given to many.

Nothing here decides alone: that an alert still stands as it did is found out when the giving is noted.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Final

from broker.judge import Hearing
from broker.trust.directory import Snapshot

Hear = Callable[[str], Coroutine[None, None, Hearing | None]]

KEPT_S: Final = 2.0
ALERTS: Final = 256
LARGEST: Final = 65_536
"""Characters of an alert that is remembered: together they stay below 16 MiB."""


@dataclass
class Recent:
    """Of one process."""

    seconds: Callable[[], float] = time.monotonic
    _alerts: OrderedDict[str, tuple[float, Hearing]] = field(default_factory=OrderedDict)
    _asked: dict[str, asyncio.Future[Hearing | None]] = field(default_factory=dict)
    """What is being read."""

    async def hearing(self, alert: str, directory: Snapshot, hear: Hear) -> tuple[Hearing | None, bool]:
        """As it was read at most two seconds ago, under the directory of now; else as it is read now, once for all who
        ask meanwhile. None when there is no such alert. And whether it was read for this asker, so after it asked.
        """
        at, hearing = self._alerts.get(alert, (0.0, None))
        if hearing is not None and hearing.d1 is directory and self.seconds() - at <= KEPT_S:
            return hearing, False
        first = alert not in self._asked
        if first:
            asked = self._asked[alert] = asyncio.ensure_future(hear(alert))
            asked.add_done_callback(lambda done: self._heard(alert, done))
        return await asyncio.shield(self._asked[alert]), first

    def _heard(self, alert: str, done: asyncio.Future[Hearing | None]) -> None:
        del self._asked[alert]
        if not done.cancelled() and done.exception() is None and (hearing := done.result()) is not None:
            self.keep(hearing)

    def keep(self, hearing: Hearing) -> None:
        """Unless it rests on other alerts, whose standing nobody would notice to change; or is large."""
        label = hearing.label
        if label.references or hearing.derived or _length(hearing) > LARGEST:
            return
        self._alerts[label.id] = self.seconds(), hearing
        self._alerts.move_to_end(label.id)
        if len(self._alerts) > ALERTS:
            self._alerts.popitem(last=False)

    def forget(self, alert: str) -> None:
        self._alerts.pop(alert, None)


def _length(hearing: Hearing) -> int:
    alert = hearing.alert
    return len(alert.statement) + sum(len(part.data) for part in alert.parts.values())
