"""`ports.Subscriptions`, `Credentials`, `DirectoryHistory` and `Ledger`, on every engine."""

import asyncio
from dataclasses import replace

import pytest

from broker.ledger.receipts import Entry, equivocation
from broker.ports.registers import ApiToken, Change, Held
from broker.store.in_redis import RedisStore
from broker.store.keys import HELD
from schemas.subscription import Filter, Subscription, SubscriptionState
from schemas.terms import Purpose, Severity, Status


def subscription(id_="sub_1", **more):
    """One that streams."""
    return Subscription(id=id_, adapter="stream", purpose=(Purpose.PREVENTION,), **more)


async def test_subscription_comes_back(store):
    """A subscription is told as it was created, with its owner and its secret."""
    wanted = Subscription(
        id="sub_1",
        name="Lũ",
        adapter="webhook",
        settings={"url": "https://x.example/hook", "signing": "v1"},
        purpose=(Purpose.PREVENTION,),
        filter=Filter(domains=("disaster.flood",), severity=Severity.SEVERE, status=(Status.ACTUAL, Status.EXERCISE)),
    )
    await store.subscriptions.create("th.police", wanted, "whsec_x")
    assert await store.subscriptions.get("sub_1") == Held("th.police", wanted, "whsec_x")
    assert await store.subscriptions.get("sub_2") is None


async def test_subscriptions_by_owner(store):
    """All are told, and those of one agency."""
    await store.subscriptions.create("th.police", subscription("sub_2"), None)
    await store.subscriptions.create("vn.mps", subscription("sub_1"), None)
    assert [held.subscription.id for held in await store.subscriptions.all()] == ["sub_1", "sub_2"]
    assert [held.subscription.id for held in await store.subscriptions.of("th.police")] == ["sub_2"]
    assert await store.subscriptions.of("vn") == []


async def test_an_agency_has_so_many(store):
    """An agency may have so many and no more, also of those that it makes at once; each that it deletes makes room."""

    async def create(n, agency="th.police"):
        return await store.subscriptions.create(agency, subscription(f"sub_{n}"), None, most=3)

    assert sum(await asyncio.gather(*map(create, range(6)))) == 3
    held = await store.subscriptions.of("th.police")
    assert len(held) == 3
    assert await store.subscriptions.all() == held
    revision = await store.subscriptions.revision()
    assert not await create(9)
    assert await store.subscriptions.revision() == revision
    assert await create(9, "vn.mps")
    await store.subscriptions.delete(held[0].subscription.id)
    assert await create(10)
    assert [each.subscription.id for each in await store.subscriptions.of("vn.mps")] == ["sub_9"]


async def test_own_ones_alone_are_read(address, inside):
    """To tell an agency's own, no other's is read."""
    store = RedisStore(address)
    await store.open()
    await store.subscriptions.create("th.police", subscription("sub_1"), None)
    await store.subscriptions.create("vn.mps", subscription("sub_2"), None)
    inside.hset(HELD, "sub_2", "no subscription")
    assert [each.subscription.id for each in await store.subscriptions.of("th.police")] == ["sub_1"]
    await store.close()


async def test_revision_grows_with_each_change(store):
    """Creation, replacement and deletion each make the revision grow."""
    revisions = [await store.subscriptions.revision()]
    await store.subscriptions.create("th.police", subscription(), None)
    revisions.append(await store.subscriptions.revision())
    held = Held("th.police", subscription())
    assert await store.subscriptions.replace(Held("th.police", subscription(state=SubscriptionState.PAUSED)), held)
    revisions.append(await store.subscriptions.revision())
    await store.subscriptions.delete("sub_1")
    revisions.append(await store.subscriptions.revision())
    assert revisions == sorted(set(revisions))
    assert await store.subscriptions.get("sub_1") is None


async def test_deleted_stays_deleted(store):
    """A replacement that comes after the deletion does not bring a subscription back."""
    await store.subscriptions.create("th.police", subscription(), None)
    held = await store.subscriptions.get("sub_1")
    await store.subscriptions.delete("sub_1")
    assert not await store.subscriptions.replace(held, held)
    assert await store.subscriptions.all() == []


async def test_one_change_at_a_time(store):
    """Of many changes that were made from the same, one is kept, and the others are told that they were not."""
    before = Held("th.police", subscription(), "whsec_x", ("1-1", "0-0", "0-0", "0-0"))
    await store.subscriptions.create(before.agency, before.subscription, before.secret, before.begins)
    changed = [replace(before, subscription=subscription(name=f"số {n}")) for n in range(5)]
    revision = await store.subscriptions.revision()
    kept = await asyncio.gather(*(store.subscriptions.replace(held, before) for held in changed))
    assert sum(kept) == 1
    assert await store.subscriptions.get("sub_1") == changed[kept.index(True)]
    assert await store.subscriptions.revision() == revision + 1


