"""When somebody has to look again at what others were to answer."""

from collections.abc import Sequence
from typing import Protocol


class Deadlines(Protocol):
    """Alerts with the time at which they are to be looked at; each stays until it is `done`."""

    async def set(self, alert: str, at: float) -> None:
        """Durable when it returns. Said again while it stands, it changes nothing."""
        ...

    async def over(self, partition: int, now: float, limit: int) -> Sequence[str]:
        """Of that partition of the log, those whose time has come; longest ago first."""
        ...

    async def put_off(self, alert: str, at: float) -> None:
        """It is looked at again then, if it is not done."""
        ...

    async def done(self, alert: str) -> None: ...
