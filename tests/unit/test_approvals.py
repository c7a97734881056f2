"""Two officers through the stages: what waits is nowhere to be seen, and goes on as if it came with its approval."""

from pathlib import Path
from typing import Any

import pytest

from broker.auditing import audit
from broker.caller import Caller
from broker.errors import Refused
from broker.label import Label
from broker.ports.dossiers import Stood
from broker.ports.outbox import Opened
from broker.trust import jws
from schemas.statement import ALERT_EVENT, GLASS_BROKEN
from schemas.terms import Purpose
from tests.unit import making
from tests.unit.making import DYKE, HUB, PARENT, PROVINCE, id_of, label
from tests.unit.stages import Stages, written

FIRST, SECOND = id_of(DYKE, 1), id_of(DYKE, 2)
INSPECTORS = ("vn.inspect", "vn.idle")


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """A hub whose directory names two inspectors, and officers of the dyke agency."""
    agencies = making.officers(DYKE, "an-07", "binh-11") | {each: {"roles": ["inspector"]} for each in INSPECTORS}
    return Stages(tmp_path, agencies=agencies)


def waiting(id_: str = FIRST, **changes: Any) -> Label:
    """A warning that one officer has signed."""
    return label(id_, **{"awaits_approval": True, "kid": making.key(DYKE, "an-07").kid, **changes})


def about(kind: str, number: int, alert: str = FIRST, **changes: Any) -> Label:
    """What the dyke agency says of its warning."""
    stated = {"kind": kind, "references": [alert], "addressed": False, "expires": None, **changes}
    return label(id_of(DYKE, number), **stated)


async def came(stages: Stages, subscription: str) -> list[str]:
    """What the subscription is given now."""
    return [each.alert for each in await written(await stages.reader(subscription))]


async def state(stages: Stages, alert: str = FIRST) -> str | None:
    """How far the approval is, as the issuer is told."""
    told = await stages.services.reading.deliveries(stages.caller(DYKE), alert, stages.now)
    return told.approval.state if told.approval else None


def inspecting(stages: Stages) -> Caller:
    """An inspector's client."""
    return Caller(INSPECTORS[0], "desk", frozenset({"read", "inspect"}), stages.caller().way)


async def test_what_waits_is_there_for_its_issuer_alone(stages: Stages) -> None:
    """No delivery, read, decision, count or notice tells anybody else of it, an inspector neither."""
    id_ = await stages.subscribe()
    await stages.accepted(waiting())
    assert await came(stages, id_) == []
    assert await stages.store.outbox.depth(id_) == 0
    assert await stages.store.dossiers.decisions(FIRST) == []
    reading = stages.services.reading
    for caller in (stages.caller(), inspecting(stages)):
        for alert in (FIRST, id_of(DYKE, 77)):
            for asked in (
                reading.envelope(caller, alert, Purpose.PREVENTION, stages.now),
                reading.decisions(caller, alert, None, None),
                reading.deliveries(caller, alert, stages.now),
                reading.receipt(caller, alert),
            ):
                with pytest.raises(Refused) as refused:
                    await asked
                assert refused.value.code == "not-found"
    assert await reading.envelope(stages.caller(DYKE), FIRST, None, stages.now)
    assert await state(stages) == "awaiting"


async def test_it_goes_on_as_if_it_came_with_its_approval(stages: Stages) -> None:
    """Who subscribed while it waited gets it; it goes once, whoever else approves it and whatever is routed again."""
    before = await stages.subscribe()
    await stages.accepted(waiting())
    since = await stages.subscribe()
    await stages.accepted(about("approve", 3), about("approve", 4))
    late = await stages.subscribe()
    assert [await came(stages, each) for each in (before, since, late)] == [[FIRST], [FIRST], []]
    assert await state(stages) == "approved"
    told = await stages.services.reading.deliveries(stages.caller(DYKE), FIRST, stages.now)
    assert told.approval is not None
    assert told.approval.approval == id_of(DYKE, 3)
    assert {each.agency: each.state for each in told.deliveries} == {PROVINCE: "delivered"}
    stages.store.log._cursors = ["0-0"] * stages.store.log.partitions
    await stages.accepted(label(id_of(DYKE, 9)))
    assert await came(stages, before) == [id_of(DYKE, 9)]
    assert (await stages.store.dossiers.standing(FIRST)).approved_by == (id_of(DYKE, 3),)
    found = await audit(stages.store)
    assert found.broken == []


async def test_a_router_that_died_between_goes_on_with_the_approval(stages: Stages) -> None:
    """An approval that was noted and not routed is routed by the next router."""
    id_ = await stages.subscribe()
    await stages.accepted(waiting())
    approval = about("approve", 3)
    await stages.store.dossiers.note(FIRST, Stood("approved", approval.id, DYKE, "2026-11-22T01:00:00.000Z"))
    await stages.accepted(approval)
    assert await came(stages, id_) == [FIRST]


