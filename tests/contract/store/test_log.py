"""`ports.AlertLog`, on every engine."""

import asyncio
import itertools
import json
from dataclasses import replace
from itertools import chain

import pytest

from broker.errors import Refused
from broker.label import Label
from broker.ledger.receipts import Entry
from broker.ports.failures import Unavailable
from broker.store.facts import place_of
from broker.store.grouping import GROUP_BYTES, WAITING, WAITING_BYTES, Grouping, Record
from broker.store.in_redis import RedisStore
from broker.store.keys import partition_of
from schemas.envelope import SaltedPart


async def everything(log):
    """All alerts of each partition, in order."""
    return {n: [entry.alert for entry in await log.read(n, "0-0", 10_000)] for n in range(log.partitions)}


async def test_appended_is_found(store, alert):
    """What was appended is found under its id, every member as it came."""
    full = replace(
        alert(), cosignatures=("a..b",), receipt="r.r.r", entry=Entry("salt", '{"a":"ă"}'), trace="00-1-2-01"
    )
    assert (await store.log.append(full)).fresh
    assert await store.log.find(full.label.id) == full
    assert await store.log.find("vn.mae/unknown") is None


@pytest.mark.parametrize("members", [{}, {"areas": [{"name": {"vi": ',"statement":"' + "ế" * 250}, "iso": "VN"}] * 40}])
async def test_the_outside_is_told_alone(store, alert, members):
    """The label comes as it was kept, however long it is and whatever stands in it; of what is not there, none."""
    big = SaltedPart(salt="A" * 43, data="A" * 1_000_000)
    full = replace(alert(), parts={"main": big})
    full = replace(
        full, label=Label.model_validate_json(json.dumps(json.loads(full.label.model_dump_json()) | members))
    )
    await store.log.append(full)
    assert await store.log.label(full.label.id) == full.label
    assert await store.log.label("vn.mae/unknown") is None


async def test_once_ever(store, alert):
    """An id is appended once: the second time tells the alert of the first, and the log has one entry."""
    first = alert()
    other = replace(first, statement="another", label=first.label.model_copy(update={"digest": "sha256:" + "2" * 64}))
    assert (await store.log.append(first)).fresh
    for again in (first, other):
        appended = await store.log.append(again)
        assert (appended.alert, appended.fresh) == (first, False)
    assert [*chain.from_iterable((await everything(store.log)).values())] == [first.label.id]


async def test_same_id_at_the_same_time(store, alert):
    """Of one id posted twice side by side, one is fresh, and both are told the same alert."""
    id_ = alert().label.id
    results = await asyncio.gather(*(store.log.append(replace(alert(id_=id_), statement=str(n))) for n in range(8)))
    assert [result.fresh for result in results].count(True) == 1
    assert len({result.alert.statement for result in results}) == 1


async def test_many_at_once(store, alert):
    """Of five hundred posts side by side each is answered, none is lost or doubled, and issuers keep order."""
    posts = [alert(f"vn.agency{n % 7}") for n in range(500)]
    results = await asyncio.gather(*(store.log.append(post) for post in posts))
    assert [result.alert for result in results] == posts
    assert all(result.fresh for result in results)
    told = await everything(store.log)
    assert sorted(chain.from_iterable(told.values())) == sorted(post.label.id for post in posts)
    for issuer in {post.label.iss for post in posts}:
        ids = [post.label.id for post in posts if post.label.iss == issuer]
        assert [id_ for id_ in told[partition_of(ids[0], 4)] if id_.startswith(f"{issuer}/")] == ids


async def test_issuer_has_one_partition(store, alert):
    """All alerts of an issuer stand in one partition, in the order in which they were accepted."""
    posts = [alert("vn.mae.dyke") for _ in range(5)]
    for post in posts:
        await store.log.append(post)
    told = [ids for ids in (await everything(store.log)).values() if ids]
    assert told == [[post.label.id for post in posts]]


