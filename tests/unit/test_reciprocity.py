"""Reciprocity: what is counted, for whom, and that it tells nothing of what was withheld (docs/adr/0015)."""

import asyncio
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from broker.caller import Caller
from broker.clock import told
from broker.errors import Refused
from broker.policy.ways import Way
from broker.reciprocity import Period, Reciprocity
from schemas.answers import ExchangeTold, ReciprocityAnswer
from tests.unit.making import DYKE, HANDLING, PARENT, POLICE, PROVINCE, id_of, label
from tests.unit.stages import AGREEMENT, Stages, written

BACK = {**AGREEMENT, "from": PROVINCE, "to": DYKE}
WITHIN = {**AGREEMENT, "reciprocity": {"acknowledged_within_minutes": 30}}
COMMUNITY = {
    "name": "@vn.flood",
    "members": [DYKE, PROVINCE, PARENT],
    "tiers": ["state"],
    "charter": {name: value for name, value in AGREEMENT.items() if name not in ("from", "to")},
}
NOTHING = ExchangeTold(alerts=0, in_part=0, acknowledged=0, due=0, in_time=0, assessments={})


def counting(stages: Stages) -> Reciprocity:
    """Over the stages' store."""
    return Reciprocity(stages.store.log, stages.store.dossiers, stages.services.directory)


async def between(stages: Stages, agency: str, other: str, **asked: Any) -> ReciprocityAnswer:
    """What the agency is told of itself and another."""
    period = Period.of(asked.get("since"), asked.get("until"), stages.now + timedelta(minutes=1))
    return await counting(stages).pair(stages.caller(agency), None, other, period)


def alert(number: int, by: str = DYKE, to: str = PROVINCE, **more: Any) -> Any:
    """One of the agency's, accepted now."""
    stated = {"iss": by, "issuer": by, "addressing": {"to": [to]}, "accepted_at": "2026-11-22T01:00:00.000Z"}
    return label(id_of(by, number), **stated | more)


def ack(of: str, number: int, outcome: str = "acting", assessment: str | None = None, by: str = PROVINCE) -> Any:
    """What a reader says of it."""
    said = {"kind": "ack", "references": [of], "outcome": outcome, "assessment": assessment, "addressed": False}
    return label(id_of(by, number), iss=by, issuer=by, expires=None, **said)


PARTS = [
    {"id": "main", "type": "text/plain", "size": 1, "digest": "sha256:" + "0a" * 32},
    {"id": "names", "type": "text/plain", "size": 1, "digest": "sha256:" + "0a" * 32, "handling": {"caveats": ["H9"]}},
]
"""The second bears a caveat that the directory has no rule for."""


async def test_both_sides_count_the_same(tmp_path: Path) -> None:
    """Given and received, in part, acknowledged, in time, and the last assessment: what one gave the other received."""
    stages = Stages(tmp_path, agreements=[WITHIN, BACK])
    province, dyke = await stages.subscribe(), await stages.subscribe(DYKE)
    await stages.accepted(alert(1), alert(2, parts=PARTS), alert(3), alert(4, by=PROVINCE, to=DYKE))
    for id_ in (province, dyke):
        await written(await stages.reader(id_))
    stages.now += timedelta(minutes=20)
    await stages.accepted(ack(id_of(DYKE, 1), 11, "received"), ack(id_of(DYKE, 1), 12, assessment="false"))
    stages.now += timedelta(minutes=20)
    await stages.accepted(ack(id_of(DYKE, 1), 13, assessment="useful"), ack(id_of(DYKE, 2), 14))
    [mine] = (await between(stages, DYKE, PROVINCE)).pairs
    [theirs] = (await between(stages, PROVINCE, DYKE)).pairs
    assert mine.given == theirs.received
    assert mine.received == theirs.given
    assert mine.given == ExchangeTold(alerts=3, in_part=1, acknowledged=2, due=3, in_time=1, assessments={"useful": 1})
    assert mine.received == NOTHING.model_copy(update={"alerts": 1})


