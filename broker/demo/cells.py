"""What became of each alert for each partner, in the words that `expected.yaml` uses.

What was delivered comes from what the partner's system wrote down; what was withheld, and by which rule, from what the
hub tells the originator (`GET /v1/decisions`). Where the two do not agree, the cell says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from broker.client import ProblemError
from broker.demo.arrivals import Arrival, Arrivals
from broker.demo.cast import Cast
from broker.demo.post import REPEATED, Posted, Posters
from broker.demo.world import Partner
from schemas.answers import DecisionTold

NOTHING = "-"
CAUSES = {"updated": "update", "cancelled": "cancel"}
"""The kind of alert that makes a notice; others are about the alert itself."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`said` as `expected.yaml` has it, and how many milliseconds after acceptance something arrived."""

    said: str
    ms: int | None = None


Grid = Mapping[str, Mapping[str, Cell]]
"""By the alert's name, then by the partner's short name."""


async def observe(cast: Cast, posters: Posters, posted: Sequence[Posted]) -> Grid:
    """Every cell."""
    arrivals = Arrivals.read(system.arrivals for system in cast.systems)
    observer = _Observer(arrivals, {row.alert: row for row in posted if row.is_accepted})
    grid: dict[str, dict[str, Cell]] = {}
    for row in posted:
        decisions = await _decisions(cast, posters, row)
        grid[row.text.name] = {
            partner.short: observer.cell(row, partner, decisions.get(partner.short)) for partner in cast.world.partners
        }
    return grid


async def _decisions(cast: Cast, posters: Posters, row: Posted) -> Mapping[str, DecisionTold]:
    """The last one for each partner, by short name: what the hub tells the originator."""
    if not row.is_accepted:
        return {}
    whose = {subscription: short for short, subscription in cast.subscriptions.items()}
    try:
        told = (await posters.client(row.text.issuer).decisions(row.alert)).decisions
    except ProblemError:
        return {}
    return {whose[each.subscription]: each for each in told if each.subscription in whose}


@dataclass(frozen=True, slots=True)
class _Observer:
    arrivals: Arrivals
    accepted: Mapping[str, Posted]
    """By id."""

    def cell(self, row: Posted, partner: Partner, decision: DecisionTold | None) -> Cell:
        came = [each for each in self.arrivals.of(partner.id) if each.statement == row.statement]
        if row.answer == REPEATED:
            return Cell("delivered again") if len(came) > 1 else Cell(NOTHING)
        if not row.is_accepted:
            return Cell(f"refused {row.answer}{', yet it arrived' if came else ''}")
        said, ms = self._given(row, came, decision)
        notices = [each for each in self.arrivals.of(partner.id) if each.notice and self._cause(each) == row.alert]
        if not notices:
            return Cell(said, ms)
        words = ", ".join(f"notice {each.notice}" for each in notices)
        return Cell(f"{said} + {words}", _after(row, notices[0]) if ms is None else ms)

    def _given(self, row: Posted, came: list[Arrival], decision: DecisionTold | None) -> tuple[str, int | None]:
        decided = NOTHING if decision is None else _decided(decision)
        if not came:
            return (decided if decided == NOTHING or decided.startswith("withheld") else f"lost, {decided}"), None
        kept_back = came[0].kept_back
        got = "in part" if kept_back else "delivered"
        if not decided.startswith(got) or any(f"-{part} " not in decided for part in kept_back):
            return f"{got}, though {decided}", _after(row, came[0])
        return (decided if len(came) == 1 else f"{decided} {len(came)} times"), _after(row, came[0])

    def _cause(self, notice: Arrival) -> str | None:
        """The alert whose row tells of the notice: the one that changed what it is about, or that one itself."""
        about, kind = self.accepted.get(notice.about or ""), CAUSES.get(notice.notice or "")
        for row in self.accepted.values():
            event = row.text.event
            if about is not None and event["kind"] == kind and about.text.name in event["references"]:
                return row.alert
        return notice.about


def _decided(decision: DecisionTold) -> str:
    """`delivered`, `in part: -photo (rule 6)`, `withheld by rule 5`."""
    if decision.outcome == "whole":
        return "delivered"
    if decision.outcome == "part":
        [fifteenth] = [rule for rule in decision.rules if rule.rule == 15]
        kept_back = fifteenth.looked_at.get("withheld", {})
        return "in part: " + ", ".join(f"-{part} (rule {rule})" for part, rule in sorted(kept_back.items()))
    first = next((rule.rule for rule in decision.rules if rule.said == "fail"), None)
    return f"withheld by rule {first}"


def _after(row: Posted, arrival: Arrival) -> int | None:
    if row.accepted_at is None:
        return None
    return arrival.at_ms - round(datetime.fromisoformat(row.accepted_at).timestamp() * 1000)
