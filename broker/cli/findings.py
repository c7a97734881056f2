"""What `broker doctor` tells: about what, how bad, what was found, and how to mend it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

SOON = timedelta(days=30)
"""What ends this soon is told before it ends."""


class Grade(StrEnum):
    """How bad it is; an error keeps the hub from working, or from keeping its promises."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing; `mend` is empty where nothing is wrong."""

    about: str
    grade: Grade
    found: str
    mend: str = ""


def now() -> datetime:
    """The time by this machine."""
    return datetime.now(UTC)
