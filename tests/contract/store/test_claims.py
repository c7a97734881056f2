"""The claims of `ports.Outbox`, on every engine: one worker at a time, and no signal is lost."""

import asyncio
import random

S = "sub_1"
NOW = 1795309200.0


def names(claims):
    """The subscriptions that are claimed."""
    return [claim.subscription for claim in claims]


async def test_nothing_to_claim(store):
    """What was never signalled is claimed by nobody; nor is what is signalled for those who come for it."""
    await store.outbox.signal("sub_stream", push=False)
    assert await store.outbox.claim("one", NOW, 60, 10) == []


async def test_exclusive(store):
    """A signalled subscription is claimed by one worker, and by no other while the claim holds."""
    await store.outbox.signal(S, push=True)
    claims = await asyncio.gather(*(store.outbox.claim(f"worker-{n}", NOW, 60, 10) for n in range(10)))
    assert sum(map(len, claims)) == 1
    await store.outbox.signal(S, push=True)
    assert await store.outbox.claim("other", NOW, 60, 10) == []


async def test_first_signalled_first(store):
    """At most `limit` are claimed, in the order in which they were signalled; repeats keep their place."""
    for name in ("sub_c", "sub_a", "sub_b", "sub_c"):
        await store.outbox.signal(name, push=True)
    assert await store.outbox.claim("one", NOW, 60, 0) == []
    assert names(await store.outbox.claim("one", NOW, 60, 2)) == ["sub_c", "sub_a"]
    assert names(await store.outbox.claim("two", NOW, 60, 2)) == ["sub_b"]


async def test_left_until_signalled(store):
    """A subscription that is left with nothing to come is claimed again only when it is signalled."""
    await store.outbox.signal(S, push=True)
    (claim,) = await store.outbox.claim("one", NOW, 60, 10)
    await store.outbox.leave("one", claim, None)
    assert await store.outbox.claim("one", NOW + 1e6, 60, 10) == []
    await store.outbox.signal(S, push=True)
    assert names(await store.outbox.claim("two", NOW, 60, 10)) == [S]


async def test_left_alone(store):
    """A subscription that is left alone is claimed at its time, and before it only when its owner asks."""
    for name in ("sub_1", "sub_2"):
        await store.outbox.signal(name, push=True)
    for claim in await store.outbox.claim("one", NOW, 60, 10):
        await store.outbox.signal(claim.subscription, push=True)
        await store.outbox.leave("one", claim, NOW + 5, alone=True)
    for name in ("sub_1", "sub_2"):
        await store.outbox.signal(name, push=True)
    assert await store.outbox.claim("two", NOW, 60, 10) == []
    await store.outbox.signal("sub_2", push=True, owner=True)
    (claim,) = await store.outbox.claim("two", NOW, 60, 10)
    assert claim.subscription == "sub_2"
    await store.outbox.leave("two", claim, None)
    assert names(await store.outbox.claim("two", NOW + 5, 60, 10)) == ["sub_1"]
    await store.outbox.signal("sub_2", push=True)
    assert names(await store.outbox.claim("two", NOW, 60, 10)) == ["sub_2"]


async def test_left_until_due(store):
    """A subscription that is left until a time is claimed then, and not before unless it is signalled."""
    for name in ("sub_1", "sub_2"):
        await store.outbox.signal(name, push=True)
    for claim in await store.outbox.claim("one", NOW, 60, 10):
        await store.outbox.leave("one", claim, NOW + 5.5)
    assert await store.outbox.claim("one", NOW + 5.4, 60, 10) == []
    await store.outbox.signal("sub_2", push=True)
    (claim,) = await store.outbox.claim("two", NOW, 60, 10)
    assert claim.subscription == "sub_2"
    await store.outbox.leave("two", claim, None)
    assert names(await store.outbox.claim("two", NOW + 5.5, 60, 10)) == ["sub_1"]


async def test_signal_since_the_last_look(store):
    """Signalled after the count that its worker saw, a subscription that is left is ready at once."""
    await store.outbox.signal(S, push=True)
    (claim,) = await store.outbox.claim("one", NOW, 60, 10)
    await store.outbox.signal(S, push=True)
    await store.outbox.leave("one", claim, NOW + 1e6)
    assert names(await store.outbox.claim("two", NOW, 60, 10)) == [S]


