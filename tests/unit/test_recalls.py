"""A recall through the stages: who was told, who has confirmed, and who is late."""

from datetime import timedelta
from pathlib import Path

import pytest

from broker.errors import Refused
from broker.label import Label
from schemas.answers import RecallTold
from schemas.terms import Purpose
from tests.unit.making import DYKE, PARENT, POLICE, PROVINCE, id_of, label
from tests.unit.stages import AGREEMENT, Stages, written

FIRST, RECALL = id_of(DYKE, 1), id_of(DYKE, 2)
READERS = (PROVINCE, POLICE, PARENT)


def hub(folder: Path, **profile: int) -> Stages:
    """The dyke agency may give to three others."""
    agreements = [{**AGREEMENT, "to": reader} for reader in READERS]
    return Stages(folder, agreements=agreements, profiles={"disaster": profile})


def recall(number: int = 2) -> Label:
    """Of the first alert."""
    stated = {"kind": "recall", "references": [FIRST], "expires": None, "addressed": False}
    return label(id_of(DYKE, number), accepted_at="2026-11-22T01:00:00.000Z", **stated)


def erased(by: str, number: int, of: str = RECALL) -> Label:
    """Done."""
    stated = {"kind": "erased", "references": [of], "expires": None, "addressed": False}
    return label(id_of(by, number), iss=by, issuer=by, **stated)


async def begin(stages: Stages) -> dict[str, str]:
    """The alert was given to two by a stream, and read by a third, which has a subscription for something else."""
    ids = {agency: await stages.subscribe(agency) for agency in (PROVINCE, POLICE)}
    await stages.accepted(label(FIRST, addressing={"to": list(READERS)}))
    for id_ in ids.values():
        await written(await stages.reader(id_))
    await stages.services.reading.envelope(stages.caller(PARENT), FIRST, Purpose.PREVENTION, stages.now)
    return ids | {PARENT: await stages.subscribe(PARENT, filter={"domains": ["health"]})}


async def told(stages: Stages, alert: str = FIRST) -> RecallTold | None:
    """What the originator is told."""
    return (await stages.services.reading.deliveries(stages.caller(DYKE), alert, stages.now)).recall


async def states(stages: Stages, alert: str = FIRST) -> dict[str, str]:
    """How far each agency is."""
    recall = await told(stages, alert)
    assert recall is not None
    return {each.agency: each.state for each in recall.agencies}


async def test_the_originator_sees_who_was_told_and_who_has_erased(tmp_path: Path) -> None:
    """Everybody who was given it, by whatever way, and nobody else; asked of the alert and of its recall alike."""
    stages = hub(tmp_path)
    ids = await begin(stages)
    assert await told(stages) is None
    await stages.accepted(recall())
    assert await states(stages) == dict.fromkeys(READERS, "not-told")
    for agency in (PROVINCE, PARENT):
        [came] = await written(await stages.reader(ids[agency]))
        assert came.alert == RECALL
    await stages.accepted(erased(PROVINCE, 3))
    for alert in (FIRST, RECALL):
        assert await states(stages, alert) == {PROVINCE: "erased", POLICE: "not-told", PARENT: "told"}
    known = await told(stages)
    assert known is not None
    assert (known.recall, known.at, known.erase_by) == (RECALL, "2026-11-22T01:00:00.000Z", "2026-11-25T01:00:00.000Z")
    confirmed = next(each for each in known.agencies if each.agency == PROVINCE)
    assert (confirmed.told_at, confirmed.erased_at) == ("2026-11-22T01:00:00.000Z",) * 2


@pytest.mark.parametrize(("profile", "hours"), [({}, 72), ({"erase_within_hours": 2}, 2)])
async def test_who_does_not_confirm_in_time_is_late(profile: dict[str, int], hours: int, tmp_path: Path) -> None:
    """By the profile's hours, told of the recall or not; who confirms later has confirmed."""
    stages = hub(tmp_path, **profile)
    ids = await begin(stages)
    await stages.accepted(recall())
    await written(await stages.reader(ids[PROVINCE]))
    stages.now += timedelta(hours=hours, seconds=-1)
    assert await states(stages) == {PROVINCE: "told", POLICE: "not-told", PARENT: "not-told"}
    stages.now += timedelta(seconds=1)
    assert await states(stages) == dict.fromkeys(READERS, "late")
    await stages.accepted(erased(PROVINCE, 3))
    assert (await states(stages))[PROVINCE] == "erased"


async def test_an_error_is_no_confirmation(tmp_path: Path) -> None:
    """That it could not be used, or was received, does not say that it is erased."""
    stages = hub(tmp_path)
    await begin(stages)
    stated = {"kind": "ack", "references": [RECALL], "outcome": "received", "addressed": False, "expires": None}
    await stages.accepted(recall(), label(id_of(PROVINCE, 3), iss=PROVINCE, issuer=PROVINCE, **stated))
    assert (await states(stages))[PROVINCE] == "not-told"


async def test_one_of_two_recalls_is_enough(tmp_path: Path) -> None:
    """What is recalled twice is recalled since the first time, and erased by whoever confirmed one of them."""
    stages = hub(tmp_path)
    await begin(stages)
    await stages.accepted(recall(), recall(4))
    await stages.accepted(erased(POLICE, 5, id_of(DYKE, 4)))
    assert (await states(stages, id_of(DYKE, 4)))[POLICE] == "erased"
    known = await told(stages)
    assert known is not None
    assert known.recall == RECALL


async def test_who_has_it_no_more_is_told_by_what(tmp_path: Path) -> None:
    """Who was given it and asks for it again is told which recall to answer; others are told of nothing."""
    stages = hub(tmp_path)
    await begin(stages)
    await stages.accepted(recall())
    reading = stages.services.reading
    with pytest.raises(Refused) as refused:
        await reading.envelope(stages.caller(POLICE), FIRST, None, stages.now)
    assert (refused.value.code, refused.value.more) == ("gone", {"recall": RECALL})
    with pytest.raises(Refused) as refused:
        await reading.envelope(stages.caller("vn.idle"), FIRST, Purpose.PREVENTION, stages.now)
    assert (refused.value.code, refused.value.more) == ("not-found", {})


async def test_nobody_else_is_told_who_had_it(tmp_path: Path) -> None:
    """A receiver's `erased` goes to the originator, and the list of receivers to nobody but it."""
    stages = hub(tmp_path)
    await begin(stages)
    await stages.accepted(recall())
    for alert in (FIRST, RECALL):
        with pytest.raises(Refused) as refused:
            await told_to(stages, PROVINCE, alert)
        assert refused.value.code == "not-found"


async def told_to(stages: Stages, agency: str, alert: str) -> object:
    """What another asks for."""
    return await stages.services.reading.deliveries(stages.caller(agency), alert, stages.now)