async def test_positions_only_grow(store, alert):
    """Positions in a partition compare as (ms, sequence) and only grow."""
    for _ in range(20):
        await store.log.append(alert())
    partition = partition_of("vn.mae/x", 4)
    places = [place_of(entry.position) for entry in await store.log.read(partition, "0-0", 100)]
    assert len(places) == 20
    assert all(one < other for one, other in itertools.pairwise(places))


@pytest.mark.parametrize("step", [1, 3, 100])
async def test_resumes_anywhere(store, alert, step):
    """A reader that stops after any entry goes on without gap or repeat."""
    posts = [alert() for _ in range(10)]
    for post in posts:
        await store.log.append(post)
    partition, after, seen = partition_of("vn.mae/x", 4), "0-0", []
    while entries := await store.log.read(partition, after, step):
        assert len(entries) <= step
        assert {entry.partition for entry in entries} == {partition}
        seen += [entry.alert for entry in entries]
        after = entries[-1].position
    assert seen == [post.label.id for post in posts]


async def test_tails(store, alert):
    """The tail of a partition is the position of its last entry, "0-0" before there is one."""
    assert await store.log.tails() == dict.fromkeys(range(4), "0-0")
    await store.log.append(alert())
    await store.log.append(alert())
    partition = partition_of("vn.mae/x", 4)
    last = (await store.log.read(partition, "0-0", 10))[-1].position
    assert (await store.log.tails())[partition] == last
    assert await store.log.read(partition, last, 10) == []


async def test_kept_without_entry(store, alert):
    """What is kept is found, stands in no partition, and the first of an id stays."""
    first = alert("vn.hub")
    assert await store.log.keep(first) == first
    assert await store.log.keep(replace(first, statement="another")) == first
    assert await store.log.find(first.label.id) == first
    assert not any((await everything(store.log)).values())


async def test_cursor_moves_forward(store):
    """The cursor begins at "0-0", is moved by the holder of the partition's lease, and never goes back."""
    token = await store.leases.acquire("partition-2", "router", 10)
    assert await store.log.cursor(2) == "0-0"
    assert await store.log.routed(2, "7-10", token)
    assert await store.log.routed(2, "7-9", token)
    assert await store.log.cursor(2) == "7-10"
    assert await store.log.routed(2, "10-0", token)
    assert await store.log.cursor(2) == "10-0"
    assert await store.log.cursor(1) == "0-0"


async def test_cursor_is_fenced(store, until):
    """A router whose lease another took moves nothing any more."""
    old = await store.leases.acquire("partition-0", "old", 0.01)
    new = await until(lambda: store.leases.acquire("partition-0", "new", 10))
    assert not await store.log.routed(0, "9-0", old)
    assert await store.log.cursor(0) == "0-0"
    assert await store.log.routed(0, "8-0", new)


async def test_no_lease_no_cursor(store):
    """Without any lease a token moves nothing."""
    assert not await store.log.routed(0, "9-0", 1)


async def test_wait_returns_for_what_is_there(store, alert):
    """With an entry after one of the positions, waiting returns at once."""
    await store.log.append(alert())
    async with asyncio.timeout(5):
        await store.log.wait(dict.fromkeys(range(4), "0-0"), 60)


async def test_wait_is_woken(store, alert):
    """Who waits hears of an append that comes later."""

    async def follow():
        while not any((await everything(store.log)).values()):
            await store.log.wait(await store.log.tails(), 60)

    async with asyncio.timeout(5):
        following = asyncio.create_task(follow())
        for _ in range(5):
            await asyncio.sleep(0)
        await store.log.append(alert())
        await following