async def test_signal_that_was_seen(store):
    """A signal that the worker saw by renewing is not told again."""
    await store.outbox.signal(S, push=True)
    (claim,) = await store.outbox.claim("one", NOW, 60, 10)
    await store.outbox.signal(S, push=True)
    renewed = await store.outbox.renew("one", claim, 60)
    assert renewed.signals > claim.signals
    await store.outbox.leave("one", renewed, None)
    assert await store.outbox.claim("two", NOW, 60, 10) == []


async def test_lapse(store, until):
    """The claim of a worker that says nothing any more passes to another, and the old one finds it lost."""
    await store.outbox.signal(S, push=True)
    (old,) = await store.outbox.claim("dead", NOW, 0.01, 10)
    (new,) = await until(lambda: store.outbox.claim("alive", NOW, 60, 10))
    assert new.token > old.token
    assert await store.outbox.renew("dead", old, 60) is None
    await store.outbox.leave("dead", old, None)
    assert await store.outbox.renew("alive", new, 60) == new


async def test_renewed(store, until):
    """A renewed claim holds on."""
    for name in (S, "sub_brief"):
        await store.outbox.signal(name, push=True)
    claims = {claim.subscription: claim for claim in await store.outbox.claim("one", NOW, 0.05, 10)}
    assert await store.outbox.renew("one", claims[S], 60)
    assert names(await until(lambda: store.outbox.claim("two", NOW, 60, 10))) == ["sub_brief"]


async def test_own_old_claim_is_stale(store, until):
    """A worker's own earlier claim counts no more once it has a new one."""
    await store.outbox.signal(S, push=True)
    (old,) = await store.outbox.claim("one", NOW, 0.01, 10)
    (new,) = await until(lambda: store.outbox.claim("one", NOW, 60, 10))
    assert await store.outbox.renew("one", old, 60) is None
    assert await store.outbox.renew("one", new, 60) == new


async def test_removed_is_lost(store):
    """Whoever serves a subscription that is removed finds its claim lost, and nobody claims it again."""
    await store.outbox.signal(S, push=True)
    (claim,) = await store.outbox.claim("one", NOW, 60, 10)
    await store.outbox.remove(S)
    assert await store.outbox.renew("one", claim, 60) is None
    await store.outbox.leave("one", claim, NOW)
    assert await store.outbox.claim("one", NOW, 60, 10) == []


async def test_no_signal_is_lost(store):
    """Whatever the moment of a signal, work that was put before it is found by some worker, and by one at a time."""
    work, done, serving = 0, 0, 0
    stop = asyncio.Event()

    async def serve(worker):
        nonlocal done, serving
        while not stop.is_set():
            for claim in await store.outbox.claim(worker, NOW, 60, 1):
                serving += 1
                assert serving == 1
                claim = await store.outbox.renew(worker, claim, 60)  # noqa: PLW2901 - as a courier holds it
                done = work
                if random.random() < 0.5:
                    await asyncio.sleep(0)
                serving -= 1
                await store.outbox.leave(worker, claim, None)
            await asyncio.sleep(0)

    async with asyncio.timeout(60):
        workers = [asyncio.create_task(serve(f"worker-{n}")) for n in range(3)]
        for _ in range(150):
            work += 1
            await store.outbox.signal(S, push=True)
            if random.random() < 0.3:
                while done < work:
                    await asyncio.sleep(0.001)
        while done < work:
            await asyncio.sleep(0.001)
        stop.set()
        await asyncio.gather(*workers)


async def test_woken(store):
    """Who waits for a subscription, or for any, hears its signal."""
    async with asyncio.timeout(10):
        for name in (S, None):
            await store.outbox.woken(name, 0.05)
        waiting = [asyncio.create_task(store.outbox.woken(name, 60)) for name in (S, S, None)]
        await asyncio.sleep(0)
        await store.outbox.signal(S, push=False)
        await asyncio.gather(*waiting)


async def test_signal_before_the_wait(store):
    """A signal that came after the look and before the wait ends the wait."""
    async with asyncio.timeout(10):
        for _ in range(3):
            await store.outbox.woken(S, 0.05)
            await store.outbox.signal(S, push=True)
            await store.outbox.woken(S, 60)


async def test_wait_ends(store):
    """Without a signal, waiting ends when the time is over."""
    async with asyncio.timeout(10):
        for _ in range(3):
            await store.outbox.woken(S, 0.01)
