"""What would be decided, before an alert is posted."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.caller import Caller
from broker.errors import Refused
from broker.policy.asking import Ask
from broker.policy.reasons import Language
from broker.policy.release import Released
from broker.policy.ways import Way
from broker.ports.alert_log import StoredAlert
from broker.whatif import Foretelling
from schemas.answers import ForetoldDecision, WhatIfAnswer
from schemas.requests import WhatIf
from schemas.statement import ALERT_EVENT
from schemas.terms import Purpose, Status
from tests.unit import making
from tests.unit.making import DYKE, PARENT, POLICE, PROVINCE, REVIEWER
from tests.unit.stages import AGREEMENT, Stages

COMMUNITY = {
    "name": "@vn.flood",
    "members": [DYKE, PARENT, REVIEWER],
    "tiers": ["state"],
    "charter": {name: value for name, value in AGREEMENT.items() if name not in ("from", "to")},
}
NARROW = AGREEMENT | {"to": POLICE, "tlps": ["clear", "green"], "purposes": ["humanitarian"]}
WORLD: dict[str, Any] = {"agreements": [AGREEMENT, NARROW], "communities": [COMMUNITY]}
NAMES = [PROVINCE, POLICE, PARENT, REVIEWER, DYKE, "vn.*", "@vn.flood", "vn.idle", "xx.nobody"]


@pytest.fixture(scope="module")
def stages(tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """A hub with two agreements of the dyke agency's and a community."""
    return Stages(tmp_path_factory.mktemp("hub"), **WORLD)


def _event(**changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = making.claims(**changes)["events"][ALERT_EVENT]
    return event


async def foretold(stages: Stages, event: dict[str, Any], caller: str = DYKE, **more: Any) -> WhatIfAnswer:
    """The answer to the agency."""
    asked = WhatIf.model_validate({"event": event, **more})
    who = Caller(caller, "desk", frozenset({"read"}), Way.READ_BOUND)
    return await Foretelling(stages.services.reading.judge).tell(who, asked, Language.EN, stages.now)


def by_agency(answer: WhatIfAnswer) -> dict[str, ForetoldDecision]:
    """What is told of each."""
    return {each.agency: each for each in answer.agencies}


def _accepted(stages: Stages, changes: dict[str, Any]) -> StoredAlert | Refused:
    """What posting makes of the event."""
    try:
        stated = {"parts_stated": changes["parts"], **{name: changes[name] for name in changes if name != "parts"}}
        made = making.authorised(world=stages.snapshot, at=stages.now, parts={"main": b"x"}, **stated)
    except Refused as refused:
        return refused
    return StoredAlert(made.label, "")


SOME = st.lists(st.sampled_from(NAMES), max_size=4, unique=True)
TLPS = st.sampled_from(["clear", "green", "amber", "amber+strict", "red"])
PART = st.one_of(st.none(), st.fixed_dictionaries({"tlp": TLPS}), st.just({"caveats": ["H1"]}))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.fixed_dictionaries({"to": SOME, "release_to": SOME, "not_to": SOME}),
    TLPS,
    st.sampled_from(["prevention", "humanitarian", "prosecution"]),
    st.sampled_from(["actual", "exercise"]),
    PART,
)
async def test_it_is_the_decision_that_is_made(
    stages: Stages, addressing: Any, tlp: str, purpose: str, status: str, part: Any
) -> None:
    """For every agency that is told of: outcome, parts and each rule's word are those of the same alert, once posted;
    and what posting refuses is refused alike.
    """
    handling = making.HANDLING | {"tlp": tlp, "purpose": [purpose]}
    stated = making.part("main", b"x", **({} if part is None else {"handling": part}))
    changes = {"handling": handling, "addressing": addressing, "status": status, "parts": [stated]}
    accepted = _accepted(stages, changes)
    if isinstance(accepted, Refused):
        with pytest.raises(Refused) as caught:
            await foretold(stages, _event(**changes))
        assert (caught.value.code, caught.value.faults) == (accepted.code, accepted.faults)
        return
    answer = await foretold(stages, _event(**changes), agencies=NAMES[:5])
    assert {PROVINCE, POLICE, PARENT, REVIEWER, DYKE} <= by_agency(answer).keys()
    for agency, told in by_agency(answer).items():
        ask = Ask(agency, None, (Status(status),), tuple(Purpose), Way.READ_BOUND, delivering=True)
        decision = await stages.services.reading.judge.decide(accepted, ask, stages.now)
        parts = decision.decision.parts if isinstance(decision.decision, Released) else ()
        assert (told.outcome, told.parts) == (decision.outcome, parts)
        assert [(rule.rule, rule.said) for rule in told.rules] == [
            (rule.rule, rule.said) for rule in decision.decision.rules
        ]