async def test_parked(store, alert):
    """What is set aside is told with its reason until it is taken back; the log keeps its entry."""
    posts = [alert("vn.a"), alert("vn.b")]
    for post in posts:
        await store.log.append(post)
    entries = [entry for n in range(store.log.partitions) for entry in await store.log.read(n, "0-0", 10)]
    assert await store.log.parked() == []
    for second, entry in enumerate(entries):
        await store.log.park(entry, "KeyError", f"2026-11-22T01:00:0{second}.000Z")
    await store.log.park(entries[1], "KeyError", "2026-11-22T01:00:01.000Z")
    assert [(each.entry, each.why) for each in await store.log.parked()] == [(entry, "KeyError") for entry in entries]
    await store.log.unpark(entries[0].alert)
    assert [each.entry for each in await store.log.parked()] == [entries[1]]
    assert sum(len(alerts) for alerts in (await everything(store.log)).values()) == 2


async def test_wait_ends(store):
    """With nothing to come, waiting ends when the time is over."""
    async with asyncio.timeout(5):
        for _ in range(3):
            await store.log.wait(await store.log.tails(), 0.01)


async def test_two_processes_append_once(address, alert):
    """Two ingress processes that append the same ids leave one entry each."""
    one, other = RedisStore(address), RedisStore(address)
    await one.open()
    await other.open()
    posts = [alert(f"vn.a{n % 5}") for n in range(60)]
    results = await asyncio.gather(*(store.log.append(post) for post in posts for store in (one, other)))
    assert sum(result.fresh for result in results) == 60
    assert sorted(chain.from_iterable((await everything(one.log)).values())) == sorted(post.label.id for post in posts)
    await one.close()
    await other.close()


async def test_busy_at_once():
    """When too many wait, the next is refused with `busy` and a time to come back, and the others are still written."""
    group = Grouping(_echo)
    posts = (group.add(Record(str(n), b"")) for n in range(WAITING + 3))
    results = await asyncio.gather(*posts, return_exceptions=True)
    assert results[:WAITING] == [str(n) for n in range(WAITING)]
    assert [(refused.code, refused.retry_after) for refused in results[WAITING:]] == [("busy", 1)] * 3
    assert await group.add(Record("later", b"")) == "later"


async def test_busy_by_bytes():
    """The bound holds for bytes as well."""
    group, half = Grouping(_echo), bytes(WAITING_BYTES // 2)
    results = await asyncio.gather(*(group.add(Record(str(n), half)) for n in range(3)), return_exceptions=True)
    assert results[:2] == ["0", "1"]
    assert isinstance(results[2], Refused)


async def test_gone_poster_is_not_written():
    """A poster who has gone away before the write costs nothing."""
    written = []

    async def write(records):
        written.extend(record.alert for record in records)
        return await _echo(records)

    group = Grouping(write)
    gone, stays = (asyncio.create_task(group.add(Record(name, b""))) for name in ("gone", "stays"))
    await asyncio.sleep(0)
    gone.cancel()
    assert await stays == "stays"
    assert written == ["stays"]


async def _echo(records):
    return [record.alert for record in records]


async def test_failure_reaches_each_of_the_group():
    """When a group's write fails, each of its posters is told, and the next group is written all the same."""
    calls = []

    async def write(records):
        calls.append(len(records))
        if len(calls) == 1:
            raise Unavailable("away")
        return [record.alert for record in records]

    group = Grouping(write)
    results = await asyncio.gather(*(group.add(Record(str(n), b"")) for n in range(3)), return_exceptions=True)
    assert [type(result) for result in results] == [Unavailable] * 3
    assert await group.add(Record("later", b"")) == "later"


async def test_groups_are_bounded_in_bytes():
    """Large posts are written in several groups, in order; a single one larger than a group goes alone."""
    groups = []

    async def write(records):
        groups.append([record.alert for record in records])
        return groups[-1]

    group = Grouping(write)
    sizes = [10, GROUP_BYTES - 10, 1, GROUP_BYTES + 1, 5]
    await asyncio.gather(*(group.add(Record(str(n), bytes(size))) for n, size in enumerate(sizes)))
    assert groups == [["0", "1"], ["2"], ["3"], ["4"]]
