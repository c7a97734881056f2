"""`ports.Outbox` without its claims, on every engine."""

import asyncio
from dataclasses import replace

import pytest

from broker.policy.breaker import WELL, Breaker
from broker.ports.outbox import Head
from broker.store.in_redis import RedisStore

S = "sub_1"


def alerts(owed):
    """Their ids, in order."""
    return [each.alert for each in owed]


async def queue(store, *names):
    """Puts the alerts in, and tells how they are owed."""
    for n, name in enumerate(names, 1):
        await store.outbox.put(S, 0, f"1-{n}", [name])
    return await store.outbox.owed(S, 1000)


async def test_empty(store):
    """A subscription that nobody put anything into owes nothing and stands at position 0."""
    outbox = store.outbox
    assert await outbox.owed(S, 10) == []
    assert await outbox.head(S) == Head(0, None)
    assert await outbox.depth(S) == 0
    assert await outbox.next_due(S) is None
    assert await outbox.unsettled(S) is None
    assert await outbox.due(S, float("inf"), 10) == []
    assert await outbox.opened(S, 0, 10) == []
    assert await outbox.attempts(S, None, 10) == ([], None)
    assert await outbox.dead(S) == []


async def test_put_is_queued_in_order(store):
    """What is put is owed, in order, with a place that grows."""
    await store.outbox.put(S, 0, "1-1", ["vn.a/1", "vn.a/2"])
    await store.outbox.put(S, 0, "2-0", ["vn.a/3"])
    assert alerts(await store.outbox.owed(S, 10)) == ["vn.a/1", "vn.a/2", "vn.a/3"]
    assert await store.outbox.depth(S) == 3
    assert await store.outbox.owed("sub_2", 10) == []


async def test_lanes(store, opened):
    """What is urgent is owed in a lane of its own, in order there; a position is taken once over both lanes."""
    assert await store.outbox.put(S, 0, "1-1", ["vn.a/1"])
    assert await store.outbox.put(S, 0, "1-2", ["vn.a/2"], urgent=True)
    assert not await store.outbox.put(S, 0, "1-2", ["vn.a/2"])
    assert await store.outbox.put(S, 0, "1-3", ["vn.a/3"], urgent=True)
    assert (await store.outbox.add(S, "vn.hub/4", urgent=True)).urgent
    assert alerts(await store.outbox.owed(S, 10)) == ["vn.a/1"]
    first, second, third = await store.outbox.owed(S, 10, urgent=True)
    assert alerts([first, second, third]) == ["vn.a/2", "vn.a/3", "vn.hub/4"]
    assert await store.outbox.owed(S, 10, first.ref, urgent=True) == [second, third]
    assert await store.outbox.depth(S) == 4
    assert await store.outbox.open(S, first, opened(1, "vn.a/2"))
    await store.outbox.drop(S, second)
    assert await store.outbox.owed(S, 10, urgent=True) == [third]
    assert await store.outbox.depth(S) == 3


async def test_rest_stays_owed(store, opened):
    """Where a delivery gives a part of what is owed, the rest is queued with what was given, in the same step."""
    (first,) = await queue(store, "vn.a/1")
    assert await store.outbox.open(S, first, opened(1, "vn.a/1", released=("main",)), rest=True)
    (rest,) = await store.outbox.owed(S, 10)
    assert (rest.alert, rest.given) == ("vn.a/1", ("main",))
    assert await store.outbox.depth(S) == 2
    assert not await store.outbox.open(S, first, opened(2, "vn.a/1", released=("main",)), rest=True)
    assert await store.outbox.open(S, rest, opened(2, "vn.a/1"))
    assert await store.outbox.owed(S, 10) == []


async def test_put_repeated_adds_nothing(store):
    """A log position is taken from a partition once, and none before it is taken after."""
    assert await store.outbox.put(S, 0, "9-10", ["vn.a/1"])
    assert not await store.outbox.put(S, 0, "9-10", ["vn.a/1"])
    assert not await store.outbox.put(S, 0, "9-9", ["vn.a/0"])
    assert not await store.outbox.put(S, 0, "8-11", ["vn.a/0"])
    assert await store.outbox.put(S, 0, "10-0", ["vn.a/2"])
    assert alerts(await store.outbox.owed(S, 10)) == ["vn.a/1", "vn.a/2"]