async def test_who_has_no_terms_with_the_poster_is_not_told_of(stages: Stages) -> None:
    """An agency of the directory without terms with the poster, and one that does not exist, look alike."""
    answer = await foretold(stages, _event(addressing={"to": [PROVINCE, "vn.idle", "xx.nobody"]}))
    assert answer.not_told == ("vn.idle", "xx.nobody")
    assert by_agency(answer).keys() == {PROVINCE}


async def test_whom_selectors_match_is_told_of(stages: Stages) -> None:
    """Members of the poster's communities and its partners, as far as a selector matches them; nobody else."""
    answer = await foretold(stages, _event(addressing={"to": ["@vn.flood"], "release_to": ["vn.*"]}))
    assert by_agency(answer).keys() == {PARENT, REVIEWER, DYKE, PROVINCE}
    stranger = await foretold(
        stages, _event(addressing={"to": ["@vn.flood"]}, areas=[{"iso": "VN-13"}], domain="disaster.flood"), PROVINCE
    )
    assert by_agency(stranger).keys() == set()


async def test_the_addressing_may_be_hidden(stages: Stages) -> None:
    """Where it goes into a part, it stands beside the event, and only there."""
    part = making.part("addressing", b"{}", "application/vnd.interagency.addressing+json")
    hidden = _event(addressing=..., parts=[part])
    answer = await foretold(stages, hidden, addressing={"to": [PROVINCE]})
    assert by_agency(answer)[PROVINCE].outcome == "whole"
    for event, more in ((hidden, {}), (_event(), {"addressing": {"to": [PROVINCE]}})):
        with pytest.raises(Refused) as caught:
            await foretold(stages, event, **more)
        assert caught.value.code == "invalid-request"


async def test_stated_purposes_are_asked_for(stages: Stages) -> None:
    """With purposes that are stated, an agency that would ask for these alone is decided on."""
    event = _event()
    assert by_agency(await foretold(stages, event, purposes=["prevention"]))[PROVINCE].outcome == "whole"
    assert by_agency(await foretold(stages, event, purposes=["prosecution"]))[PROVINCE].outcome == "withheld"


async def test_sources_of_others_are_not_told_of(stages: Stages) -> None:
    """What an alert derives from counts as unknown unless the poster was given it: nobody finds out what there is."""
    source = making.label(
        making.id_of(PARENT, 7), iss=PARENT, issuer=PARENT, handling=making.HANDLING | {"onward": "free"}
    )
    await stages.accepted(source)
    event = _event(handling=making.HANDLING | {"derived_from": [source.id]})
    assert by_agency(await foretold(stages, event))[PROVINCE].outcome == "withheld"
    own = _event(
        domain="disaster.flood", handling=making.HANDLING | {"derived_from": [source.id]}, addressing={"to": [DYKE]}
    )
    assert by_agency(await foretold(stages, own, PARENT)).keys() == {DYKE}
    assert by_agency(await foretold(stages, own, PARENT))[DYKE].outcome == "whole"


async def test_nothing_is_kept(stages: Stages) -> None:
    """After it the log holds nothing more, and no decision was noted."""
    before = await stages.store.log.tails()
    await foretold(stages, _event(), changes=True)
    assert await stages.store.log.tails() == before


async def test_what_needs_two_officers_is_foretold_as_approved(tmp_path: Path) -> None:
    """Nobody has signed it, so no officer is asked for; it is told who will get it once a second one approves."""
    stages = Stages(tmp_path, **WORLD, profiles={"disaster": {"approval": True}})
    told = by_agency(await foretold(stages, _event(addressing={"to": [PROVINCE]})))
    assert told[PROVINCE].outcome == "whole"


async def test_what_waits_at_another_is_not_known(tmp_path: Path) -> None:
    """An agency with an override is told of it what it is told of what never was."""
    stages, waiting = Stages(tmp_path, **WORLD), making.label(making.id_of(DYKE, 1), awaits_approval=True)
    await stages.accepted(waiting)
    refused = []
    for id_ in (waiting.id, making.id_of(DYKE, 77)):
        with pytest.raises(Refused) as said:
            await foretold(stages, {"kind": "cancel", "status": "actual", "references": [id_]}, PARENT)
        refused.append((said.value.code, said.value.faults))
    assert refused[0] == refused[1]
    assert refused[0][0] == "outside-mandate"
