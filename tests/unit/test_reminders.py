"""Deadlines through the stages: who waits for an answer is told once that none came."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.errors import Refused
from broker.label import Label
from broker.trust import jws
from broker.wiring import reminding
from schemas.statement import ALERT_EVENT, LATE
from schemas.terms import Purpose
from tests.unit.making import DYKE, HUB, POLICE, PROVINCE, id_of, label
from tests.unit.stages import AGREEMENT, Stages, written

FIRST, RECALL, ASKING = id_of(DYKE, 1), id_of(DYKE, 2), id_of(PROVINCE, 3)


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """The dyke agency may give to two others."""
    return Stages(tmp_path, agreements=[AGREEMENT, {**AGREEMENT, "to": POLICE}])


def about(kind: str, by: str, id_: str, references: str, **more: Any) -> Label:
    """What an agency says of another alert."""
    stated = {"kind": kind, "references": [references], "addressed": False, **more}
    return label(id_, iss=by, issuer=by, **stated)


async def remind(stages: Stages, **later: float) -> None:
    """That much later, the routers look."""
    stages.now += timedelta(**later)
    for partition in range(stages.store.log.partitions):
        await reminding(stages.services).remind(partition)


async def said(stages: Stages, subscription: str) -> list[Any]:
    """What the hub itself tells the subscription of what is late."""
    came = [each.alert for each in await written(await stages.reader(subscription))]
    statements = [stages.store.log._alerts[each].statement for each in came if each.startswith(f"{HUB}/")]
    events = [jws.frame_statement(each).claims["events"][ALERT_EVENT] for each in statements]
    return [each["ext"][LATE] for each in events]


async def test_a_recall_that_is_not_confirmed(stages: Stages) -> None:
    """Its originator is told once which agencies are late, whatever its filter says; the receivers are not."""
    for reader in (PROVINCE, POLICE):
        await stages.accepted(label(FIRST, addressing={"to": [PROVINCE, POLICE]}))
        await stages.services.reading.envelope(stages.caller(reader), FIRST, Purpose.PREVENTION, stages.now)
    originator, receiver = await stages.subscribe(DYKE, filter={"kinds": ["reply"]}), await stages.subscribe(POLICE)
    at = {"accepted_at": "2026-11-22T01:00:00.000Z", "expires": None}
    erased = about("erased", PROVINCE, id_of(PROVINCE, 4), RECALL, expires=None)
    await stages.accepted(about("recall", DYKE, RECALL, FIRST, **at), erased)
    await remind(stages, hours=71, minutes=59)
    assert await said(stages, originator) == []
    for _ in range(2):
        await remind(stages, minutes=1)
        await stages.accepted(label(id_of(DYKE, 8)))
    assert await said(stages, originator) == [{"alert": RECALL, "about": FIRST, "missing": [POLICE]}]
    assert await said(stages, receiver) == []
    stages.store.log._cursors = ["0-0"] * stages.store.log.partitions
    await stages.accepted(label(id_of(DYKE, 9)))
    await remind(stages)
    assert await said(stages, originator) == []


async def test_an_onward_request_that_is_not_answered(stages: Stages) -> None:
    """Who asked and who was asked are told; an answer in time, whatever it says, leaves nothing to tell."""
    await stages.accepted(label(FIRST, handling=label().handling.model_dump(mode="json", exclude_none=True)))
    ids = {agency: await stages.subscribe(agency) for agency in (DYKE, PROVINCE, POLICE)}
    asks = {"wants": ["onward"], "onward_to": [POLICE], "respond_by": "2026-11-22T02:00:00Z"}
    answered = id_of(PROVINCE, 5)
    await stages.accepted(
        about("request", PROVINCE, ASKING, FIRST, **asks), about("request", PROVINCE, answered, FIRST, **asks)
    )
    await stages.accepted(about("consent", DYKE, id_of(DYKE, 6), answered, granted=False, expires=None))
    await remind(stages, hours=1)
    told = [{"alert": ASKING, "about": FIRST, "missing": [DYKE]}]
    assert {agency: await said(stages, id_) for agency, id_ in ids.items()} == {DYKE: told, PROVINCE: told, POLICE: []}


async def test_any_request_that_is_not_answered(stages: Stages) -> None:
    """Who asked others is told that none of them has answered; they are not told of each other."""
    ids = {agency: await stages.subscribe(agency) for agency in (DYKE, PROVINCE)}
    stated = {"kind": "request", "wants": ["information"], "respond_by": "2026-11-22T02:00:00Z"}
    await stages.accepted(label(FIRST, **stated))
    await remind(stages, hours=1)
    assert await said(stages, ids[DYKE]) == [{"alert": FIRST, "missing": []}]
    assert await said(stages, ids[PROVINCE]) == []


async def test_one_that_cannot_be_looked_at_holds_back_no_other(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is put off for an hour, and what is due behind it is told."""
    id_ = await stages.subscribe(DYKE)
    stated = {"kind": "request", "wants": ["information"], "respond_by": "2026-11-22T02:00:00Z"}
    await stages.accepted(label(FIRST, **stated), label(RECALL, **stated))
    find = stages.store.log.find

    async def broken(alert: str) -> Any:
        if alert == FIRST:
            raise Refused("malformed", "as no code of ours should")
        return await find(alert)

    monkeypatch.setattr(stages.store.log, "find", broken)
    await remind(stages, hours=1)
    monkeypatch.setattr(stages.store.log, "find", find)
    assert [each["alert"] for each in await said(stages, id_)] == [RECALL]
    await remind(stages)
    assert await said(stages, id_) == []
    await remind(stages, hours=1)
    assert [each["alert"] for each in await said(stages, id_)] == [FIRST]
