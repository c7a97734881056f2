"""`ports.Leases`, on every engine."""

import asyncio


async def test_one_holder(store):
    """While one holds a name nobody else gets it; other names are free."""
    assert await store.leases.acquire("name", "one", 60) is not None
    assert await store.leases.acquire("name", "other", 60) is None
    assert await store.leases.acquire("another", "other", 60) is not None


async def test_own_again(store):
    """The holder gets its own token again."""
    token = await store.leases.acquire("name", "one", 60)
    assert await store.leases.acquire("name", "one", 60) == token


async def test_prolonged(store, until):
    """Asking again prolongs: the lease then ends by the later time."""
    await store.leases.acquire("name", "one", 0.02)
    await store.leases.acquire("name", "one", 60)
    await store.leases.acquire("brief", "one", 0.02)
    await until(lambda: store.leases.acquire("brief", "other", 60))
    assert await store.leases.acquire("name", "other", 60) is None


async def test_tokens_grow(store, until):
    """Each new holder's token is greater than all before, whether the lease lapsed or was given back."""
    tokens = [await store.leases.acquire("name", "one", 0.01)]
    tokens.append(await until(lambda: store.leases.acquire("name", "two", 60)))
    await store.leases.release("name", "two")
    tokens.append(await store.leases.acquire("name", "three", 60))
    await store.leases.release("name", "three")
    tokens.append(await store.leases.acquire("name", "three", 60))
    assert tokens == sorted(set(tokens))


async def test_only_the_holder_releases(store):
    """Giving back what another holds does nothing."""
    await store.leases.acquire("name", "one", 60)
    await store.leases.release("name", "other")
    assert await store.leases.acquire("name", "other", 60) is None


async def test_present(store, until):
    """Who says so is counted, once, until the time is over or it leaves; each group for itself."""
    assert await store.leases.present("routers", "one", 60) == 1
    assert await store.leases.present("routers", "one", 60) == 1
    assert await store.leases.present("routers", "two", 60) == 2
    assert await store.leases.present("others", "one", 60) == 1
    assert await store.leases.present("routers", "two", 0) == 1
    assert await store.leases.present("routers", "brief", 0.02) == 2

    async def lapsed() -> bool:
        return await store.leases.present("routers", "one", 60) == 1

    await until(lapsed)


async def test_exclusive_under_concurrency(store):
    """Of many who ask at once, one gets it."""
    tokens = await asyncio.gather(*(store.leases.acquire("name", f"holder-{n}", 60) for n in range(20)))
    assert sum(token is not None for token in tokens) == 1
