"""Compares what was seen with what was written down beforehand. Knows nothing of the broker: words against words."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

EXPECTED = Path(__file__).with_name("expected.yaml")
NOTHING = "-"


@dataclass(frozen=True)
class Expected:
    """What stands in the file, cell by cell."""

    partners: tuple[str, ...]
    answers: Mapping[str, str]
    cells: Mapping[str, Mapping[str, str]]

    @classmethod
    def read(cls, path: Path) -> "Expected":
        """A partner that a row leaves out gets nothing; of a refused alert nobody gets anything but the refusal."""
        value = yaml.safe_load(path.read_text("utf-8"))
        partners = tuple(value["partners"])
        answers = {name: row["answer"] for name, row in value["alerts"].items()}
        cells = {name: _cells(row, partners) for name, row in value["alerts"].items()}
        return cls(partners, answers, cells)

    def mismatches(self, answers: Mapping[str, str], seen: Mapping[str, Mapping[str, str]]) -> list[str]:
        """Every answer and every cell that is not as written, and every one that is only on one side."""
        found: list[str] = []
        for name in sorted(answers.keys() | self.answers.keys()):
            found += _difference(f"{name}: answer", self.answers.get(name), answers.get(name))
            for partner in sorted({*self.partners, *seen.get(name, {})}):
                wanted, got = self.cells.get(name, {}).get(partner), seen.get(name, {}).get(partner)
                found += _difference(f"{name}: {partner}", wanted, got)
        return found


def _cells(row: Mapping[str, object], partners: tuple[str, ...]) -> dict[str, str]:
    stated = row.get("partners", {})
    if not isinstance(stated, dict) or not stated.keys() <= set(partners):
        raise ValueError(f"partners of a row: a map of {', '.join(partners)}")
    otherwise = NOTHING if row["answer"] in ("accepted", "repeated") else f"refused {row['answer']}"
    return {partner: str(stated.get(partner, otherwise)) for partner in partners}


def _difference(where: str, wanted: str | None, got: str | None) -> list[str]:
    return [] if wanted == got else [f"{where}: expected {wanted}, and it was {got}"]
