"""What an agency sees of the directory: what concerns it, and no trace of the rest."""

from typing import Any

import pytest

from broker.policy.concerning import concerning, sees_all
from broker.trust.directory import Snapshot
from broker.trust.folder import snapshot_of
from tests.unit import making
from tests.unit.making import DYKE, HUB, PARENT, POLICE, PROVINCE, REVIEWER
from tests.unit.registering import document

TERMS = {
    "domains": ["disaster"],
    "statuses": ["actual"],
    "tlps": ["green"],
    "severity": "extreme",
    "personal": ["none"],
    "purposes": ["prevention"],
}


def _agreement(from_: str, to: str) -> dict[str, Any]:
    return {"from": from_, "to": to, **TERMS}


@pytest.fixture(scope="module")
def whole() -> Snapshot:
    """Agreements, communities and delegations, of which each agency is in some."""
    community = {"members": [DYKE, PROVINCE], "tiers": ["state"], "charter": TERMS}
    return snapshot_of(
        document(
            1,
            agreements=[_agreement(DYKE, POLICE), _agreement(PARENT, REVIEWER)],
            communities=[{"name": "@vn.flood", **community}, {"name": "@vn.other", **community, "members": [PARENT]}],
            caveats={"H1": [POLICE, "vn.mae.*"], "H2": [REVIEWER]},
        )
    )


def test_one_sees_itself_and_its_own(whole: Snapshot) -> None:
    """Its own entry whole, its agreements of either direction, its communities, delegations, caveats that allow it."""
    seen = concerning(whole, DYKE)
    assert {each.id: bool(each.keys) for each in seen.agencies} == {
        DYKE: True,
        HUB: False,
        POLICE: False,
        PROVINCE: False,
    }
    assert [(each.from_, each.to) for each in seen.agreements] == [(DYKE, POLICE)]
    assert [each.name for each in seen.communities] == ["@vn.flood"]
    assert len(seen.delegations) == 1
    assert seen.caveats == {"H1": ("vn.mae.*",)}
    assert concerning(whole, POLICE).agreements == seen.agreements


@pytest.mark.parametrize("agency", [DYKE, POLICE, PROVINCE, "vn.idle"])
def test_of_all_else_there_is_no_trace(whole: Snapshot, agency: str) -> None:
    """No id of an agency with which it shares nothing, no mandate and no key but its own, no other agreement."""
    text = concerning(whole, agency).model_dump_json(by_alias=True, exclude_none=True)
    shared = {
        end
        for each in (*whole.document.agreements, *whole.document.delegations)
        for end in (each.from_, each.to)
        if agency in (each.from_, each.to)
    }
    shared |= {member for each in whole.document.communities if agency in each.members for member in each.members}
    for other in whole.document.agencies:
        if other.id not in shared | {agency, HUB}:
            assert f'"{other.id}"' not in text
        if other.id != agency:
            assert not [key.kid for key in other.keys if key.kid in text]


def test_adding_an_agreement_of_others_changes_nothing_for_one(whole: Snapshot) -> None:
    """What two others agree leaves what a third one sees the same, byte for byte."""
    more = snapshot_of(
        {
            **whole.document.model_dump(mode="json", by_alias=True, exclude_none=True),
            "agreements": [
                *(each.model_dump(mode="json", by_alias=True, exclude_none=True) for each in whole.document.agreements),
                _agreement(PARENT, POLICE),
            ],
        }
    )
    assert concerning(more, DYKE) == concerning(whole, DYKE)
    assert concerning(more, POLICE) != concerning(whole, POLICE)


def test_registrars_see_all(whole: Snapshot) -> None:
    """Who holds a key that may sign the next version, and nobody who holds another of that use."""
    assert {agency for agency in making.MANDATES if sees_all(whole, agency)} == {PARENT, PROVINCE, POLICE}
