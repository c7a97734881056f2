"""The one table: each alert × each partner."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.box import HORIZONTALS
from rich.console import Console
from rich.table import Table
from rich.text import Text

from broker.demo.cells import NOTHING, Cell, Grid
from broker.demo.expect import Expected
from broker.demo.post import ACCEPTED, Posted
from broker.demo.world import Partner

ROOMY = 150
"""Columns of a terminal from which cells are written out."""
ACCEPTED_STATUS = 202
A_SECOND_MS = 1000
WRONG = "bold white on red"
IN_PART, WITHHELD = "in part: ", "withheld by rule "


@dataclass(frozen=True)
class Outcome:
    """All that the demo found."""

    partners: Sequence[Partner]
    posted: Sequence[Posted]
    grid: Grid
    expected: Expected
    findings: Sequence[str]
    """What is wrong beside the cells."""

    @property
    def rows(self) -> list[Posted]:
        """In the order of the table, not in that of posting."""
        return sorted(self.posted, key=lambda row: row.text.place)

    @property
    def answers(self) -> dict[str, str]:
        return {row.text.name: row.answer for row in self.posted}

    @property
    def mismatches(self) -> list[str]:
        seen = {name: {partner: cell.said for partner, cell in row.items()} for name, row in self.grid.items()}
        return self.expected.mismatches(self.answers, seen)

    @property
    def as_expected(self) -> bool:
        return not self.mismatches and not self.findings

    @property
    def cells(self) -> int:
        """How many were compared."""
        return len(self.expected.partners) * len(self.expected.cells)


def as_json(outcome: Outcome) -> dict[str, Any]:
    """The same for programs."""
    return {
        "as_expected": outcome.as_expected,
        "mismatches": outcome.mismatches,
        "findings": list(outcome.findings),
        "alerts": [_row_json(outcome, row) for row in outcome.rows],
    }


def _row_json(outcome: Outcome, row: Posted) -> dict[str, Any]:
    name = row.text.name
    wanted = outcome.expected.cells.get(name, {})
    return {
        "name": name,
        "issuer": row.text.issuer,
        "label": row.text.label,
        "alert": row.alert,
        "accepted_at": row.accepted_at,
        "answer": row.answer,
        "status": row.status,
        "answer_expected": outcome.expected.answers.get(name),
        "partners": {
            short: {"seen": cell.said, "expected": wanted.get(short), "ms": cell.ms}
            for short, cell in outcome.grid.get(name, {}).items()
        },
    }


def show(outcome: Outcome, console: Console) -> None:
    """The table, what its marks mean, and what is not as expected."""
    roomy = console.width >= ROOMY
    console.print(_table(outcome, roomy=roomy))
    console.print(_legend(roomy=roomy))
    for each in (*outcome.mismatches, *outcome.findings):
        console.print(Text(f"✗ {each}", style="bold red"))
    if outcome.as_expected:
        told = f"All {outcome.cells} cells are as expected.yaml says."
        console.print(Text(told, style="bold green"))


def _table(outcome: Outcome, *, roomy: bool) -> Table:
    table = Table(box=HORIZONTALS, pad_edge=False, padding=(0, 1 if roomy else 0, 0, 0), header_style="bold")
    table.add_column("alert", min_width=24, max_width=38)
    if roomy:
        table.add_column("the hub's answer", no_wrap=True)
    for partner in outcome.partners:
        table.add_column(Text(partner.label.replace(" ", "\n")), no_wrap=True)
    before: str | None = None
    for row in outcome.rows:
        if before not in (None, row.text.group):
            table.add_section()
        before = row.text.group
        table.add_row(*_line(outcome, row, roomy=roomy))
    return table


def _line(outcome: Outcome, row: Posted, *, roomy: bool) -> list[Text]:
    cells = [_cell(outcome, row, partner.short, roomy=roomy) for partner in outcome.partners]
    label, answer = Text(row.text.label), _answer(outcome, row)
    if roomy:
        return [label, answer, *cells]
    if row.answer != ACCEPTED or row.answer != outcome.expected.answers.get(row.text.name):
        label.append("\n  ").append_text(answer)
    return [label, *cells]


def _answer(outcome: Outcome, row: Posted) -> Text:
    wanted = outcome.expected.answers.get(row.text.name)
    text = Text(f"{row.status or '---'} {row.answer}", "green" if row.status == ACCEPTED_STATUS else "yellow")
    return text if row.answer == wanted else text.append(f"\n≠ {wanted}", WRONG)


def _cell(outcome: Outcome, row: Posted, short: str, *, roomy: bool) -> Text:
    cell, wanted = outcome.grid[row.text.name][short], outcome.expected.cells.get(row.text.name, {}).get(short)
    text = _words(cell, row, short, roomy=roomy)
    return text if cell.said == wanted else text.append(f"\n≠ {wanted}", WRONG)


def _words(cell: Cell, row: Posted, short: str, *, roomy: bool) -> Text:
    said, _, notice = cell.said.partition(" + notice ")
    when, rule = _time(cell.ms, roomy=roomy), "rule " if roomy else "r"
    if said == f"refused {row.answer}":
        text = Text("⊘", "dim yellow")
    elif said == NOTHING:
        text = Text("sends" if row.text.issuer == short and row.is_accepted else "·", "dim")
    elif said == "delivered":
        text = Text(f"✓{when}", "green")
    elif said.startswith(IN_PART):
        kept_back = said.removeprefix(IN_PART).replace("-", "−").replace(" (rule ", f"\n {rule}").replace(")", "")
        text = Text(f"◐{when}", "cyan").append(f"\n{kept_back}", "magenta")
    elif said.startswith(WITHHELD):
        text = Text(f"✗ {rule}{said.removeprefix(WITHHELD)}", "magenta")
    else:
        text = Text(said, WRONG)
    return text.append(" ✉", "blue").append(f"\n{notice}", "blue") if notice else text


def _time(ms: int | None, *, roomy: bool) -> str:
    if ms is None:
        return ""
    if ms >= A_SECOND_MS:
        return f" {ms / A_SECOND_MS:.1f} s" if roomy else f" {ms / A_SECOND_MS:.1f}s"
    return f" {ms} ms" if roomy else f" {ms}"


def _legend(*, roomy: bool) -> Text:
    rule = "rule " if roomy else "r"
    marks = (
        (f"✓{_time(9, roomy=roomy)}", "green", "delivered and verified, 9 ms after acceptance"),
        ("◐", "cyan", "in part: without what is named, by that rule"),
        (f"✗ {rule}5", "magenta", "withheld by release rule 5"),
        ("✉", "blue", "notice of what became of an alert that it was given or owed"),
        ("⊘", "dim yellow", "refused" if roomy else "refused, with the code at the left"),
        ("·", "dim", "not asked for"),
    )
    text = Text()
    for mark, style, words in marks:
        text.append(mark, style).append(f" {words}\n", "dim")
    text.rstrip()
    return text
