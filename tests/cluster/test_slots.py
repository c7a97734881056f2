"""Where a cluster puts what one script touches: CRC16 of what stands in braces (Redis Cluster specification)."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from redis.crc import key_slot

from broker.ledger.receipts import equivocation
from broker.policy.breaker import Breaker
from broker.ports.dossiers import Ended, Exchanged
from broker.store import keys
from broker.store.address import Address, address_of
from broker.store.in_redis import RedisStore
from broker.store.link import Link
from broker.store.words import Value, key_of, tag_of, writes
from schemas.subscription import Subscription
from schemas.terms import Purpose
from tests.cluster.servers import ClusterOf6
from tests.deploy.lines import ROOT

Make = Callable[..., Any]
SUBSCRIPTION, ALERT = "sub_{odd}", "vn.mae/019aa8f0"
PARTITION = keys.Partition(3)
TOGETHER = {
    "a partition, its lease, its alerts and their dossiers": [
        PARTITION.log,
        PARTITION.cursor,
        PARTITION.lease,
        PARTITION.parked,
        PARTITION.ping,
        PARTITION.alert(ALERT),
        *PARTITION.dossier(ALERT),
        keys.lease("partition-3"),
    ],
    "an outbox": keys.outbox("sub_1", *keys.OUTBOX),
    "an outbox with braces in its name": keys.outbox(SUBSCRIPTION, *keys.OUTBOX),
    "the claims": keys.courier(*keys.COURIER),
    "the subscriptions": [keys.HELD, keys.REVISION, keys.of_agency("vn.moh")],
    "the schema": [keys.SCHEMA],
}
"""What scripts are given together: each of them takes its keys from one of these."""


@pytest.mark.parametrize("group", TOGETHER)
def test_keys_of_one_script_share_a_slot(group: str) -> None:
    """All keys that a script may be given at once lie in one slot."""
    assert len({key_slot(key.encode()) for key in TOGETHER[group]}) == 1


def test_every_key_has_its_tag() -> None:
    """Nothing is stored under a key without a tag, and the tag of its mark is that tag."""
    for key in [key for group in TOGETHER.values() for key in group]:
        mark = f"{keys.PREFIX}:{{{tag_of(key)}}}:mark"
        assert key_slot(mark.encode()) == key_slot(key.encode()), key


async def test_every_script_stays_in_one_slot(
    shared_cluster: ClusterOf6, monkeypatch: pytest.MonkeyPatch, alert: Make, opened: Make, attempt: Make
) -> None:
    """Each script of the folder, called as the store calls it, gets keys of one slot."""
    called: dict[str, set[int]] = {}
    run = Link.script

    async def seen(self: Link, name: str, names: Sequence[str], words: Sequence[Value] = ()) -> Any:
        slots = {key_slot(name.encode()) for name in names}
        called[name] = called.get(name, slots) if len(slots) == 1 else slots
        return await run(self, name, names, words)

    monkeypatch.setattr(Link, "script", seen)
    store = RedisStore(shared_cluster.emptied())
    await store.open()
    await everything(store, alert, opened, attempt)
    await store.close()
    assert {path.stem for path in (ROOT / "broker" / "store" / "scripts").glob("*.lua")} == set(called)
    assert {name for name, slots in called.items() if len(slots) != 1} == set()


async def everything(store: RedisStore, alert: Make, opened: Make, attempt: Make) -> None:
    """Whatever a store does by a script."""
    post, outbox = alert(), store.outbox
    await store.log.append(post)
    await store.log.label(post.label.id)
    await store.log.keep(alert())
    await store.dossiers.note(post.label.id, Ended("vn.moh", "sub_1", "dead", "2026-11-22T01:00:00.000Z"))
    await store.dossiers.note(post.label.id, Exchanged("vn.a", "vn.moh", "2026-11", True, "2026-11-22T01:00:00.000Z"))
    await store.deadlines.set(post.label.id, 5.0)
    await store.directories.take(1, "sha256:d1")
    token = await store.leases.acquire("partition-0", "one", 5)
    await store.log.routed(0, "1-0", token or 0)
    await store.leases.present("routers", "one", 5)
    await store.leases.release("partition-0", "one")
    await outbox.put("sub_1", 0, "1-0", ["vn.a/0"])
    await outbox.open("sub_1", await outbox.add("sub_1", "vn.a/1"), opened(1, "vn.a/1"))
    await outbox.signal("sub_1", push=True)
    (claim,) = await outbox.claim("one", 0.0, 60, 1)
    await outbox.due("sub_1", 0.0, 1)
    await outbox.waiting("sub_1", 0.0)
    await outbox.settle("sub_1", attempt(1), "retry", 5.0)
    await outbox.trip("sub_1", Breaker(1, 5.0))
    await outbox.opened("sub_1", 0, 1)
    await outbox.again("sub_1", [1], 5.0)
    await outbox.drop("sub_1", (await outbox.opened("sub_1", 0, 1))[0])
    await outbox.renew("one", claim, 60)
    await outbox.leave("one", claim, None)
    await outbox.remove("sub_1")
    await store.credentials.first_use("kind", "value", 5)
    await store.ledger.add(equivocation("one", "two", "2026-11-22T01:00:00.000Z"))
    held = Subscription(id="sub_1", adapter="stream", purpose=(Purpose.PREVENTION,))
    await store.subscriptions.create("vn.moh", held, None)
    await store.subscriptions.delete("sub_1")


@pytest.mark.parametrize(
    ("url", "kind", "node"),
    [
        ("redis://one:7/0", "one", "redis://one:7/0"),
        ("redis+cluster://a:7000,b", "cluster", "redis://b:6379"),
        ("rediss+cluster://u:p%40w@a,[::1]:7001?ssl_check_hostname=false", "cluster",
         "rediss://u:p%40w@[::1]:7001?ssl_check_hostname=false"),
        ("redis+sentinel://:p@a,b/hub?sentinel_password=s", "sentinel", "redis://:p@b:26379"),
    ],
)  # fmt: skip
def test_the_scheme_decides(url: str, kind: str, node: str) -> None:
    """The URL alone says whether there is one server, a cluster or sentinels; credentials and TLS go to each node."""
    address = address_of(url)
    assert address.kind == kind
    assert address.node(address.seeds[-1] if address.seeds else ("", 0)) == node


def test_sentinels_have_credentials_of_their_own() -> None:
    """A sentinel never gets the password of the servers."""
    address: Address = address_of("redis+sentinel://u:servers@a/hub?sentinel_password=theirs")
    assert address.sentinel(("a", 26379)) == "redis://a:26379?password=theirs"
    assert address.primary == "hub"


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "redis+cluster://",
        "redis+cluster://a,,b",
        "redis+cluster://a/0",
        "redis+sentinel://a",
        "redis+x://a",
    ],
)
def test_what_is_no_address(url: str) -> None:
    """Another scheme, no host, a cluster with a database, sentinels without a name: refused."""
    with pytest.raises(ValueError, match=r"[Rr]edis"):
        address_of(url)


def test_what_counts_as_a_write() -> None:
    """Whatever is not known to read alone waits for its copies; the key of a script is its first."""
    assert not writes(("XRANGE", "key", "-", "+"))
    assert all(writes(words) for words in (("SET", "key", 1), ("EVALSHA", "digest", 1, "key"), ("NEW", "key")))
    assert key_of(("EVALSHA", "digest", 2, "{a}:x", "{a}:y")) == "{a}:x"
    assert key_of(("PUBLISH", "channel", "word")) is None
