"""What readers get and are told, through the stages and a store in memory."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from adapters.base import Delivered, Parcel
from broker import subscribing
from broker.api.streams import reader_of
from broker.clock import told
from broker.courier import Courier
from broker.errors import Refused
from broker.label import Label
from broker.policy.ways import Way
from broker.ports.dossiers import Stood
from broker.ports.outbox import Opened, Owed
from broker.ports.registers import ApiToken
from broker.trust.directory import Snapshot
from schemas.requests import Replay
from schemas.subscription import SubscriptionPatch
from schemas.terms import Purpose
from tests.unit.making import DYKE, HANDLING, POLICE, PROVINCE, REVIEWER, id_of, label
from tests.unit.stages import Stages, written

FIRST = id_of(DYKE, 1)
PARTS = [
    {"id": "main", "type": "text/plain", "size": 1, "digest": "sha256:" + "0c" * 32},
    {
        "id": "plan",
        "type": "text/plain",
        "size": 1,
        "digest": "sha256:" + "0d" * 32,
        "handling": {"tlp": "amber"},
    },
]


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """A hub whose time the test sets."""
    return Stages(tmp_path)


async def test_a_subscriber_is_not_told_whom_else_an_alert_is_for(stages: Stages) -> None:
    """Of the addressing, which may stand in a part for hubs alone, the originator is told, and no reader."""
    addressing = {"to": [PROVINCE, "th.police"], "release_to": ["vn.mae.*"], "not_to": ["vn.inspect"]}
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST, addressing=addressing))
    await written(await stages.reader(id_))
    reading = stages.services.reading
    to_reader = (await reading.decisions(stages.caller(), FIRST, id_, None)).model_dump_json()
    to_originator = (await reading.decisions(stages.caller(DYKE), FIRST, id_, None)).model_dump_json()
    for other in ("th.police", "vn.mae.*", "vn.inspect"):
        assert other not in to_reader
        assert other in to_originator


async def test_positions_that_cannot_be_read_are_refused_although_there_are_none(stages: Stages) -> None:
    """A replay of `5-3` is `invalid-request`, whether or not anything was delivered yet."""
    id_ = await stages.subscribe()
    with pytest.raises(Refused) as refused:
        await stages.subscribing.replay(stages.caller(), id_, Replay(positions="5-3"), stages.now)
    assert refused.value.code == "invalid-request"


async def test_a_subscription_without_a_secret_cannot_be_changed_to_v1(stages: Stages) -> None:
    """A secret is told once, when the subscription is made: without one nothing could be signed, nor delivered."""
    webhook = {"adapter": "webhook", "settings": {"url": "https://desk.example/in"}}
    without = await stages.subscribe(**webhook)
    with pytest.raises(Refused) as refused:
        await stages.subscribing.change(stages.caller(), without, SubscriptionPatch(settings={"signing": "v1"}))
    assert (refused.value.code, refused.value.faults[0].path) == ("invalid-request", "/settings/signing")
    with_one = await stages.subscribe(**webhook | {"settings": {"url": "https://desk.example/in", "signing": "v1"}})
    for signing in ("v1a", "v1"):
        await stages.subscribing.change(stages.caller(), with_one, SubscriptionPatch(settings={"signing": signing}))


async def test_a_replay_gives_what_has_expired_and_says_so(stages: Stages) -> None:
    """Asked for again, an alert comes marked, at a position of its own, and no notice stands in for it."""
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST))
    reader = await stages.reader(id_)
    assert [given.marked for given in await written(reader)] == [()]
    stages.now += timedelta(days=2)
    assert await stages.subscribing.replay(stages.caller(), id_, Replay(positions="1"), stages.now) == 1
    [again] = await written(reader)
    assert (again.alert, again.position, again.marked) == (FIRST, 2, ("expired",))
    assert await stages.store.outbox.depth(id_) == 0


async def test_what_expired_before_it_was_routed_ends_as_expired(stages: Stages) -> None:
    """It was owed from its acceptance on: who might have had it gets the notice, and who might not hears nothing."""
    id_, stranger = await stages.subscribe(), await stages.subscribe(POLICE)
    await stages.accepted(label(FIRST, expires="2026-11-22T00:59:59Z"))
    ends = {end.subscription: end.state for end in await stages.store.dossiers.ends(FIRST)}
    assert ends == {id_: "waiting", stranger: "withheld"}
    [notice] = await written(await stages.reader(id_))
    assert notice.alert.startswith("vn.hub/")
    assert await written(await stages.reader(stranger)) == []
    ends = {end.subscription: end.state for end in await stages.store.dossiers.ends(FIRST)}
    assert ends == {id_: "expired", stranger: "withheld"}


async def test_a_reader_that_resumes_gets_what_has_expired_since(stages: Stages) -> None:
    """Exactly after its cursor comes all that may still be given: where the content changed, at a position of its own,
    once. A reader that had it all gets nothing again.
    """
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST, expires="2026-12-22T20:00:00+07:00"))
    await stages.accepted(label(id_of(DYKE, 2)), label(id_of(DYKE, 3), expires="2026-12-22T20:00:00+07:00"))
    await written(await stages.reader(id_))
    stages.now += timedelta(days=2)
    for _ in range(2):
        resumed = await written(await stages.reader(id_, after="1"))
        assert [(each.position, each.alert) for each in resumed] == [(3, id_of(DYKE, 3)), (4, id_of(DYKE, 2))]
        assert [each.marked for each in resumed] == [(), ("expired",)]
    assert await written(await stages.reader(id_, after="4")) == []
    assert await stages.store.outbox.depth(id_) == 0


async def test_a_reader_lacks_only_what_its_way_carries(stages: Stages) -> None:
    """What does not exist for a token that is not bound is no gap for it either; for a bound one it is."""
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST), label(id_of(DYKE, 2), handling=HANDLING | {"tlp": "green"}))
    await written(await stages.reader(id_))
    for way, missing, withheld in ((Way.READ_UNBOUND, "2", "1"), (Way.READ_BOUND, "1-2", "")):
        gaps = await stages.subscribing.gaps(stages.caller(way=way), id_, "", stages.now)
        assert (gaps.last, gaps.missing, gaps.withheld) == (2, missing, withheld)
    assert (await stages.subscribing.gaps(stages.caller(way=Way.READ_UNBOUND), id_, "1-2", stages.now)).withheld == ""


async def test_gaps_are_decided_up_to_a_bound(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    """One question costs so many decisions at most: what is beyond is told as missing, and what was had costs none."""
    monkeypatch.setattr(subscribing, "PAGE", 3)
    monkeypatch.setattr(subscribing, "DECISIONS", 4)
    id_ = await stages.subscribe()
    await stages.accepted(*(label(id_of(DYKE, number)) for number in range(1, 12)))
    await written(await stages.reader(id_))
    for number in range(1, 12):
        recalled = Stood("recalled", id_of(DYKE, 99), DYKE, told(stages.now))
        await stages.store.dossiers.note(id_of(DYKE, number), recalled)
    for have, missing, withheld in (("", "5-11", "1-4"), ("1-3,5-6", "10-11", "4,7-9"), ("1-11", "", "")):
        gaps = await stages.subscribing.gaps(stages.caller(), id_, have, stages.now)
        assert (gaps.last, gaps.missing, gaps.withheld) == (11, missing, withheld)


async def test_a_replay_of_many_gives_each_once_in_order(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many pages it is looked up in, its count is right, and nothing of it comes twice or too early."""
    monkeypatch.setattr(subscribing, "PAGE", 3)
    id_ = await stages.subscribe()
    await stages.accepted(*(label(id_of(DYKE, number)) for number in range(1, 12)))
    reader = await stages.reader(id_)
    await written(reader)
    for wanted, expected in (
        (Replay(since="2026-11-22T00:00:00Z"), [*range(1, 12)]),
        (Replay(positions="2-3,10-10000"), [2, 3, 10, 11]),
        (Replay(alerts=(id_of(DYKE, 8),)), [8]),
    ):
        assert await stages.subscribing.replay(stages.caller(), id_, wanted, stages.now) == len(expected)
        assert [each.position for each in await written(reader)] == expected


