"""The hub's time, as it is told: RFC 3339 in UTC with milliseconds."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Gives the time now, in UTC. The stages take it as an argument; only wiring knows the real one."""


def system_clock() -> datetime:
    """The real time."""
    return datetime.now(UTC)


def told(moment: datetime) -> str:
    """`2026-11-22T01:00:00.000Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