async def test_slower_partition_loses_nothing(store):
    """Positions of one partition say nothing about another's: the slower one's smaller positions are taken too."""
    for n in range(1, 50):
        assert await store.outbox.put(S, 0, f"{1000 + n}-0", [f"vn.fast/{n}"])
        assert await store.outbox.put(S, 1, f"{n}-0", [f"vn.slow/{n}"])
        assert not await store.outbox.put(S, 1, f"{n}-0", [f"vn.slow/{n}"])
    assert len(await store.outbox.owed(S, 1000)) == 98


async def test_put_repeated_side_by_side(store):
    """Two routers that repeat the same steps leave each alert once."""
    steps = [(n % 3, f"{n}-0", [f"vn.a/{n}"]) for n in range(1, 60)]
    for step in steps:
        await asyncio.gather(store.outbox.put(S, *step), store.outbox.put(S, *step))
    assert sorted(alerts(await store.outbox.owed(S, 1000))) == sorted(step[2][0] for step in steps)


async def test_begins_after_the_tails(store):
    """A new subscription takes nothing up to the positions at which it began; unknown partitions begin at once."""
    await store.outbox.open_at(S, {0: "5-0", 1: "0-0"})
    assert not await store.outbox.put(S, 0, "5-0", ["vn.a/1"])
    assert await store.outbox.put(S, 0, "5-1", ["vn.a/2"])
    assert await store.outbox.put(S, 1, "0-1", ["vn.a/3"])
    assert await store.outbox.put(S, 2, "1-0", ["vn.a/4"])
    await store.outbox.open_at(S, {0: "5-0", 1: "0-0"})
    assert not await store.outbox.put(S, 0, "5-1", ["vn.a/2"])


async def test_owed_reads_on(store):
    """The queue is read from its beginning, or from what follows a place."""
    owed = await queue(store, "vn.a/1", "vn.a/2", "vn.a/3")
    assert await store.outbox.owed(S, 2) == owed[:2]
    assert await store.outbox.owed(S, 2, owed[1].ref) == owed[2:]
    assert await store.outbox.owed(S, 2, owed[2].ref) == []
    await store.outbox.drop(S, owed[1])
    assert await store.outbox.owed(S, 2, owed[1].ref) == owed[2:]


async def test_added_once_ever(store, opened):
    """What is added is queued once, also when it has been sent since, and gives the same place."""
    first = await store.outbox.add(S, "vn.hub/1")
    assert await store.outbox.add(S, "vn.hub/1") == first
    assert await store.outbox.owed(S, 10) == [first]
    assert await store.outbox.open(S, first, opened(1, "vn.hub/1"))
    assert await store.outbox.add(S, "vn.hub/1") == first
    assert await store.outbox.owed(S, 10) == []


async def test_opened_as_it_was_given(store, opened):
    """An opened delivery leaves the queue, is the head, is due at once, and comes back as it was given."""
    (owed,) = await queue(store, "vn.a/1")
    delivery = opened(
        1, "vn.a/1", released=("main", "photo"), marked=("expired",), conditions=("Không dùng cho án tử hình",)
    )
    assert await store.outbox.open(S, owed, delivery)
    assert await store.outbox.owed(S, 10) == []
    assert await store.outbox.head(S) == Head(1, "sha256:1")
    assert await store.outbox.opened(S, 0, 10) == [delivery]
    assert await store.outbox.due(S, 1.0, 10) == [delivery]
    assert await store.outbox.next_due(S) == 0
    assert await store.outbox.unsettled(S) == 1
    assert await store.outbox.depth(S) == 1