@dataclass
class Endpoint:
    """A partner that takes everything."""

    positions: list[int] = field(default_factory=list)

    async def deliver(self, parcel: Parcel) -> Delivered:
        self.positions.append(parcel.position)
        return Delivered(200, 1)


async def test_what_must_stay_hides_nothing_that_a_courier_could_send(stages: Stages) -> None:
    """Behind more than a page of suspended alerts that are due, it sends what can be sent."""
    id_ = await stages.subscribe(adapter="webhook", settings={"url": "https://desk.example/in"})
    endpoint, store, services = Endpoint(), stages.store, stages.services
    await stages.accepted(*(label(id_of(DYKE, number)) for number in range(1, 72)))
    courier = Courier(
        store.outbox, store.dossiers, store.subscriptions, services.giving, lambda _: endpoint, stages.clock, "courier"
    )
    stop = asyncio.Event()
    serving = asyncio.create_task(courier.run(stop))
    async with asyncio.timeout(30):
        while await store.outbox.depth(id_) > 0:
            await asyncio.sleep(0.01)
        for number in range(1, 71):
            suspended = Stood("suspended", id_of(REVIEWER, 1), REVIEWER, told(stages.now))
            await store.dossiers.note(id_of(DYKE, number), suspended)
        assert await stages.subscribing.replay(stages.caller(), id_, Replay(positions="1-71"), stages.now) == 71
        while await store.outbox.depth(id_) > 70:
            await asyncio.sleep(0.01)
    stop.set()
    await serving
    assert sorted(endpoint.positions) == [*range(1, 71), 71, 71]