async def test_what_counts(tmp_path: Path) -> None:
    """No drill, no answer, no notice, nothing twice, and a read by id as well as a delivery."""
    stages = Stages(tmp_path, agreements=[{**AGREEMENT, "statuses": ["actual", "exercise"]}])
    first = await stages.subscribe(filter={"status": ["actual", "exercise"]})
    second = await stages.subscribe()
    await stages.accepted(alert(1), alert(2, status="exercise"))
    for id_ in (first, second):
        await written(await stages.reader(id_))
    await stages.services.reading.envelope(stages.caller(), id_of(DYKE, 1), None, stages.now)
    [pair] = (await between(stages, DYKE, PROVINCE)).pairs
    assert pair.given.alerts == 1


async def test_a_period_is_by_acceptance(tmp_path: Path) -> None:
    """From `since` on and before `until`, over the turn of a month and of a year."""
    stages = Stages(tmp_path)
    id_ = await stages.subscribe()
    times = ("2026-10-31T23:59:59.999Z", "2026-11-01T00:00:00.000Z", "2026-11-21T23:59:59.999Z")
    await stages.accepted(*(alert(number, accepted_at=at) for number, at in enumerate(times)))
    await written(await stages.reader(id_))
    for since, until, count in ((0, 1, 1), (1, 2, 1), (0, 2, 2)):
        answer = await between(stages, DYKE, PROVINCE, since=times[since], until=times[until])
        assert answer.pairs[0].given.alerts == count
    assert list(Period.of("2025-12-31T23:00:00Z", "2026-02-01T00:00:00Z", stages.now).months) == [
        "2025-12",
        "2026-01",
        "2026-02",
    ]


@pytest.mark.parametrize(
    ("since", "until"),
    [
        ("yesterday", None),
        (None, "2026-11-22"),
        ("2026-11-23T00:00:00Z", "2026-11-22T00:00:00Z"),
        ("2024-01-01T00:00:00Z", None),
    ],
)
async def test_what_is_no_period(since: str | None, until: str | None, tmp_path: Path) -> None:
    """No time, an end before the beginning, and more than a year."""
    with pytest.raises(Refused) as refused:
        Period.of(since, until, Stages(tmp_path).now)
    assert refused.value.code == "invalid-request"


async def test_whose_counts_one_may_see(tmp_path: Path) -> None:
    """One's own, and for inspectors any; a community's members, and no others; no API token."""
    stages = Stages(tmp_path, communities=[COMMUNITY])
    period = Period.of(None, None, stages.now + timedelta(minutes=1))
    count, mine = counting(stages), stages.caller(PROVINCE)
    inspector = Caller(POLICE, "desk", frozenset({"inspect"}), Way.READ_BOUND)
    assert (await count.pair(inspector, DYKE, PROVINCE, period)).agency == DYKE
    told_of = await count.community(mine, None, "@vn.flood", period)
    assert [each.agency for each in told_of.pairs] == [PARENT, DYKE]
    api_token = Caller(PROVINCE, "taxii", frozenset({"read"}), Way.READ_UNBOUND, subscription="sub_1")
    refusals: Mapping[str, Any] = {
        "insufficient-scope": [count.pair(mine, DYKE, PARENT, period), count.pair(api_token, None, DYKE, period)],
        "not-found": [
            count.community(stages.caller(POLICE), None, "@vn.flood", period),
            count.community(mine, None, "@unknown", period),
        ],
    }
    for code, attempts in refusals.items():
        for attempt in attempts:
            with pytest.raises(Refused) as refused:
                await attempt
            assert refused.value.code == code


async def test_nothing_tells_what_was_withheld(tmp_path: Path) -> None:
    """An agency from which alerts are withheld, whole or in part, and acked by others, sees what it would without."""
    answers = []
    for world in ("with", "without"):
        folder = tmp_path / world
        folder.mkdir()
        stages = Stages(folder, communities=[COMMUNITY], agreements=[AGREEMENT, {**AGREEMENT, "to": POLICE}])
        ids = [await stages.subscribe(agency) for agency in (PROVINCE, POLICE)]
        await stages.accepted(alert(1))
        if world == "with":
            await stages.accepted(
                alert(2, to=POLICE),
                alert(3, addressing={"to": ["@vn.flood"], "not_to": [PROVINCE]}),
                alert(4, handling={**HANDLING, "caveats": ["H9"]}),
                alert(5, by=POLICE),
            )
        for id_ in ids:
            await written(await stages.reader(id_))
        if world == "with":
            await stages.accepted(ack(id_of(DYKE, 2), 9, by=POLICE, assessment="useful"))
        period = Period.of(None, told(stages.now + timedelta(minutes=1)), stages.now)
        count, mine = counting(stages), stages.caller(PROVINCE)
        seen = [await count.pair(mine, None, each, period) for each in (DYKE, POLICE, "vn.nobody")]
        answers.append([*seen, await count.community(mine, None, "@vn.flood", period)])
    assert answers[0] == answers[1]
    assert answers[0][0].pairs[0].received.alerts == 1