@pytest.mark.parametrize("position", [0, 2, 3])
async def test_only_the_next_position(store, opened, position):
    """A position that is not the head's next is not given, and nothing changes."""
    (owed,) = await queue(store, "vn.a/1")
    assert not await store.outbox.open(S, owed, opened(position))
    assert await store.outbox.owed(S, 10) == [owed]
    assert await store.outbox.head(S) == Head(0, None)


async def test_opened_once(store, opened):
    """What was owed gets one position, however many ask at once; two owed ones never share a position."""
    owed = await queue(store, *(f"vn.a/{n}" for n in range(10)))

    async def take(what):
        head = await store.outbox.head(S)
        return await store.outbox.open(S, what, opened(head.position + 1, what.alert))

    while left := await store.outbox.owed(S, 100):
        await asyncio.gather(*(take(what) for what in left for _ in range(3)))
    sent = await store.outbox.opened(S, 0, 100)
    assert [each.position for each in sent] == list(range(1, 11))
    assert sorted(each.alert for each in sent) == sorted(alerts(owed))


async def test_dropped_is_not_opened(store, opened):
    """What was dropped cannot be opened any more."""
    (owed,) = await queue(store, "vn.a/1")
    await store.outbox.drop(S, owed)
    await store.outbox.drop(S, owed)
    assert not await store.outbox.open(S, owed, opened(1))
    assert await store.outbox.depth(S) == 0


async def _opened(store, opened, count):
    for n in range(1, count + 1):
        owed = await store.outbox.add(S, f"vn.a/{n}")
        assert await store.outbox.open(S, owed, opened(n, f"vn.a/{n}"))
    return await store.outbox.opened(S, 0, count)


async def test_replaced(store, opened):
    """An opened delivery whose content changed takes the next position; the old one is replaced, and nothing to do."""
    (old,) = await _opened(store, opened, 1)
    assert await store.outbox.open(S, old, opened(2, "vn.a/1", marked=("expired",)))
    assert not await store.outbox.open(S, old, opened(3, "vn.a/1"))
    told = await store.outbox.opened(S, 0, 10)
    assert [(each.position, each.replaced) for each in told] == [(1, True), (2, False)]
    assert [each.position for each in await store.outbox.due(S, float("inf"), 10)] == [2]
    assert await store.outbox.unsettled(S) == 2
    assert await store.outbox.depth(S) == 1


async def test_replacement_begins_anew(store, opened, attempt):
    """What replaces another has no attempts yet, and stays one that was asked for again."""
    await _opened(store, opened, 1)
    await store.outbox.again(S, [1], 0.0)
    await store.outbox.settle(S, attempt(1), "retry", 5.0)
    (old,) = await store.outbox.due(S, 9.0, 10)
    assert (old.attempts, old.again) == (1, True)
    assert await store.outbox.open(S, old, replace(old, position=2, digest="sha256:2"))
    (new,) = await store.outbox.due(S, 0.0, 10)
    assert (new.position, new.attempts, new.again, new.replaced) == (2, 0, True, False)


async def test_settled_cannot_be_replaced(store, opened, attempt):
    """What is settled keeps its position."""
    (old,) = await _opened(store, opened, 1)
    await store.outbox.settle(S, attempt(1, "delivered"), "delivered")
    assert not await store.outbox.open(S, old, opened(2, "vn.a/1"))


@pytest.mark.parametrize("then", ["delivered", "dead", None], ids=str)
async def test_settled_is_replaced_where_a_reader_asks(store, opened, attempt, then):
    """Asked for with `settled`, what was delivered, dead or dropped is opened at the next position, once."""
    (old,) = await _opened(store, opened, 1)
    if then is None:
        await store.outbox.drop(S, old)
    else:
        await store.outbox.settle(S, attempt(1), then)
    assert await store.outbox.open(S, old, opened(2, "vn.a/1", marked=("expired",)), settled=True)
    assert not await store.outbox.open(S, old, opened(3, "vn.a/1"), settled=True)
    assert not await store.outbox.open(S, opened(9), opened(3, "vn.a/1"), settled=True)
    told = await store.outbox.opened(S, 0, 10)
    assert [(each.position, each.replaced, each.again) for each in told] == [(1, True, False), (2, False, False)]
    assert [each.position for each in await store.outbox.due(S, 1.0, 10)] == [2]
    assert await store.outbox.dead(S) == []


