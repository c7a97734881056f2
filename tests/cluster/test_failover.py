"""A primary is killed: its replica takes over, nothing that was acknowledged is lost, and no hand is needed."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from broker.errors import Broken
from broker.ledger.receipts import equivocation
from broker.ports.alert_log import StoredAlert
from broker.ports.failures import Unavailable
from broker.store import node
from broker.store.in_redis import RedisStore
from broker.store.keys import LEDGER, Partition, partition_of
from tests.cluster.servers import ClusterOf6, Watched, until, watched

Make = Callable[..., StoredAlert]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Watched]:
    """A primary, a replica, three sentinels."""
    with watched(tmp_path) as made:
        yield made


class Posters:
    """Append without pause, as posters do that repeat what was not acknowledged."""

    def __init__(self, store: RedisStore, alert: Make, count: int = 16) -> None:
        self.acknowledged: list[StoredAlert] = []
        self.refused = 0
        self._store, self._alert = store, alert
        self._tasks = [asyncio.create_task(self._post(f"vn.a{number}")) for number in range(count)]

    async def _post(self, issuer: str) -> None:
        while True:
            post = self._alert(issuer)
            while True:
                try:
                    await self._store.log.append(post)
                except Unavailable:
                    self.refused += 1
                    await asyncio.sleep(0.05)
                else:
                    self.acknowledged.append(post)
                    break

    async def go_on(self, count: int) -> None:
        """Returns when so many more were acknowledged."""
        wanted = len(self.acknowledged) + count
        async with asyncio.timeout(40):
            while len(self.acknowledged) < wanted:
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


async def all_there(store: RedisStore, posts: list[StoredAlert]) -> None:
    """Each once in the log, in its issuer's order, with its record."""
    told = [entry.alert for number in range(4) for entry in await store.log.read(number, "0-0", 1_000_000)]
    assert len(told) == len(set(told))
    place = {id_: number for number, id_ in enumerate(told)}
    for post in posts:
        assert await store.log.find(post.label.id) == post
    for issuer in {post.label.iss for post in posts}:
        mine = [place[post.label.id] for post in posts if post.label.iss == issuer]
        assert mine == sorted(mine)


async def test_a_primary_of_a_cluster_is_killed(shared_cluster: ClusterOf6, alert: Make) -> None:
    """Its replica takes over; it comes back as the replica; every acknowledged alert is there once."""
    store = RedisStore(shared_cluster.emptied())
    await store.open()
    posters = Posters(store, alert)
    await posters.go_on(200)
    killed = shared_cluster.primary_of(Partition(0).log)
    await asyncio.to_thread(killed.kill)
    successor = await asyncio.to_thread(shared_cluster.primary_of, Partition(0).log)
    assert successor is not killed
    killed.start()  # as whatever watches processes does
    await asyncio.to_thread(until, lambda: killed.info()["role"] == "slave")
    await asyncio.to_thread(shared_cluster.well)
    await posters.go_on(400)
    async with asyncio.timeout(20):  # and it hears what is published
        for _ in range(3):
            await store.outbox.woken("sub_1", 60)
            await store.outbox.signal("sub_1", push=False)
        await store.outbox.woken("sub_1", 60)
    await posters.stop()
    await all_there(store, posters.acknowledged)
    await store.close()


async def test_without_its_replica_nothing_is_acknowledged(shared_cluster: ClusterOf6, alert: Make) -> None:
    """A write that no replica has does not count, nor does the same one repeated; with the replica back it does."""
    store = RedisStore(shared_cluster.emptied())
    await store.open()
    post = alert()
    (replica,) = (each for each in shared_cluster.servers if _follows_partition(shared_cluster, each, post))
    replica.freeze()
    for _ in range(2):  # the second finds the first's record: what it found is not copied either
        with pytest.raises(Unavailable, match="0 of 1 replicas"):
            await store.log.append(post)
    replica.go_on()
    async with asyncio.timeout(20):
        while True:
            with suppress(Unavailable):
                assert not (await store.log.append(post)).fresh
                break
    await store.close()