async def test_a_test_that_a_courier_takes_at_once_is_told_all_the_same(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever opens the test alert first, who asked for it is told its delivery."""
    id_ = await stages.subscribe()
    reader, outbox = await stages.reader(id_), stages.store.outbox
    taken: list[Opened] = []
    add = outbox.add

    async def add_and_take(subscription: str, alert: str, *, urgent: bool = False) -> Owed:
        owed = await add(subscription, alert, urgent=urgent)
        taken.extend(await written(reader))
        return owed

    monkeypatch.setattr(outbox, "add", add_and_take)
    for number in (1, 2):
        delivery = await stages.subscribing.test(stages.caller(), id_, stages.now)
        assert (delivery, taken[-1].position) == (taken[-1].delivery, number)


@pytest.mark.parametrize("cursor", ["03", "00", "4", "-1", "+1", "1 ", "1.0", "\u0661", "never-was", "", "1" * 400])
async def test_a_cursor_that_never_was_is_refused(cursor: str, stages: Stages) -> None:
    """A cursor is a position that was given, written as its id was; 0 is before the first."""
    id_ = await stages.subscribe()
    await stages.accepted(*(label(id_of(DYKE, number)) for number in (1, 2, 3)))
    await written(await stages.reader(id_))
    with pytest.raises(Refused) as refused:
        await stages.reader(id_, after=cursor)
    assert refused.value.code == "invalid-request"
    for known in ("0", "3"):
        await stages.reader(id_, after=known)


@pytest.mark.parametrize("ends", ["revoked", "expired"])
async def test_a_stream_lasts_as_long_as_its_api_token(ends: str, stages: Stages) -> None:
    """Once the token that opened it was revoked or has expired, a stream gives nothing more, and ends."""
    id_ = await stages.subscribe()
    expires = stages.now.timestamp() + 60
    await stages.store.credentials.add_token(ApiToken("hash", "taxii", PROVINCE, id_, expires))
    who = replace(stages.caller(way=Way.READ_UNBOUND), api_token="hash")
    reader = await reader_of(stages.services, stages.subscribing, who, id_)
    green = HANDLING | {"tlp": "green"}
    await stages.accepted(label(FIRST, handling=green))
    events = reader.events()
    event = await anext(events)
    await reader.written(event)
    await stages.accepted(label(id_of(DYKE, 2), handling=green))
    if ends == "revoked":
        await stages.store.credentials.revoke_token("hash")
    else:
        stages.now += timedelta(seconds=60)
    assert event.cursor == "1"
    assert [each async for each in events] == []


async def test_what_must_stay_hides_nothing_that_is_due(stages: Stages) -> None:
    """Behind more than a page of what its way does not carry, a reader gets what was asked for again."""
    id_ = await stages.subscribe()
    await stages.accepted(*(label(id_of(DYKE, number)) for number in range(1, 71)))
    await stages.accepted(label(id_of(DYKE, 71), handling=HANDLING | {"tlp": "green"}))
    await written(await stages.reader(id_))
    unbound = await stages.reader(id_, way=Way.READ_UNBOUND)
    assert await stages.subscribing.replay(stages.caller(), id_, Replay(positions="1-71"), stages.now) == 71
    for expected in ([71], []):
        assert [each.position for each in await written(unbound)] == expected
    assert await stages.store.outbox.depth(id_) == 70
    assert [each.position for each in await written(await stages.reader(id_, after="71"))] == [*range(1, 71)]


async def test_what_a_way_does_not_carry_opens_nothing_anew(stages: Stages) -> None:
    """A bound and an unbound reader of one subscription each resume as often as they like: the first gets both the part
    and the whole, the second the part, at the positions where they were, and at one more once they expired.
    """
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST, handling=HANDLING | {"tlp": "green"}, parts=PARTS))
    came = {way: await written(await stages.reader(id_, way=way)) for way in (Way.READ_UNBOUND, Way.READ_BOUND)}
    assert [(each.position, each.released) for each in came[Way.READ_UNBOUND]] == [(1, ("main",))]
    assert [(each.position, each.released) for each in came[Way.READ_BOUND]] == [(2, None)]
    for marked in ((), ("expired",)):
        for way in (Way.READ_UNBOUND, Way.READ_BOUND, Way.READ_UNBOUND, Way.READ_BOUND):
            resumed = await written(await stages.reader(id_, way=way, after="0"))
            expected = [("main",), None] if way is Way.READ_BOUND else [("main",)]
            assert [each.released for each in resumed] == expected
            assert {each.marked for each in resumed} == {marked}
        stages.now += timedelta(days=2)
    assert (await stages.store.outbox.head(id_)).position == 4
    assert await stages.store.outbox.depth(id_) == 0


async def test_a_replay_of_what_was_recalled_ends(stages: Stages) -> None:
    """What may not be given any more is not asked for for ever."""
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST))
    reader = await stages.reader(id_)
    await written(reader)
    await stages.accepted(recall(2))
    assert [given.alert for given in await written(reader)] == [id_of(DYKE, 2)]
    assert await stages.subscribing.replay(stages.caller(), id_, Replay(positions="1"), stages.now) == 1
    assert await written(reader) == []
    assert await stages.store.outbox.depth(id_) == 0


@pytest.mark.parametrize("filter_", [{}, {"domains": ["health"]}, {"kinds": ["request"]}], ids=str)
async def test_a_recall_reaches_who_only_read_the_alert(filter_: dict[str, list[str]], stages: Stages) -> None:
    """It goes to all who were given it, by whatever way; to those who were not, and to its issuer, it does not."""
    await stages.accepted(label(FIRST))
    await stages.services.reading.envelope(stages.caller(), FIRST, Purpose.PREVENTION, stages.now)
    await stages.services.reading.envelope(stages.caller(DYKE), FIRST, None, stages.now)
    subscriptions = {agency: await stages.subscribe(agency, filter=filter_) for agency in (PROVINCE, POLICE, DYKE)}
    await stages.accepted(recall(2))
    came = {agency: await written(await stages.reader(id_)) for agency, id_ in subscriptions.items()}
    assert {agency: len(given) for agency, given in came.items()} == {PROVINCE: 1, POLICE: 0, DYKE: 0}


def recalled_once_decided(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first alert is recalled, and that is routed, after the next decision looked at how it stands."""
    directory, at = stages.services.directory, stages.services.directory.at

    async def meanwhile(digest: str) -> Snapshot:
        monkeypatch.setattr(directory, "at", at)
        await stages.accepted(recall(2))
        return await at(digest)

    monkeypatch.setattr(directory, "at", meanwhile)


async def test_a_read_while_it_is_recalled_gives_nothing(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recalled between the decision and the note that it was given is not given by it, for the recall may not
    have seen the note.
    """
    await stages.accepted(label(FIRST))
    recalled_once_decided(stages, monkeypatch)
    with pytest.raises(Refused):
        await stages.services.reading.envelope(stages.caller(), FIRST, Purpose.PREVENTION, stages.now)


async def test_a_delivery_while_it_is_recalled_gives_nothing(stages: Stages, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither does an attempt: it looks again."""
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST))
    held, [owed] = await stages.store.subscriptions.get(id_), await stages.store.outbox.owed(id_, 2, urgent=True)
    assert held is not None
    recalled_once_decided(stages, monkeypatch)
    said = [await stages.services.giving.prepare(held, Way.READ_BOUND, owed, stages.now) for _ in range(2)]
    assert said == ["moved", "ended"]


def recall(number: int) -> Label:
    """Of the first alert."""
    stated = {"kind": "recall", "references": [FIRST], "product": None, "expires": None}
    return label(id_of(DYKE, number), **stated)
