"""Asking the originator through the stages: nothing is passed on without its consent, nor once that is withdrawn."""

from datetime import timedelta
from pathlib import Path

import pytest

from broker.errors import Refused
from broker.label import Label
from schemas.answers import AskedTold, ResponseTold
from schemas.terms import Purpose
from tests.unit.making import DYKE, HANDLING, POLICE, PROVINCE, id_of, label
from tests.unit.stages import AGREEMENT, Stages, written

FIRST, ASKING = id_of(DYKE, 1), id_of(PROVINCE, 2)
ASK = {**HANDLING, "onward": "ask-originator"}


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """The dyke agency has an agreement with the province, the province one with the police abroad."""
    return Stages(tmp_path, agreements=[AGREEMENT, {**AGREEMENT, "from": PROVINCE, "to": POLICE}])


def derived(number: int) -> Label:
    """What the province makes of it, for the police."""
    handling = {**HANDLING, "derived_from": [FIRST]}
    return label(id_of(PROVINCE, number), iss=PROVINCE, issuer=PROVINCE, handling=handling, addressing={"to": [POLICE]})


def request(number: int = 2) -> Label:
    """May the police have it?"""
    stated = {"kind": "request", "wants": ["onward"], "onward_to": [POLICE], "references": [FIRST], "addressed": False}
    respond_by = "2026-11-22T02:00:00Z"
    return label(id_of(PROVINCE, number), iss=PROVINCE, issuer=PROVINCE, respond_by=respond_by, **stated)


def consent(number: int, *, granted: bool, to: str = ASKING) -> Label:
    """The originator's answer."""
    stated = {"kind": "consent", "references": [to], "granted": granted, "addressed": False, "expires": None}
    return label(id_of(DYKE, number), **stated)


async def begin(stages: Stages) -> str:
    """The subscription of the police, once the province was given the alert."""
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST, handling=ASK))
    await written(await stages.reader(id_))
    return await stages.subscribe(POLICE)


async def came(stages: Stages, subscription: str) -> list[str]:
    """What the subscription is given now."""
    return [each.alert for each in await written(await stages.reader(subscription))]


async def asked(stages: Stages) -> AskedTold:
    """What the originator is told of the one request."""
    told = await stages.services.reading.deliveries(stages.caller(DYKE), FIRST, stages.now)
    [each] = told.asked or ()
    return each


async def response(stages: Stages) -> ResponseTold | None:
    """What the requester is told of its request."""
    return (await stages.services.reading.deliveries(stages.caller(), ASKING, stages.now)).response


async def withheld_by(stages: Stages, alert: str) -> list[int]:
    """The rules that kept it from the police, as the province is told."""
    told = await stages.services.reading.decisions(stages.caller(), alert, None, POLICE)
    return [rule.rule for rule in told.decisions[-1].rules if rule.said == "fail"]


async def test_without_a_consent_nothing_is_passed_on(stages: Stages) -> None:
    """The third-party rule withholds what derives from it, also while the originator is being asked."""
    police = await begin(stages)
    await stages.accepted(derived(3), request(), derived(4))
    assert await came(stages, police) == []
    for number in (3, 4):
        assert await withheld_by(stages, id_of(PROVINCE, number)) == [14]


async def test_with_a_consent_it_is(stages: Stages) -> None:
    """The request goes to the originator, the answer to who asked, and what derives from the alert to who was named."""
    police, originator, requester = await begin(stages), await stages.subscribe(DYKE), await stages.subscribe()
    await stages.accepted(request())
    assert await came(stages, originator) == [ASKING]
    assert (await asked(stages)).state == "open"
    await stages.accepted(consent(5, granted=True))
    await stages.accepted(derived(6))
    assert await came(stages, requester) == [id_of(DYKE, 5)]
    assert await came(stages, police) == [id_of(PROVINCE, 6)]
    told = await asked(stages)
    assert (told.request, told.agency, told.onward_to, told.state) == (ASKING, PROVINCE, (POLICE,), "granted")
    assert (await response(stages)) == ResponseTold(
        respond_by="2026-11-22T02:00:00Z", state="answered", at="2026-11-22T01:00:00.000Z"
    )


async def test_a_refusal_is_an_answer(stages: Stages) -> None:
    """Nothing is passed on, and both sides are told that it was answered."""
    police = await begin(stages)
    await stages.accepted(request(), consent(5, granted=False))
    await stages.accepted(derived(6))
    assert await came(stages, police) == []
    told = await response(stages)
    assert told is not None
    assert ((await asked(stages)).state, told.state) == ("refused", "answered")


async def test_what_is_not_answered_in_time_is_told_to_both(stages: Stages) -> None:
    """From the very second on; the originator may still answer, and its answer counts."""
    police = await begin(stages)
    await stages.accepted(request())
    stages.now += timedelta(minutes=59, seconds=59)
    told = await response(stages)
    assert told is not None
    assert ((await asked(stages)).state, told.state) == ("open", "open")
    stages.now += timedelta(seconds=1)
    told = await response(stages)
    assert told is not None
    assert ((await asked(stages)).state, told.state) == ("late", "late")
    await stages.accepted(consent(5, granted=True))
    await stages.accepted(derived(6))
    assert await came(stages, police) == [id_of(PROVINCE, 6)]
    assert (await asked(stages)).at == "2026-11-22T02:00:00.000Z"


async def test_a_consent_can_be_withdrawn(stages: Stages) -> None:
    """From then on nothing more is given: neither what is accepted later, nor what was owed, nor a read."""
    police = await begin(stages)
    await stages.accepted(request(), consent(5, granted=True))
    await stages.accepted(derived(6), derived(7))
    reader = await stages.reader(police)
    assert await written(reader)
    await stages.accepted(derived(8))
    await stages.accepted(consent(9, granted=False))
    await stages.accepted(derived(10))
    assert await came(stages, police) == []
    assert await stages.store.outbox.depth(police) == 0
    with pytest.raises(Refused) as refused:
        await stages.services.reading.envelope(
            stages.caller(POLICE), id_of(PROVINCE, 6), Purpose.PREVENTION, stages.now
        )
    assert refused.value.code == "not-found"
    assert (await asked(stages)).state == "refused"


async def test_who_was_not_asked_answers_nothing(stages: Stages) -> None:
    """An ack by the originator is no answer, nor is what the requester says of its own request."""
    await begin(stages)
    ack = label(id_of(DYKE, 5), kind="ack", references=[ASKING], outcome="read", addressed=False, expires=None)
    own = {"kind": "reply", "references": [ASKING], "outcome": "refused", "addressed": False, "expires": None}
    await stages.accepted(request(), ack, label(id_of(PROVINCE, 6), iss=PROVINCE, issuer=PROVINCE, **own))
    told = await response(stages)
    assert told is not None
    assert ((await asked(stages)).state, told.state) == ("open", "open")


async def test_what_was_asked_is_no_ack(stages: Stages) -> None:
    """Among the acknowledgements of the alert the originator is told those of who has it, and not who asks."""
    await begin(stages)
    ack = label(
        id_of(PROVINCE, 5),
        iss=PROVINCE,
        issuer=PROVINCE,
        kind="ack",
        references=[FIRST],
        outcome="acting",
        expires=None,
    )
    await stages.accepted(request(), ack)
    told = await stages.services.reading.deliveries(stages.caller(DYKE), FIRST, stages.now)
    assert {each.agency: [ack.outcome for ack in each.acks] for each in told.deliveries} == {PROVINCE: ["acting"]}
    assert told.response is None
