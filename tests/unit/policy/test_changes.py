"""The smallest change that would alter a decision."""

import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broker.policy.changes import _narrowing, _widening, smallest_changes
from broker.policy.question import Question, width
from broker.policy.reasons import Language
from broker.policy.release import Released
from broker.trust.directory import Snapshot
from schemas.directory import Agreement

sys.path.insert(0, str(Path(__file__).parent))
import table

READER = "vn.quangninh"


def question(**row: Any) -> Question:
    """The table's default alert for the province, changed."""
    row = {**table.TABLE["defaults"], "to": [READER], **row}
    d0, d1 = table.directories(row)
    return Question(table.label(row), table.situation(row), table.ask(row), d0, d1, table.now())


def told(**row: Any) -> list[str]:
    """The changes of that row, in English."""
    return [change.told(Language.EN) for change in smallest_changes(question(**row))]


RELEASE_TO, CONSENT = f"Add {READER} to release_to.", f"The originator consents to {READER}."
AGREEMENT = "An agreement vn.mae.dyke → vn.sbv covering disaster.flood, actual, severe, TLP:GREEN, prevention."


@pytest.mark.parametrize(
    ("row", "changes"),
    [
        ({"to": ["th.police"], "tlp": "green"}, [RELEASE_TO, CONSENT]),
        ({"to": ["th.police"], "tlp": "amber+strict"}, [f"Add {READER} to `to`.", CONSENT]),
        ({"not_to": ["vn"]}, ["Take vn out of not_to."]),
        ({"not_to": ["vn", "vn.*"]}, []),
        ({"to": ["th.police"], "not_to": ["vn"]}, []),
        ({"status": "exercise"}, ["The reader asks for the status exercise."]),
        ({"tlp": "amber", "way": "read-unbound"}, ["The reader comes with a DPoP-bound token.", "Mark it TLP:GREEN."]),
        ({"tlp": "red", "way": "webhook-http"}, ["It goes by read-bound.", "Mark it TLP:GREEN."]),
        ({"tlp": "amber", "way": "webhook-http"}, ["It goes by webhook-https.", "Mark it TLP:GREEN."]),
        ({"expires": "2026-11-22T07:59:00Z"}, ["The reader reads it by its id: there it is still given, marked."]),
        ({"is": ["suspended"]}, ["The reviewer withdraws the suspension."]),
        ({"is": ["recalled"]}, []),
        ({"to": ["vn.sbv"], "for": "vn.sbv", "tlp": "green"}, [AGREEMENT]),
        ({"to": ["vn.closed"], "for": "vn.closed"}, ["vn.closed becomes active in the directory."]),
        ({"to": ["vn.closed"], "for": "vn.closed", "not_to": ["vn.closed"]}, []),
    ],
    ids=str,
)
def test_it_is_told(row: dict[str, Any], changes: list[str]) -> None:
    """Each single change that would do, from what the reader can do to what takes a new directory; else none."""
    assert told(**row) == changes


def test_what_was_released_hangs_by() -> None:
    """Of what is given whole: the selector, the agreement and the exclusion that would take it away."""
    found = told(tlp="green")
    assert f"Take {READER} out of the addressing." in found
    assert f"Add {READER} to not_to." in found
    assert any(each.startswith(f"vn.mae.dyke → {READER}") and each.endswith(" ends.") for each in found)


def test_what_two_selectors_give_hangs_by_neither() -> None:
    """A selector beside which another names the reader is no change that would do."""
    assert not [each for each in told(to=[READER, "vn.*"], tlp="green") if "out of the addressing" in each]


def test_the_least_of_degrees() -> None:
    """Of several levels that would do, the highest is told, and no other."""
    assert [each for each in told(tlp="red", way="brokered") if "TLP" in each] == ["Mark it TLP:AMBER."]


ROWS = table.rows()


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(ROWS))
def test_every_change_alters_the_outcome(row: dict[str, Any]) -> None:
    """Whatever is told would alter what release says, and whatever is tried and would not is not told."""
    d0, d1 = table.directories(row)
    asked = Question(table.label(row), table.situation(row), table.ask(row), d0, d1, table.now())
    before = width(asked.decide())
    tried = list((_narrowing if before == 2 else _widening)(asked))
    for change in smallest_changes(asked):
        others = [width(other.decide()) for each, other in tried if each == change]
        assert others
        assert all(after < before if before == 2 else after > before for after in others)


@pytest.mark.parametrize("row", ROWS, ids=[f"{n:03d} {row['why']}" for n, row in enumerate(ROWS)])
def test_a_directory_with_one_thing_otherwise(row: dict[str, Any]) -> None:
    """A snapshot that was varied decides as one that was made of a document with that change."""
    d0, d1 = table.directories(row)
    reader, issuer = row["for"], row["issuer"]
    terms = table.WORLD["agreements"]["dyke-quangninh"] | {"from": issuer, "to": reader.lstrip("@")}
    agreement = Agreement.model_validate(terms)
    document = d1.document
    made = {
        "with": (d1.with_agreement(agreement), {"agreements": (*document.agreements, agreement)}),
        "caveat": (d1.with_caveat("H1", [reader]), {"caveats": document.caveats | {"H1": (reader,)}}),
        "end": (d1.without_end(), {"expires": None}),
    }
    for between in d1.agreements(issuer, reader):
        others = tuple(each for each in document.agreements if each is not between)
        made["without"] = (d1.without_agreement(between), {"agreements": others})
    for community in document.communities:
        left = community.model_copy(update={"members": tuple(each for each in community.members if each != reader)})
        others_ = tuple(left if each is community else each for each in document.communities)
        made[community.name] = (d1.with_community(left), {"communities": others_})
    for name, (varied, changes) in made.items():
        built = Snapshot(document.model_copy(update=changes), d1.digest)
        says = [
            Question(table.label(row), table.situation(row), table.ask(row), d0, each, table.now()).decide()
            for each in (varied, built)
        ]
        assert says[0] == says[1], name


def test_an_agency_that_acts_again() -> None:
    """An agency that the directory lists as inactive is told to be what stands in the way, where that is all."""
    row = {"to": ["vn.closed"], "for": "vn.closed", "issuer": "vn.closed", "iss": "vn.closed"}
    asked = question(**row)
    assert not isinstance(asked.decide(), Released)
    assert [change.told(Language.EN) for change in smallest_changes(asked)] == [
        "vn.closed becomes active in the directory."
    ]