STEP = st.one_of(
    st.tuples(st.just("post"), st.sampled_from([DYKE, PROVINCE]), st.booleans()),
    st.tuples(st.just("read"), st.sampled_from([DYKE, PROVINCE]), st.booleans()),
    st.tuples(st.just("ack"), st.integers(0, 5), st.sampled_from([None, "useful", "seen"])),
    st.tuples(st.just("wait"), st.integers(1, 40), st.none()),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=1, max_size=12))
def test_the_counts_are_what_the_dossiers_say(steps: list[tuple[Any, Any, Any]]) -> None:
    """After any history, counted alert by alert from all dossiers, without what is kept for counting."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_history(Path(folder), steps))


async def _history(folder: Path, steps: list[tuple[Any, Any, Any]]) -> None:
    stages = Stages(folder, agreements=[WITHIN, BACK])
    ids = {agency: await stages.subscribe(agency) for agency in (DYKE, PROVINCE)}
    posted: list[Any] = []
    for number, (what, one, other) in enumerate(steps):
        if what == "post":
            to = PROVINCE if one == DYKE else DYKE
            parts = PARTS if other else []
            posted.append(alert(number, by=one, to=to, parts=parts, accepted_at=told(stages.now)))
            await stages.accepted(posted[-1])
        elif what == "read" and other:
            await written(await stages.reader(ids[one]))
        elif what == "read" and posted:
            with_it = posted[-1].id
            if posted[-1].issuer != one:
                await stages.services.reading.envelope(stages.caller(one), with_it, None, stages.now)
        elif what == "ack" and posted:
            about = posted[one % len(posted)]
            reader = PROVINCE if about.issuer == DYKE else DYKE
            if await stages.store.dossiers.was_given(about.id, reader):
                await stages.accepted(ack(about.id, number, assessment=other, by=reader))
        elif what == "wait":
            stages.now += timedelta(minutes=one)
    for agency, reader in ((DYKE, PROVINCE), (PROVINCE, DYKE)):
        [pair] = (await between(stages, agency, reader)).pairs
        assert pair.given == await _from_dossiers(stages, posted, agency, reader)


async def _from_dossiers(stages: Stages, posted: list[Any], issuer: str, reader: str) -> ExchangeTold:
    """The same, by reading everything."""
    dossiers, counts, assessed = stages.store.dossiers, [0] * 5, dict[str, int]()
    for each in posted:
        given_at = [one.at for one in await dossiers.given(each.id) if one.agency == reader]
        if each.issuer != issuer or not given_at:
            continue
        made = [one.outcome for one in await dossiers.decisions(each.id) if one.agency == reader]
        acks = [one for one in await dossiers.acknowledgements(each.id) if one.agency == reader]
        late = told(stages.now) if not acks else acks[0].at
        minutes = (stages.now.fromisoformat(late) - stages.now.fromisoformat(min(given_at))).total_seconds() / 60
        due = issuer == DYKE
        counts = [
            counts[0] + 1,
            counts[1] + ("whole" not in made),
            counts[2] + bool(acks),
            counts[3] + due,
            counts[4] + (due and bool(acks) and minutes <= 30),
        ]
        said = [await stages.store.log.find(one.ack) for one in acks]
        words = [one.label.assessment for one in said if one is not None and one.label.assessment]
        if words:
            assessed[words[-1]] = assessed.get(words[-1], 0) + 1
    alerts, in_part, acknowledged, due_count, in_time = counts
    return ExchangeTold(
        alerts=alerts,
        in_part=in_part,
        acknowledged=acknowledged,
        due=due_count,
        in_time=in_time,
        assessments=dict(sorted(assessed.items())),
    )
