"""What the partner systems wrote down, as the demo reads it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Arrival:
    """One delivery. Of a notice, `notice` says what became of the alert `about`."""

    agency: str
    at_ms: int
    id: str
    position: int
    delivery: str
    statement: str | None = None
    kept_back: tuple[str, ...] = ()
    notice: str | None = None
    about: str | None = None


@dataclass(frozen=True, slots=True)
class Arrivals:
    """By agency; a repeat, which its delivery id tells, is not counted twice."""

    by_agency: Mapping[str, list[Arrival]]
    doubtful: tuple[str, ...]
    """What came and could not be trusted."""

    @classmethod
    def read(cls, files: Iterable[Path]) -> "Arrivals":
        """A line that is only half written is left for the next time."""
        by_agency: dict[str, dict[str, Arrival]] = defaultdict(dict)
        doubtful: list[str] = []
        for line in _lines(files):
            if line.pop("verified"):
                arrival = Arrival(**{**line, "kept_back": tuple(line.get("kept_back", ()))})
                by_agency[arrival.agency].setdefault(arrival.delivery, arrival)
            else:
                doubtful.append(f"{line['agency']}: {line['why']}")
        return cls({agency: list(found.values()) for agency, found in by_agency.items()}, tuple(doubtful))

    def of(self, agency: str) -> list[Arrival]:
        return self.by_agency.get(agency, [])


def _lines(files: Iterable[Path]) -> Iterable[dict[str, Any]]:
    for path in files:
        for line in path.read_text("utf-8").splitlines(keepends=True):
            if line.endswith("\n"):
                yield json.loads(line)
