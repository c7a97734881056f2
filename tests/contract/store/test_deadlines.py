"""`ports.Deadlines`, on every engine."""

from broker.store.keys import partition_of

ONE, TWO = "vn.mae/1", "vn.mae/2"
PARTITION = partition_of(ONE, 4)


async def test_what_is_over(store):
    """From the very second on, longest ago first, at most so many, and of that partition alone."""
    await store.deadlines.set(ONE, 20.5)
    await store.deadlines.set(TWO, 10)
    assert await store.deadlines.over(PARTITION, 9.9, 9) == []
    assert await store.deadlines.over(PARTITION, 20.5, 9) == [TWO, ONE]
    assert await store.deadlines.over(PARTITION, 20.5, 1) == [TWO]
    others = [await store.deadlines.over(number, 99, 9) for number in range(4) if number != PARTITION]
    assert others == [[], [], []]


async def test_what_is_put_off_comes_later(store):
    """And what is done is not brought back by it."""
    await store.deadlines.set(ONE, 10)
    await store.deadlines.put_off(ONE, 30)
    assert await store.deadlines.over(PARTITION, 29, 9) == []
    assert await store.deadlines.over(PARTITION, 30, 9) == [ONE]
    await store.deadlines.done(ONE)
    await store.deadlines.put_off(ONE, 40)
    assert await store.deadlines.over(PARTITION, 99, 9) == []


async def test_the_first_word_counts_until_it_is_done(store):
    """A repeated step moves nothing; what is done is gone, and can be set anew."""
    await store.deadlines.set(ONE, 10)
    await store.deadlines.set(ONE, 30)
    assert await store.deadlines.over(PARTITION, 10, 9) == [ONE]
    for _ in range(2):
        await store.deadlines.done(ONE)
    assert await store.deadlines.over(PARTITION, 99, 9) == []
    await store.deadlines.set(ONE, 30)
    assert await store.deadlines.over(PARTITION, 10, 9) == []