async def test_secret_is_never_shown(store):
    """The secret does not show where a subscription is printed."""
    assert "whsec_" not in repr(Held("th.police", subscription(), "whsec_x"))


async def test_used_once(store):
    """A value is new once within its time, each kind for itself, also for many who ask at once."""
    firsts = await asyncio.gather(*(store.credentials.first_use("jti", "a", 60) for _ in range(10)))
    assert sum(firsts) == 1
    assert await store.credentials.first_use("dpop", "a", 60)
    assert await store.credentials.first_use("jti", "b" * 10_000, 60)


async def test_new_again_after_its_time(store, until):
    """When the time is over, the value counts as new."""
    assert await store.credentials.first_use("jti", "a", 0.01)
    assert await until(lambda: store.credentials.first_use("jti", "a", 60))


@pytest.mark.parametrize("revoked", [False, True])
async def test_tokens(store, revoked):
    """A token is found by its hash, told to its agency, and gone once revoked."""
    token = ApiToken("hash-1", "TAXII", "th.police", "sub_1", 1795309200.5)
    await store.credentials.add_token(token)
    await store.credentials.add_token(replace(token, hash="hash-2", agency="vn.mps"))
    if revoked:
        await store.credentials.revoke_token("hash-1")
    assert await store.credentials.token("hash-1") == (None if revoked else token)
    assert await store.credentials.tokens("th.police") == ([] if revoked else [token])
    assert await store.credentials.token("hash-3") is None


async def test_directories_are_kept(store):
    """Every version is found by its digest; the first document under a digest stays."""
    await store.directories.keep("sha256:1", "một")
    await store.directories.keep("sha256:1", "another")
    assert await store.directories.document("sha256:1") == "một"
    assert await store.directories.document("sha256:2") is None


async def test_the_highest_version_never_goes_down(store):
    """Of signed versions the highest that was taken stands; of two with one number, the first stays."""
    assert await store.directories.highest() is None
    assert await store.directories.take(9, "sha256:9") == (9, "sha256:9")
    assert await store.directories.take(10, "sha256:10") == (10, "sha256:10")
    assert await store.directories.take(9, "sha256:9") == (10, "sha256:10")
    assert await store.directories.take(10, "sha256:other") == (10, "sha256:10")
    assert await store.directories.highest() == (10, "sha256:10")


async def test_of_many_that_take_a_version_at_once_one_wins(store):
    """Processes that take different texts for one number at the same moment are all told the same one."""
    told = await asyncio.gather(*(store.directories.take(2, f"sha256:{number}") for number in range(20)))
    assert len(set(told)) == 1
    assert await store.directories.highest() == told[0]


async def test_ledger_says_a_thing_once(store):
    """Two statements of one id are proved once, however often the pair is posted; another pair is another entry."""
    first = equivocation("one", "two", "2026-11-22T01:00:00.000Z")
    other = equivocation("one", "three", "2026-11-22T01:00:00.000Z")
    repeated = [equivocation("one", "two", f"2026-11-22T02:00:0{n}.000Z") for n in range(5)]
    for entry in (first, *repeated, other, first):
        await store.ledger.add(entry)
    assert [entry async for entry in store.ledger.entries()] == [first, other]


async def test_ledger_keeps_order(store):
    """Entries come back from the first, in the order in which they were added, byte for byte."""
    entries = [Entry(f"salt-{n}", f'{{"số": {n}}}') for n in range(1100)]
    for entry in entries:
        await store.ledger.add(entry)
    assert [entry async for entry in store.ledger.entries()] == entries


async def test_a_history_tells_what_was_done(store):
    """A change stands in its agency's history if it was made, in order, and stays when the subscription is gone."""
    made, again, ended = (
        Change(f"at-{n}", "a#b", what, "sub_1") for n, what in enumerate(("created", "changed", "deleted"))
    )
    await store.subscriptions.create("th.police", subscription(), None, change=made)
    held = Held("th.police", subscription())
    assert await store.subscriptions.replace(replace(held, secret="s"), held, again)
    assert not await store.subscriptions.replace(held, held, replace(again, by="late"))
    await store.subscriptions.delete("sub_1", ended)
    await store.subscriptions.delete("sub_1", replace(ended, by="twice"))
    assert not await store.subscriptions.create("th.police", subscription(), None, most=0, change=made)
    noted = Change("at-9", "operator:x", "token issued", "sub_1", token="t")
    await store.subscriptions.note("th.police", noted)
    assert list(await store.subscriptions.history("th.police")) == [made, again, ended, noted]
    assert list(await store.subscriptions.history("vn.mps")) == []


async def test_a_long_history_is_told_whole(store):
    """However many changes there were, each is told once and in order."""
    changes = [Change(f"at-{n}", "a#b", "changed", "sub_1", ("name",)) for n in range(1_200)]
    for change in changes:
        await store.subscriptions.note("th.police", change)
    assert list(await store.subscriptions.history("th.police")) == changes
