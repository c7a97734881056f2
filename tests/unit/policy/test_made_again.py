"""A decision is kept as what it was made from, and follows from that again."""

import sys
from pathlib import Path
from typing import Any

import pytest

from broker.judgement import Judgement, read_inputs
from broker.policy.release import release
from schemas.base import instant

sys.path.insert(0, str(Path(__file__).parent))
import table

ROWS = table.rows()


@pytest.mark.parametrize("row", ROWS, ids=[f"{n:03d} {row['why']}" for n, row in enumerate(ROWS)])
def test_row_is_made_again(row: dict[str, Any]) -> None:
    """From what is kept of a decision, and the directories of then, every rule says the same again."""
    label, situation, ask, (d0, d1) = table.label(row), table.situation(row), table.ask(row), table.directories(row)
    made = release(label, situation, ask, d0, d1, table.now())
    kept = Judgement(label, made, ask, situation, d1.digest, table.now()).kept()
    inputs = read_inputs(kept.inputs)
    assert len(kept.inputs) < 400
    ask_again = inputs.ask(kept.agency, kept.subscription)
    again = release(label, inputs.situation(situation.derived), ask_again, d0, d1, instant(kept.at))
    assert again == made
