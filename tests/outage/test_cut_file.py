"""The append-only file ends where power went away: what was acknowledged by then is there, and work goes on."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from broker.ports import StoredAlert
from broker.store.in_redis import RedisStore
from tests.integration.processes import Engine, serving, until
from tests.outage.conftest import Partner
from tests.outage.posting import Posters

Make = Callable[..., StoredAlert]
ROUNDS = 6


def file_of(store: Engine) -> Path:
    """Where it appends."""
    (file,) = (store.folder / "appendonlydir").glob("*.incr.aof")
    return file


def length(file: Path) -> int:
    """In bytes."""
    return file.stat().st_size


def cut(file: Path, at: int) -> None:
    """What stood from that byte on never reached the disk."""
    with file.open("rb+") as opened:
        opened.truncate(at)


async def append(url: str, posts: list[StoredAlert], file: Path) -> list[tuple[int, StoredAlert]]:
    """Each with the length of the file when it was acknowledged: up to there it was fsynced."""
    store = RedisStore(url)
    await store.open()
    done = []
    for post in posts:
        await store.log.append(post)
        done.append((length(file), post))
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
        done = await append(store.url, [alert(f"vn.a{number % 5}") for number in range(20)], file_of(store))
        acknowledged += [post for _, post in done]
        client = RedisStore(store.url)  # more is under way, and not acknowledged, when power goes
        await client.leases.present("routers", "one", 5)
        await client.subscriptions.delete("sub_1")
        await client.close()
        store.kill()
        file = file_of(store)
        cut(file, chance.randint(done[-1][0], file.stat().st_size))
        store.start()
        assert await missing(store.url, acknowledged) == [], seed


@pytest.mark.parametrize("seed", [random.randrange(2**32)])
async def test_cut_at_a_random_byte(store: Engine, alert: Make, seed: int) -> None:
    """A disk that lost its last writes: the server starts, all that was acknowledged before that byte is there."""
    chance = random.Random(seed)
    kept: list[StoredAlert] = []
    for _ in range(ROUNDS):
        begin = file_of(store).stat().st_size
        done = await append(store.url, [alert(f"vn.a{number % 5}") for number in range(20)], file_of(store))
        store.kill()
        at = chance.randint(begin, done[-1][0])
        cut(file_of(store), at)
        store.start()
        kept += [post for size, post in done if size <= at]
        assert await missing(store.url, kept) == [], (seed, at)
        again = [post for _, post in done]
        await append(store.url, again, file_of(store))  # posters that repeat lose nothing, and make nothing double
        assert await missing(store.url, again) == [], (seed, at)
        kept = list({post.label.id: post for post in (*kept, *again)}.values())


def test_a_hub_goes_on_after_a_power_cut(store: Engine, partner: Partner) -> None:
    """Under load the server is killed and its file loses its unacknowledged end: every 202 is delivered."""
    with serving(partner.world, REDIS_URL=store.url) as hub:
        partner.subscribe(hub)
        with Posters(hub, partner.world) as posters:
            for _ in range(2):
                posters.go_on(30)
                seen = length(file_of(store))
                taken = list(posters.acknowledged)
                store.kill()
                until(lambda: posters.refused)
                file = file_of(store)
                assert length(file) >= seen
                if len(posters.acknowledged) == len(taken):  # nothing was acknowledged after that was seen
                    cut(file, random.randint(seen, length(file)))
                store.start()
            posters.go_on(30)
        until(lambda: set(posters.acknowledged) <= set(partner.receiver.ids()))
