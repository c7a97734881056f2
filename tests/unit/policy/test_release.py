"""What the truth table does not write down row by row: members of agreements, dates, and words of a decision."""

from typing import Any

import pytest

from broker.policy.release import Decision, Released, Withheld, release
from schemas.terms import Onward
from tests.unit.policy import table

READER = "vn.quangninh"


def decide(world: dict[str, Any] | None = None, **row: Any) -> Decision:
    """The table's default alert for the province, changed, under the world of now, changed."""
    row = {**table.TABLE["defaults"], "to": [READER], **row}
    d0, d1 = table.directories(row)
    if world:
        document = d1.document.model_dump(mode="json", by_alias=True, exclude_none=True)
        merged = table.merged(document, world)
        d1 = type(d1)(type(d1.document).model_validate(merged), "sha256:" + "1" * 64)
    return release(table.label(row), table.situation(row), table.ask(row), d0, d1, table.now())


def agreement(**changes: Any) -> dict[str, Any]:
    """A directory whose one agreement is that of the dyke agency with the province, changed."""
    stated = {**table.WORLD["agreements"]["dyke-quangninh"], **changes}
    return {"agreements": [stated], "communities": []}


@pytest.mark.parametrize("laxest", Onward)
@pytest.mark.parametrize("stated", Onward)
def test_the_laxest_onward_of_an_agreement(laxest: Onward, stated: Onward) -> None:
    """An agreement that names the laxest third-party rule covers that one and the stricter ones, by rule 8."""
    order = list(Onward)
    decision = decide(agreement(onward=laxest), onward=stated, tlp="green")
    if order.index(stated) >= order.index(laxest):
        assert isinstance(decision, Released)
    else:
        assert isinstance(decision, Withheld)
        assert decision.by_rule == 8


def test_conditions_are_those_of_the_agreements_it_goes_under() -> None:
    """The reader is told the conditions of the agreements that share a purpose, each once, and of no others."""
    base = table.WORLD["agreements"]["dyke-quangninh"]
    world = {
        "agreements": [
            {**base, "purposes": ["prevention"], "conditions": ["Return on request", "Not for the press"]},
            {**base, "purposes": ["prevention"], "conditions": ["Not for the press"]},
            {**base, "purposes": ["prosecution"], "conditions": ["No use for capital punishment"]},
        ],
        "communities": [],
    }
    decision = decide(world, purposes=["prevention"])
    assert isinstance(decision, Released)
    assert decision.conditions == ("Return on request", "Not for the press")


@pytest.mark.parametrize(
    ("dates", "active"),
    [
        ({"valid_from": "2026-11-22T08:00:00Z"}, True),
        ({"valid_from": "2026-11-22T08:00:01Z"}, False),
        ({"valid_until": "2026-11-22T08:00:01Z"}, True),
        ({"valid_until": "2026-11-22T08:00:00Z"}, False),
    ],
    ids=str,
)
def test_dates(dates: dict[str, str], active: bool) -> None:
    """An agency, and an agreement, holds from the moment it begins, and no longer at the moment it ends."""
    document = table.directory(None).document.model_dump(mode="json", by_alias=True, exclude_none=True)
    agencies = [each | dates if each["id"] == READER else each for each in document["agencies"]]
    for world, rule in (({"agencies": agencies}, 1), (agreement(**dates), 8)):
        decision = decide(world)
        assert isinstance(decision, Released) is active
        assert isinstance(decision, Released) or decision.by_rule == rule