def _follows_partition(made: ClusterOf6, server: object, post: StoredAlert) -> bool:
    primary = made.primary_of(Partition(partition_of(post.label.id, 4)).log)
    told = server.info()  # type: ignore[attr-defined] # a Server
    return bool(told["role"] == "slave" and told["master_port"] == primary.port)


async def test_one_node_is_no_address_of_a_cluster(shared_cluster: ClusterOf6) -> None:
    """A node's own address, given as that of a single server, is refused with the form that is needed."""
    store = RedisStore(f"redis://127.0.0.1:{shared_cluster.primary_of(Partition(0).log).port}")
    with pytest.raises(Broken, match=r"redis\+cluster://"):
        await store.open()
    await store.close()


async def test_nothing_is_repeated_silently(
    shared_cluster: ClusterOf6, alert: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write whose answer does not come is told as `Unavailable`, and was done once at most."""
    monkeypatch.setattr(node, "TIMEOUT_S", 0.5)
    store = RedisStore(shared_cluster.emptied())
    await store.open()
    said = equivocation("one", "other", "2026-11-22T01:00:00.000Z")
    await store.ledger.add(said)
    primary = shared_cluster.primary_of(LEDGER)
    primary.freeze()
    with pytest.raises(Unavailable, match="does not answer"):
        await store.ledger.add(said)
    primary.go_on()
    async with asyncio.timeout(20):
        while True:
            with suppress(Unavailable):
                assert 1 <= len([entry async for entry in store.ledger.entries()]) <= 2
                break
    await store.close()


async def test_slots_that_move_are_followed(shared_cluster: ClusterOf6, alert: Make) -> None:
    """While a slot is moved (ASK) and afterwards (MOVED) commands go where it is; what spans both is `Unavailable`."""
    store = RedisStore(shared_cluster.emptied())
    await store.open()
    posts = [alert("vn.a0") for _ in range(3)]
    await store.log.append(posts[0])
    log = Partition(partition_of(posts[0].label.id, 4)).log
    slot = shared_cluster.servers[0].says("CLUSTER", "KEYSLOT", log)
    old = shared_cluster.primary_of(log)
    new = next(each for each in shared_cluster.servers if each.info()["role"] == "master" and each is not old)
    old_id, new_id = old.says("CLUSTER", "MYID"), new.says("CLUSTER", "MYID")
    new.says("CLUSTER", "SETSLOT", slot, "IMPORTING", old_id)
    old.says("CLUSTER", "SETSLOT", slot, "MIGRATING", new_id)
    for key in old.says("CLUSTER", "GETKEYSINSLOT", slot, 1_000):
        old.says("MIGRATE", "127.0.0.1", new.port, key, 0, 5_000)
    assert await store.log.find(posts[0].label.id) == posts[0]  # ASK
    assert await store.log.keep(posts[0]) == posts[0]
    with pytest.raises(Unavailable):
        await store.log.append(posts[1])  # some of its keys are not made yet: TRYAGAIN
    for each in (new, old):
        each.says("CLUSTER", "SETSLOT", slot, "NODE", new_id)
    assert (await store.log.append(posts[1])).fresh  # MOVED
    assert (await store.log.append(posts[2])).fresh
    await all_there(store, posts)
    await store.close()
    shared_cluster.emptied()


async def test_sentinels_name_another_primary(pair: Watched, alert: Make) -> None:
    """A primary sleeps, is replaced, and wakes: what it takes before it learns has no copy and does not count."""
    store = RedisStore(pair.url)
    await store.open()
    posters = Posters(store, alert)
    await posters.go_on(200)
    pair.primary.freeze()
    await asyncio.to_thread(until, lambda: pair.named() == pair.replica.port)
    pair.primary.go_on()
    await posters.go_on(400)
    assert posters.refused
    assert pair.replica.replicas() == 1
    await posters.stop()
    await all_there(store, posters.acknowledged)
    with pair.replica.asks() as client:
        assert all(client.exists(_record(post)) for post in posters.acknowledged)
    await store.close()


def _record(post: StoredAlert) -> str:
    return Partition(partition_of(post.label.id, 4)).alert(post.label.id)
