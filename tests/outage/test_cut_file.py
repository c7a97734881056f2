"""The append-only file ends where power went away: what was acknowledged by then is there, and work goes on."""

import random
from collections.abc import Callable

import pytest

from broker.ports.alert_log import StoredAlert
from broker.store.in_redis import RedisStore
from tests.integration.processes import Engine
from tests.outage.files import cut, length

Make = Callable[..., StoredAlert]
ROUNDS = 6


async def append(engine: Engine, posts: list[StoredAlert]) -> list[tuple[int, StoredAlert]]:
    """Each with the length of the file when it was acknowledged: up to there it was fsynced."""
    store = RedisStore(engine.url)
    await store.open()
    done = []
    for post in posts:
        await store.log.append(post)
        done.append((length(engine), post))
    await store.close()
    return done


async def missing(url: str, posts: list[StoredAlert]) -> list[StoredAlert]:
    """Those that are not there whole: record and log entry. Whatever is there, is whole."""
    store = RedisStore(url)
    await store.open()
    told = [entry.alert for number in range(4) for entry in await store.log.read(number, "0-0", 100_000)]
    assert len(told) == len(set(told))
    found = {post.label.id for post in posts if await store.log.find(post.label.id) == post}
    assert found == {post.label.id for post in posts} & set(told)
    await store.close()
    return [post for post in posts if post.label.id not in found]


@pytest.mark.parametrize("seed", [random.randrange(2**32)])
async def test_power_cut_between_fsyncs(store: Engine, alert: Make, seed: int) -> None:
    """Killed, and the file cut at any byte after the last acknowledged write: nothing acknowledged is missing."""
    chance = random.Random(seed)
    acknowledged: list[StoredAlert] = []
    for _ in range(ROUNDS):
        done = await append(store, [alert(f"vn.a{number % 5}") for number in range(20)])
        acknowledged += [post for _, post in done]
        client = RedisStore(store.url)  # more is under way, and not acknowledged, when power goes
        await client.leases.present("routers", "one", 5)
        await client.subscriptions.delete("sub_1")
        await client.close()
        store.kill()
        cut(store, chance.randint(done[-1][0], length(store)))
        store.start()
        assert await missing(store.url, acknowledged) == [], seed


@pytest.mark.parametrize("seed", [random.randrange(2**32)])
async def test_cut_at_a_random_byte(store: Engine, alert: Make, seed: int) -> None:
    """A disk that lost its last writes: the server starts, all that was acknowledged before that byte is there."""
    chance = random.Random(seed)
    kept: list[StoredAlert] = []
    for _ in range(ROUNDS):
        begin = length(store)
        done = await append(store, [alert(f"vn.a{number % 5}") for number in range(20)])
        store.kill()
        at = chance.randint(begin, done[-1][0])
        cut(store, at)
        store.start()
        kept += [post for size, post in done if size <= at]
        assert await missing(store.url, kept) == [], (seed, at)
        again = [post for _, post in done]
        await append(store, again)  # posters that repeat lose nothing, and make nothing double
        assert await missing(store.url, again) == [], (seed, at)
        kept = list({post.label.id: post for post in (*kept, *again)}.values())