async def test_delivered(store, opened, attempt):
    """What is delivered is owed no more; its attempt is told, and its delivery can be read."""
    await _opened(store, opened, 2)
    await store.outbox.settle(S, attempt(1, "delivered"), "delivered")
    assert [each.position for each in await store.outbox.due(S, float("inf"), 10)] == [2]
    assert await store.outbox.depth(S) == 1
    assert await store.outbox.unsettled(S) == 2
    assert await store.outbox.attempts(S, None, 10) == ([attempt(1, "delivered")], None)
    assert [each.position for each in await store.outbox.opened(S, 0, 10)] == [1, 2]


async def test_retry(store, opened, attempt):
    """What failed is due at its time and not before, with one attempt more."""
    await _opened(store, opened, 1)
    for tries in (1, 2, 3):
        await store.outbox.settle(S, attempt(1), "retry", 100.25 * tries)
        assert await store.outbox.due(S, 100.25 * tries - 0.001, 10) == []
        assert [each.attempts for each in await store.outbox.due(S, 100.25 * tries, 10)] == [tries]
        assert await store.outbox.next_due(S) == 100.25 * tries
    assert await store.outbox.unsettled(S) == 1


async def test_waiting_is_no_try(store, opened, attempt):
    """What failed by a fault of ours is due at its time with no attempt more; the attempt is told all the same."""
    await _opened(store, opened, 1)
    await store.outbox.settle(S, attempt(1), "retry", 1.0)
    await store.outbox.settle(S, attempt(1), "wait", 7.0)
    assert await store.outbox.due(S, 6.0, 10) == []
    assert [each.attempts for each in await store.outbox.due(S, 7.0, 10)] == [1]
    assert len((await store.outbox.attempts(S, None, 10))[0]) == 2


async def test_waiting(store, opened, attempt):
    """Waiting is what is to be tried later than now, whole as it was opened: not what is due, settled or dropped."""
    await _opened(store, opened, 4)
    await store.outbox.settle(S, attempt(1), "retry", 7.0)
    await store.outbox.settle(S, attempt(2), "retry", 5.0)
    await store.outbox.settle(S, attempt(3), "delivered")
    assert {each.position for each in await store.outbox.waiting(S, 4.0)} == {1, 2}
    (left,) = await store.outbox.waiting(S, 5.0)
    (known,) = await store.outbox.opened(S, 0, 1)
    assert replace(left, attempts=known.attempts) == known
    assert await store.outbox.waiting(S, 7.0) == []


async def test_breaker(store):
    """A breaker's state is kept for each subscription, until the next is said or the subscription is removed."""
    assert await store.outbox.breaker(S) == WELL
    await store.outbox.trip(S, Breaker(7, 1795309200.25))
    assert await store.outbox.breaker(S) == Breaker(7, 1795309200.25)
    assert await store.outbox.breaker("sub_2") == WELL
    await store.outbox.trip(S, WELL)
    assert await store.outbox.breaker(S) == WELL
    await store.outbox.trip(S, Breaker(1, 0.0))
    await store.outbox.remove(S)
    assert await store.outbox.breaker(S) == WELL


async def test_due_by_position(store, opened, attempt):
    """Of what is due, the lowest position comes first, whatever its time; with an infinite time, all that is open."""
    await _opened(store, opened, 12)
    for position in range(1, 13):
        await store.outbox.settle(S, attempt(position), "retry", 100.0 - position)
    assert [each.position for each in await store.outbox.due(S, 95.0, 3)] == [5, 6, 7]
    assert [each.position for each in await store.outbox.due(S, float("inf"), 3)] == [1, 2, 3]
    assert await store.outbox.next_due(S) == 88.0


