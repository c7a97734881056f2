"""What was heard a moment ago never decides alone (`broker/recent.py`)."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from broker.clock import told
from broker.judge import Hearing
from broker.ports.dossiers import Stood
from broker.ports.failures import Unavailable
from broker.recent import ALERTS, KEPT_S, LARGEST, Recent
from tests.unit.making import DYKE, PROVINCE, REVIEWER, id_of, label
from tests.unit.stages import Stages, written

FIRST = id_of(DYKE, 1)


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """A hub whose time the test sets."""
    return Stages(tmp_path)


async def _hearing(stages: Stages, id_: str = FIRST) -> Hearing:
    alert = await stages.store.log.find(id_)
    assert alert is not None
    return await stages.services.giving.judge.hear(alert)


async def _nothing(_: str) -> None:
    return None


async def _remembered(recent: Recent, alert: str, stages: Stages) -> Hearing | None:
    """Without asking anew."""
    return (await recent.hearing(alert, stages.snapshot, _nothing))[0]


@pytest.mark.parametrize("change", ["recalled", "suspended", "cancelled"])
async def test_what_changed_since_another_was_given_it_is_not_given(stages: Stages, change: str) -> None:
    """Two subscriptions in turn: the second hears what became of the alert between, not what was remembered."""
    one, other = await stages.subscribe(), await stages.subscribe()
    await stages.accepted(label(FIRST))
    assert [each.alert for each in await written(await stages.reader(one))] == [FIRST]
    stood = Stood(change, id_of(REVIEWER, 1), REVIEWER, told(stages.now))  # type: ignore[arg-type]  # one of the three
    await stages.store.dossiers.note(FIRST, stood)
    assert FIRST not in [each.alert for each in await written(await stages.reader(other))]


async def test_what_was_recalled_since_is_not_told_as_given(stages: Stages) -> None:
    """Nobody is on record as having what they never got: not as given, nor by a decision that says released."""
    one, other = await stages.subscribe(), await stages.subscribe()
    await stages.accepted(label(FIRST))
    await written(await stages.reader(one))
    await stages.store.dossiers.note(FIRST, Stood("recalled", id_of(DYKE, 9), DYKE, told(stages.now)))
    for _ in range(2):  # it looks again once it has found that the alert stands otherwise
        await written(await stages.reader(other))
    assert {each.subscription for each in await stages.store.dossiers.given(FIRST)} == {one}
    decisions = await stages.store.dossiers.decisions(FIRST)
    assert [each.outcome for each in decisions if each.subscription == other] == ["whole", "withheld"]  # at match; now


async def test_what_expired_since_another_was_given_it_is_not_given(stages: Stages) -> None:
    """The time is that of each decision."""
    one, other = await stages.subscribe(), await stages.subscribe()
    await stages.accepted(label(FIRST))
    await written(await stages.reader(one))
    stages.now += timedelta(days=2)
    assert FIRST not in [each.alert for each in await written(await stages.reader(other))]


async def test_what_was_suspended_a_moment_ago_is_given_once_that_has_ended(stages: Stages) -> None:
    """A refusal is never remembered: it is heard anew each time."""
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST))
    challenge = id_of(REVIEWER, 1)
    await stages.store.dossiers.note(FIRST, Stood("suspended", challenge, REVIEWER, told(stages.now)))
    reader = await stages.reader(id_)
    assert await written(reader) == []
    await stages.store.dossiers.note(FIRST, Stood("resumed", challenge, DYKE, told(stages.now)))
    assert [each.alert for each in await written(reader)] == [FIRST]


async def test_it_is_remembered_for_a_moment(stages: Stages) -> None:
    """After two seconds it is read again."""
    await stages.accepted(label(FIRST))
    now = 100.0
    recent = Recent(seconds=lambda: now)
    hearing = await _hearing(stages)
    recent.keep(hearing)
    assert await _remembered(recent, FIRST, stages) is hearing
    now += KEPT_S + 0.001
    assert await _remembered(recent, FIRST, stages) is None


async def test_another_directory_forgets_it(stages: Stages) -> None:
    """A version that came since is the one that decides."""
    await stages.accepted(label(FIRST))
    recent = Recent()
    recent.keep(await _hearing(stages))
    assert await _remembered(recent, FIRST, stages) is not None
    assert (await recent.hearing(FIRST, stages.snapshot.with_hub_keys(()), _nothing))[0] is None


async def test_what_rests_on_others_is_not_remembered(stages: Stages) -> None:
    """The consents of a source can change, and nothing at the giving of this one would show it."""
    await stages.accepted(label(FIRST))
    recent, hearing = Recent(), await _hearing(stages)
    recent.keep(replace(hearing, derived={id_of(PROVINCE): None}))
    assert await _remembered(recent, FIRST, stages) is None


async def test_what_is_large_is_not_remembered(stages: Stages) -> None:
    """Memory is bounded by the number and the size."""
    await stages.accepted(label(FIRST))
    recent, hearing = Recent(), await _hearing(stages)
    recent.keep(replace(hearing, alert=replace(hearing.alert, statement="x" * (LARGEST + 1))))
    assert await _remembered(recent, FIRST, stages) is None


async def test_no_more_are_remembered_than_so_many(stages: Stages) -> None:
    """The longest unused goes first."""
    await stages.accepted(label(FIRST))
    recent, hearing = Recent(), await _hearing(stages)
    for number in range(1, ALERTS + 2):
        known = hearing.label.model_copy(update={"id": id_of(DYKE, number)})
        recent.keep(replace(hearing, alert=replace(hearing.alert, label=known)))
    assert await _remembered(recent, FIRST, stages) is None
    assert await _remembered(recent, id_of(DYKE, 2), stages) is not None


async def test_it_is_read_once_for_all_who_ask_meanwhile(stages: Stages) -> None:
    """Ten subscriptions that come to the same alert at once cost one reading; a failure is told to each of them."""
    await stages.accepted(label(FIRST))
    hearing, reads = await _hearing(stages), []

    async def hear(alert: str) -> Hearing:
        reads.append(alert)
        await asyncio.sleep(0)
        if len(reads) == 1:
            raise Unavailable("away")
        return hearing

    recent = Recent()
    asks = (recent.hearing(FIRST, stages.snapshot, hear) for _ in range(10))
    assert [type(each) for each in await asyncio.gather(*asks, return_exceptions=True)] == [Unavailable] * 10
    asks = (recent.hearing(FIRST, stages.snapshot, hear) for _ in range(10))
    assert await asyncio.gather(*asks) == [(hearing, True), *[(hearing, False)] * 9]
    assert reads == [FIRST] * 2
