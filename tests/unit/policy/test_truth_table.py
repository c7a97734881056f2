"""The code agrees with the table that was written by hand before it."""

from typing import Any

import pytest

from broker.policy.release import Released, release
from tests.unit.policy import table

ROWS = table.rows()


@pytest.mark.parametrize("row", ROWS, ids=[f"{n:03d} {row['why']}" for n, row in enumerate(ROWS)])
def test_row(row: dict[str, Any]) -> None:
    """Outcome, deciding rule, marks, conditions and what stays owed are as the row says."""
    d0, d1 = table.directories(row)
    decision = release(table.label(row), table.situation(row), table.ask(row), d0, d1, table.now())
    said = {each.rule: each.said for each in decision.rules}
    assert list(said) == list(range(1, 16))
    if isinstance(decision, Released):
        gave: Any = "whole" if decision.whole else list(decision.parts)
        owed: Any = list(decision.owed)
        decided: Any = "none" if decision.whole else 15
        assert list(decision.marked) == row.get("marked", list(decision.marked))
        assert list(decision.conditions) == row.get("conditions", list(decision.conditions))
    else:
        gave, owed, decided = "withheld", decision.stays_owed, decision.by_rule
    assert (gave, decided) == (row["give"], row["rule"]), [each for each in decision.rules if each.said == "fail"]
    assert owed == row.get("owed", owed)
    for rule, expected in row.get("said", {}).items():
        assert said[rule] == expected, rule


def test_the_table_is_broad() -> None:
    """At least 120 rows, and each of the fifteen rules decides in some."""
    assert len(ROWS) >= 120
    assert {row["rule"] for row in ROWS} == {*range(1, 16), "none"}
