"""What `broker doctor` tells: about what, how bad, what was found, and how to mend it."""

from collections.abc import Iterable, Sequence
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


MARKS = {"ok": "[green]ok[/]     ", "warning": "[yellow]warning[/]", "error": "[bold red]error[/]  "}


def show_findings(found: Iterable[Finding]) -> None:
    """To people: each on its line, and below it how to mend it."""
    from rich.console import Console
    from rich.markup import escape

    console = Console(soft_wrap=True, highlight=False)
    for each in found:
        console.print(f"{MARKS[each.grade]} {escape(each.about)}: {escape(each.found)}")
        if each.mend:
            console.print(f"        → {escape(each.mend)}")


SHOWN = 5
"""So many of one kind are named."""


def some(items: Sequence[str]) -> str:
    """The first few of them."""
    more = f" and {len(items) - SHOWN} more" if len(items) > SHOWN else ""
    return "; ".join(items[:SHOWN]) + more


def now() -> datetime:
    """The time by this machine."""
    return datetime.now(UTC)
