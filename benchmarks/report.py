"""Rows of `build/bench.json`, and how they are made: medians over alternating rounds."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

OUT = Path("build/bench.json")


@dataclass(frozen=True)
class Row:
    """`ratio` is the median of ours/floor, round by round; `spread` its lowest and highest."""

    name: str
    ours: float
    floor: float
    ratio: float
    unit: str
    runs: int
    spread: tuple[float, float]


def row(name: str, unit: str, ours: Sequence[float], floor: Sequence[float]) -> Row:
    """From the rates of each round, in which ours and the floor ran one after the other."""
    ratios = [mine / theirs for mine, theirs in zip(ours, floor, strict=True)]
    return Row(
        name=name,
        ours=round(statistics.median(ours), 1),
        floor=round(statistics.median(floor), 1),
        ratio=round(statistics.median(ratios), 3),
        unit=unit,
        runs=len(ratios),
        spread=(round(min(ratios), 3), round(max(ratios), 3)),
    )


def _before(machine: dict[str, Any]) -> list[dict[str, Any]]:
    """The rows of earlier runs on this machine: instruments are also run one by one."""
    told = json.loads(OUT.read_text()) if OUT.is_file() else {}
    return told["rows"] if told.get("machine") == machine else []


def write(rows: Sequence[Row]) -> None:
    OUT.parent.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "cpus": os.cpu_count(), "machine": platform.machine()}
    made = {each.name: asdict(each) for each in rows}
    others = [each for each in _before(machine) if each["name"] not in made]
    OUT.write_text(json.dumps({"machine": machine, "rows": [*others, *made.values()]}, indent=1) + "\n")
    for each in rows:
        print(
            f"{each.name:16} ours {each.ours:9.1f}  floor {each.floor:9.1f} {each.unit}  "
            f"ratio {each.ratio:.3f} ({each.spread[0]:.3f}-{each.spread[1]:.3f}, {each.runs} rounds)"
        )
