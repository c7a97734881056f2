"""A decision as it is told, whole and to a subscriber."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from broker.explaining import Telling, tell
from broker.judgement import Judgement
from broker.policy.question import Question
from broker.policy.reasons import REASONS, Language
from schemas.answers import DecisionTold

sys.path.insert(0, str(Path(__file__).parent / "policy"))
import table

ROWS = table.rows()


def _told(row: dict[str, Any], telling: Telling) -> dict[str, Any]:
    d0, d1 = table.directories({**table.TABLE["defaults"], **row})
    row = {**table.TABLE["defaults"], **row}
    question = Question(table.label(row), table.situation(row), table.ask(row), d0, d1, table.now())
    return tell(Judgement.of(question), question, telling)


@pytest.mark.parametrize("row", ROWS, ids=[f"{n:03d} {row['why']}" for n, row in enumerate(ROWS)])
def test_it_is_as_published(row: dict[str, Any]) -> None:
    """Each decision of the truth table is told in the published shape, with codes, clauses and changes."""
    told = _told(row, Telling(addressing=True, changes=True))
    DecisionTold.model_validate(json.loads(json.dumps(told)))
    for rule in told["rules"]:
        assert rule["because"] == REASONS[rule["code"]].en
        if rule["said"] != "not-applicable":
            assert {"kind": "protocol", "name": f"§9.{rule['rule']}"}.items() <= rule["rests_on"][0].items()


@pytest.mark.parametrize("row", ROWS, ids=[f"{n:03d} {row['why']}" for n, row in enumerate(ROWS)])
def test_a_subscriber_learns_no_others(row: dict[str, Any]) -> None:
    """Told to a subscriber, a decision names no selector but those that name the reader, and no change."""
    others = ["zz.somebody", "@zz.others", "zz.*"]
    widened = row | {name: [*row.get(name, []), *others] for name in ("to", "release_to", "not_to")}
    text = json.dumps(_told(widened, Telling(addressing=False, changes=True)))
    assert "zz." not in text
    assert "changes" not in text
    assert '"agency"' not in text


def test_it_is_told_in_vietnamese() -> None:
    """Sentences and changes are in the language; codes, clauses and what was looked at are the same."""
    row = {"to": ["th.police"], "for": "vn.quangninh", "tlp": "green"}
    english = _told(row, Telling(addressing=True, changes=True))
    vietnamese = _told(row, Telling(addressing=True, language=Language.VI, changes=True))
    assert vietnamese["changes"][0]["change"] == "Thêm vn.quangninh vào release_to."
    assert vietnamese["rules"][4]["because"].startswith("Địa chỉ nhận phải nêu bên nhận")
    for one, other in zip(english["rules"], vietnamese["rules"], strict=True):
        assert one | {"because": ""} == other | {"because": ""}


def test_the_agreement_is_named() -> None:
    """Rule 8 rests on the agreements between the two, each with its legal reference, and says which do not cover it."""
    told = _told({"to": ["vn.quangninh"], "for": "vn.quangninh", "domain": "cyber.malware"}, Telling(addressing=True))
    eighth = told["rules"][7]
    assert eighth["said"] == "fail"
    named = [clause for clause in eighth["rests_on"] if clause["kind"] == "agreement"]
    assert [clause["name"] for clause in named] == ["vn.mae.dyke → vn.quangninh"] * len(named)
    assert named
    assert not any(clause["covers"] for clause in named)