async def test_dead(store, opened, attempt):
    """A dead delivery is owed no more, and its last attempt is told."""
    await _opened(store, opened, 2)
    await store.outbox.settle(S, attempt(2), "dead")
    await store.outbox.settle(S, attempt(1), "retry", 5.0)
    await store.outbox.settle(S, attempt(1, "refused"), "dead")
    assert await store.outbox.dead(S) == [attempt(1, "refused"), attempt(2)]
    assert await store.outbox.depth(S) == 0
    assert await store.outbox.unsettled(S) is None


async def test_again(store, opened, attempt):
    """A dead or delivered one that is asked for again is due, its tries counted anew, until it is settled."""
    await _opened(store, opened, 3)
    await store.outbox.settle(S, attempt(1), "retry", 5.0)
    await store.outbox.settle(S, attempt(1), "dead")
    await store.outbox.settle(S, attempt(2, "delivered"), "delivered")
    assert await store.outbox.again(S, [1, 2], 50.0) == 2
    due = await store.outbox.due(S, 50.0, 10)
    assert [(each.position, each.attempts, each.again) for each in due] == [(1, 0, True), (2, 0, True), (3, 0, False)]
    assert await store.outbox.dead(S) == []
    assert await store.outbox.depth(S) == 3
    for position in (1, 2):
        await store.outbox.settle(S, attempt(position, "delivered"), "delivered")
    assert not any(each.again for each in await store.outbox.opened(S, 0, 10))


async def test_again_in_order(store, opened, attempt):
    """Of more that were asked for again together than are looked at as overdue, the lowest positions come first."""
    await _opened(store, opened, 1_100)
    for position in range(1, 1_101):
        await store.outbox.settle(S, attempt(position, "delivered"), "delivered")
    assert await store.outbox.again(S, range(1, 1_101), 1795309200.25) == 1_100
    seen = []
    while due := await store.outbox.due(S, 1795309200.25, 100):
        seen += [each.position for each in due]
        for each in due:
            await store.outbox.settle(S, attempt(each.position, "delivered"), "delivered")
    assert seen == list(range(1, 1_101))


@pytest.mark.parametrize("now", [5.0, float("inf")])
async def test_due_by_page(store, opened, attempt, now):
    """What is due is read from behind any position, so that what must stay hides nothing."""
    await _opened(store, opened, 10)
    await store.outbox.settle(S, attempt(4, "delivered"), "delivered")
    after, seen = 0, []
    while page := await store.outbox.due(S, now, 3, after):
        seen += [each.position for each in page]
        after = page[-1].position
    assert seen == [1, 2, 3, 5, 6, 7, 8, 9, 10]


async def test_again_only_what_is(store, opened):
    """Positions that were never given, and replaced ones, are passed over."""
    (old,) = await _opened(store, opened, 1)
    await store.outbox.open(S, old, opened(2))
    assert await store.outbox.again(S, [0, 1, 2, 3], 0.0) == 1
    assert await store.outbox.again(S, [], 0.0) == 0


async def test_again_many(store, opened, attempt):
    """Any number of positions can be asked for again."""
    await _opened(store, opened, 1)
    await store.outbox.settle(S, attempt(1, "delivered"), "delivered")
    assert await store.outbox.again(S, [*range(2, 3000), 1], 0.0) == 1


async def test_late_settlement_changes_nothing(store, opened, attempt):
    """A sender who lost its claim and settles late records its attempt, and undoes nothing of what followed."""
    await _opened(store, opened, 3)
    await store.outbox.settle(S, attempt(1, "delivered"), "delivered")
    await store.outbox.settle(S, attempt(1), "retry", 5.0)
    await store.outbox.settle(S, attempt(1), "dead")
    (_, second, third) = await store.outbox.opened(S, 0, 10)
    await store.outbox.drop(S, second)
    await store.outbox.settle(S, attempt(2), "retry", 5.0)
    await store.outbox.open(S, third, opened(4))
    await store.outbox.settle(S, attempt(3), "retry", 5.0)
    assert [each.position for each in await store.outbox.due(S, float("inf"), 10)] == [4]
    assert await store.outbox.dead(S) == []
    assert len((await store.outbox.attempts(S, None, 10))[0]) == 5