async def test_an_update_changes_nothing_before_it_is_approved(stages: Stages) -> None:
    """What it is to replace stands until then, and nobody hears of it."""
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST), waiting(SECOND, kind="update", references=[FIRST]))
    assert await came(stages, id_) == [FIRST]
    assert (await stages.store.dossiers.standing(FIRST)).superseded_by == ()
    await stages.accepted(about("approve", 3, SECOND))
    assert await came(stages, id_) == [SECOND]
    assert (await stages.store.dossiers.standing(FIRST)).superseded_by == (SECOND,)


@pytest.mark.parametrize(("kind", "ended"), [("cancel", "cancelled"), ("recall", "recalled"), ("update", "superseded")])
async def test_its_issuer_ends_it_unseen(kind: str, ended: str, stages: Stages) -> None:
    """Others hear neither of it nor of what ended it, and no approval that comes later lets it go."""
    id_ = await stages.subscribe()
    changes = {"addressing": {"to": []}} if kind == "update" else {}
    await stages.accepted(waiting(), about(kind, 2, **changes))
    await stages.accepted(about("approve", 3))
    assert await came(stages, id_) == []
    assert await state(stages) == ended


async def test_a_cancel_of_what_was_approved_goes_as_any_other(stages: Stages) -> None:
    """Once it was let go, its end is told to those who may have it."""
    id_ = await stages.subscribe()
    await stages.accepted(waiting(), about("approve", 3))
    assert await came(stages, id_) == [FIRST]
    await stages.accepted(about("cancel", 4))
    assert await came(stages, id_) == [id_of(DYKE, 4)]


async def test_what_expires_unapproved_is_told_to_its_issuer_alone(stages: Stages) -> None:
    """It ends there, without a notice to anybody."""
    id_ = await stages.subscribe()
    await stages.accepted(waiting(expires="2026-11-22T01:00:00Z"))
    assert await state(stages) == "expired"
    await stages.accepted(about("approve", 3, accepted_at="2026-11-22T01:00:00.000Z"))
    assert await came(stages, id_) == []
    assert await state(stages) == "expired"


async def test_nothing_is_derived_from_what_waits(stages: Stages) -> None:
    """For rule 14 it is not known here, until it was let go."""
    id_ = await stages.subscribe()
    free = {**making.HANDLING, "tlp": "green", "onward": "free"}
    derived = {**free, "derived_from": [FIRST]}
    await stages.accepted(waiting(handling=free), label(SECOND, handling=derived))
    assert await came(stages, id_) == []
    await stages.accepted(about("approve", 3), label(id_of(DYKE, 4), handling=derived))
    assert await came(stages, id_) == [FIRST, id_of(DYKE, 4)]


def said(stages: Stages, delivery: Opened) -> Any:
    """The event of what the hub itself says."""
    alert = stages.store.log._alerts[delivery.alert]
    return jws.frame_statement(alert.statement).claims["events"][ALERT_EVENT]


async def test_breaking_the_glass_is_told_to_every_inspector(stages: Stages) -> None:
    """The alert goes at once; each inspector hears which, by whom and why, past its filter, and none of its content.

    It is told once, and an approval that comes later is written down.
    """
    reader = await stages.subscribe()
    ids = {each: await stages.subscribe(each, filter={"domains": ["health"]}) for each in INSPECTORS}
    stranger = await stages.subscribe(PARENT)
    broken = waiting(awaits_approval=False, break_glass="Không gọi được ai")
    await stages.accepted(broken)
    assert await came(stages, reader) == [FIRST]
    for inspector, id_ in ids.items():
        [notice] = await written(await stages.reader(id_))
        assert notice.alert.startswith(f"{HUB}/")
        event = said(stages, notice)
        reason = {"reason": "Không gọi được ai", "agency": DYKE, "officer": "an-07", "alert": FIRST}
        assert {**event["ext"][GLASS_BROKEN], **reason} == event["ext"][GLASS_BROKEN]
        assert event["addressing"]["to"] == [inspector]
        assert (event["status"], event["domain"]) == ("system", "hub")
    assert await came(stages, stranger) == []
    assert await state(stages) == "glass-broken"
    await stages.accepted(about("approve", 3))
    assert await state(stages) == "approved"
    stages.store.log._cursors = ["0-0"] * stages.store.log.partitions
    await stages.accepted(label(id_of(DYKE, 9)))
    assert [await came(stages, each) for each in (reader, *ids.values())] == [[id_of(DYKE, 9)], [], []]


async def test_what_needed_no_second_officer_tells_of_none(stages: Stages) -> None:
    """The issuer of an alert that went at once is told of no approval."""
    await stages.accepted(label(FIRST))
    assert await state(stages) is None