async def test_delivered_late_is_no_dead_letter(store, opened, attempt):
    """A delivery that turns out to have arrived is no dead letter any more."""
    await _opened(store, opened, 1)
    await store.outbox.settle(S, attempt(1), "dead")
    await store.outbox.settle(S, attempt(1, "delivered"), "delivered")
    assert await store.outbox.dead(S) == []


async def test_dropped_delivery(store, opened):
    """An opened delivery that is dropped is owed no more; its position stays."""
    (delivery,) = await _opened(store, opened, 1)
    await store.outbox.drop(S, delivery)
    assert await store.outbox.depth(S) == 0
    assert await store.outbox.opened(S, 0, 10) == [delivery]
    assert await store.outbox.head(S) == Head(1, "sha256:1")


@pytest.mark.parametrize("step", [1, 3, 100])
async def test_opened_by_page(store, opened, step):
    """Deliveries are read by position, from after any, without gap or repeat."""
    await _opened(store, opened, 10)
    after, seen = 0, []
    while page := await store.outbox.opened(S, after, step):
        seen += [each.position for each in page]
        after = page[-1].position
    assert seen == list(range(1, 11))


@pytest.mark.parametrize("step", [1, 3, 10, 100])
async def test_attempts_by_page(store, opened, attempt, step):
    """Attempts are read oldest first, page by page; the last page says that it is the last."""
    await _opened(store, opened, 1)
    for n in range(10):
        await store.outbox.settle(S, attempt(1, f"refused-{n}"), "retry", 1.0)
    seen, after = [], None
    while True:
        page, after = await store.outbox.attempts(S, after, step)
        seen += [each.outcome for each in page]
        if after is None:
            break
    assert seen == [f"refused-{n}" for n in range(10)]


async def test_removed(store, opened, attempt):
    """A removed subscription leaves nothing, and takes no other's with it."""
    await _opened(store, opened, 2)
    await store.outbox.settle(S, attempt(1), "dead")
    await queue(store, "vn.a/8")
    await store.outbox.put("sub_2", 0, "1-1", ["vn.a/1"])
    await store.outbox.remove(S)
    await test_empty(store)
    assert await store.outbox.depth("sub_2") == 1


async def test_said_of_the_removed(store, opened, attempt):
    """What a router or a courier still says of a removed subscription leaves nothing of it."""
    await _opened(store, opened, 2)
    (due, _) = await store.outbox.due(S, 0.0, 2)
    await store.outbox.remove(S)
    assert not await store.outbox.put(S, 0, "9-9", ["vn.a/9"])
    await store.outbox.open_at(S, {0: "9-9"})
    added = await store.outbox.add(S, "vn.a/9")
    for what in (added, due):
        assert not await store.outbox.open(S, what, opened(1))
        await store.outbox.drop(S, what)
    for then in ("delivered", "retry", "wait", "dead"):
        await store.outbox.settle(S, attempt(1), then, 5.0)
    await store.outbox.trip(S, Breaker(3, 5.0))
    assert await store.outbox.again(S, [1, 2], 0.0) == 0
    for owner in (False, True):
        await store.outbox.signal(S, push=True, owner=owner)
    assert await store.outbox.claim("one", 1e9, 60, 10) == []
    assert await store.outbox.breaker(S) == WELL
    assert await store.outbox.attempts(S, None, 10) == ([], None)
    await test_empty(store)


async def test_the_removed_is_forgotten(address, inside, opened, attempt):
    """Of a removed subscription one key remains, and that one expires."""
    store = RedisStore(address)
    await store.open()
    await test_said_of_the_removed(store, opened, attempt)
    await store.close()
    left, *more = {name for name in inside.scan_iter("*{" + S + "}*") if not name.endswith(":mark")}
    assert more == []
    assert 0 < inside.ttl(left) <= 86_400
    (remembered,) = set(inside.scan_iter("*{courier}:gone"))
    assert 0 < inside.ttl(remembered) <= 86_400
