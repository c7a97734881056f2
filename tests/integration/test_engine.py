"""The stages as operators see them: what goes on when an alert, an endpoint or a process does not."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from broker.policy.breaker import TRIPS_AFTER
from broker.store.keys import Partition, courier, lease, outbox, partition_of
from tests.integration.agencies import DYKE, HEALTH, World, alert
from tests.integration.asking import Caller, accepted, id_of, sign_in
from tests.integration.processes import Engine, Hub, engine, serving, until
from tests.integration.receivers import Receiver, receiving

ROUTINE = {"severity": "minor", "urgency": "future"}
EXTREME = {"severity": "extreme", "urgency": "immediate"}


@dataclass(frozen=True)
class Place:
    """A hub on a store that a test can look into, and an endpoint of the ministry of health."""

    hub: Hub
    world: World
    store: Engine
    receiver: Receiver

    def caller(self) -> Caller:
        return sign_in(self.hub, self.world, HEALTH)

    def subscribe(self, caller: Caller, **members: Any) -> str:
        settings = {"url": self.receiver.origin + "/in", "timeout_s": 5}
        return caller.subscribe(adapter="webhook", settings=settings, **members)

    def redis(self) -> "Redis[str]":
        return Redis.from_url(self.store.url, decode_responses=True)

    def logged(self, event: str) -> int:
        return sum(line["event"] == event for line in self.hub.lines())


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """All roles in one process."""
    with ExitStack() as stack:
        receiver, store = stack.enter_context(receiving()), stack.enter_context(engine(tmp_path / "engine"))
        world = World.make(tmp_path, http_endpoints=[receiver.origin])
        yield Place(stack.enter_context(serving(world, REDIS_URL=store.url)), world, store, receiver)


def test_an_alert_that_cannot_be_routed_stops_nobody(place: Place) -> None:
    """It is set aside with its reason, its partition goes on, and it is routed when a router takes over again."""
    caller = place.caller()
    place.subscribe(caller)
    first = accepted(place.hub, place.world)
    until(lambda: place.receiver.ids() == [first])
    partition, cause = Partition(partition_of(first, 4)), f"{DYKE}/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"
    with place.redis() as redis:
        record = redis.get(partition.alert(first))
        redis.set(partition.alert(cause), "what no release of ours has written")
        redis.xadd(partition.log, {"a": cause})
        second = accepted(place.hub, place.world)
        until(lambda: place.receiver.ids() == [first, second])
        assert list(redis.hgetall(partition.parked)) == [cause]
        redis.set(partition.alert(cause), record.replace(first, cause))
        redis.hset(lease(f"partition-{partition.number}"), mapping={"holder": "another", "until": 0})
        until(lambda: len(place.receiver.taken) == 3)
        until(lambda: not redis.hgetall(partition.parked))
    assert [line["alert"] for line in place.hub.lines() if line["event"] == "parked"] == [cause]


def test_a_failing_endpoint_is_let_be(place: Place) -> None:
    """After some failures in a row nothing but probes goes out, and what waits stays a reference."""
    caller = place.caller()
    subscription = place.subscribe(caller)
    place.receiver.status = 500
    sent = [accepted(place.hub, place.world) for _ in range(40)]
    until(lambda: place.logged("breaker opened") == 1)
    with place.redis() as redis:
        queue, sent_key = outbox(subscription, "urgent", "sent")
        until(lambda: redis.xlen(queue) + redis.xlen(sent_key) == len(sent))
        assert redis.xlen(queue) >= len(sent) - TRIPS_AFTER - 8
    asked = place.receiver.asked
    place.receiver.status = 204
    until(lambda: place.logged("breaker closed") == 1)
    assert place.receiver.asked <= asked + 20
    until(lambda: set(place.receiver.ids()) == set(sent))


def test_an_owner_who_asks_is_heard(place: Place) -> None:
    """An endpoint that is let be is tried at once when its owner sets the subscription active."""
    caller = place.caller()
    subscription = place.subscribe(caller)
    place.receiver.status = 500
    sent = [accepted(place.hub, place.world) for _ in range(10)]
    with place.redis() as redis:
        (breaker,) = outbox(subscription, "breaker")
        until(lambda: redis.smembers(courier("alone")[0]) == {subscription})
        redis.hset(breaker, "until", 4e9)
        redis.zadd(courier("later")[0], {subscription: 4e9})
    place.receiver.status = 204
    caller.call("PATCH", f"/v1/subscriptions/{subscription}", {"state": "active"})
    until(lambda: set(place.receiver.ids()) == set(sent))


def test_an_owner_who_moves_is_not_paused(place: Place) -> None:
    """Where the old endpoint answers that it is gone, after the owner named a new one, the new one is tried."""
    caller = place.caller()
    subscription = f"/v1/subscriptions/{place.subscribe(caller)}"
    new = {"url": place.receiver.origin + "/new", "timeout_s": 5}

    def move() -> None:
        place.receiver.meanwhile, place.receiver.status = (lambda: None), 204
        assert caller.call("PATCH", subscription, {"settings": new}).json()["settings"]["url"] == new["url"]

    place.receiver.meanwhile, place.receiver.status = move, 410
    id_ = accepted(place.hub, place.world)
    until(lambda: place.receiver.ids() == [id_])
    told = caller.call("GET", subscription).json()
    assert (told["state"], told["settings"]["url"]) == ("active", new["url"])


def test_a_gone_endpoint_is_paused_as_it_stands(place: Place) -> None:
    """A 410 pauses the subscription, and what its owner changed besides the endpoint meanwhile stays changed."""
    caller = place.caller()
    subscription = f"/v1/subscriptions/{place.subscribe(caller)}"
    place.receiver.meanwhile = lambda: caller.call("PATCH", subscription, {"name": "Lũ"})
    place.receiver.status = 410
    accepted(place.hub, place.world)
    until(lambda: place.logged("subscription paused") == 1)
    told = caller.call("GET", subscription).json()
    assert (told["state"], told["name"]) == ("paused", "Lũ")


def test_patches_side_by_side_all_count(place: Place) -> None:
    """Of patches of several members that come at once, none undoes another."""
    caller = place.caller()
    subscription = f"/v1/subscriptions/{caller.subscribe()}"
    with ThreadPoolExecutor(4) as pool:
        for n in range(20):
            wanted = {"name": f"số {n}", "own": n % 2 == 0, "order": ("none", "issuer")[n % 2]}
            patches = [{member: value} for member, value in wanted.items()]
            answers = list(pool.map(lambda patch: caller.call("PATCH", subscription, patch), patches))
            assert [answer.status_code for answer in answers] == [200, 200, 200]
            told = caller.call("GET", subscription).json()
            assert {member: told[member] for member in wanted} == wanted


def test_what_cannot_wait_overtakes(place: Place) -> None:
    """Of what waits, an extreme alert goes out before routine ones that were accepted earlier."""
    caller = place.caller()
    subscription = place.subscribe(caller)
    caller.call("PATCH", f"/v1/subscriptions/{subscription}", {"state": "paused"})
    routine = [accepted(place.hub, place.world, alert(**ROUTINE)) for _ in range(100)]
    extreme = accepted(place.hub, place.world, alert(**EXTREME))
    until(lambda: caller.call("GET", f"/v1/subscriptions/{subscription}").json()["health"]["waiting"] == 101)
    caller.call("PATCH", f"/v1/subscriptions/{subscription}", {"state": "active"})
    until(lambda: len(place.receiver.taken) == 101)
    positions = {id_of(envelope): envelope["hub"]["position"] for envelope in place.receiver.taken}
    assert positions[extreme] == 1
    assert set(positions) == {*routine, extreme}


def test_a_stream_gives_first_what_cannot_wait(place: Place) -> None:
    """A reader that comes to a backlog gets the extreme alert first."""
    caller = place.caller()
    subscription = caller.subscribe()
    for _ in range(3):
        accepted(place.hub, place.world, alert(**ROUTINE))
    extreme = accepted(place.hub, place.world, alert(**EXTREME))
    until(lambda: caller.call("GET", f"/v1/subscriptions/{subscription}").json()["health"]["waiting"] == 4)
    with caller.stream(subscription) as envelopes:
        assert id_of(next(envelopes)) == extreme


def test_one_subscription_has_so_many_streams(place: Place) -> None:
    """A ninth stream is refused as busy while eight are open, another subscription's is not; who leaves makes room."""
    caller = place.caller()
    subscription, other = caller.subscribe(), caller.subscribe()
    path = f"/v1/subscriptions/{subscription}/stream"
    with ExitStack() as last, ExitStack() as stack:
        last.enter_context(caller.stream(subscription))
        for _ in range(7):
            stack.enter_context(caller.stream(subscription))
        answer = caller.call("GET", path)
        assert (answer.json()["code"], answer.headers["Retry-After"]) == ("busy", "15")
        stack.enter_context(caller.stream(other))
        stack.close()

        def opened() -> bool:
            with place.hub.http.stream("GET", path, headers=caller.headers("GET", path)) as again:
                return again.status_code == 200

        until(opened)


def test_where_order_is_asked_for_nothing_overtakes(place: Place) -> None:
    """With `order: issuer` an issuer's alerts come as they were accepted, however urgent the last."""
    caller = place.caller()
    subscription = place.subscribe(caller, order="issuer")
    caller.call("PATCH", f"/v1/subscriptions/{subscription}", {"state": "paused"})
    said = [accepted(place.hub, place.world, alert(**terms)) for terms in (ROUTINE, ROUTINE, EXTREME)]
    caller.call("PATCH", f"/v1/subscriptions/{subscription}", {"state": "active"})
    until(lambda: len(place.receiver.taken) == 3)
    assert place.receiver.ids() == said


def test_decisions_are_told_as_they_were_made(place: Place) -> None:
    """What is told of a decision is made again from what was kept, whatever the directory says meanwhile."""
    caller, issuer = place.caller(), sign_in(place.hub, place.world, DYKE)
    place.subscribe(caller)
    id_ = accepted(place.hub, place.world)
    until(lambda: place.receiver.ids() == [id_])
    before = issuer.call("GET", f"/v1/decisions?alert={id_}&agency={HEALTH}").json()
    assert [each["outcome"] for each in before["decisions"]] == ["whole"]
    assert [rule["rule"] for rule in before["decisions"][0]["rules"]] == list(range(1, 16))
    version = place.hub.http.get("/.well-known/interagency-hub").json()["directory"]

    def withdraw(document: dict[str, Any]) -> None:
        document["agreements"], document["version"] = [], document["version"] + 1

    place.world.edit(withdraw)
    until(lambda: place.hub.http.get("/.well-known/interagency-hub").json()["directory"] != version)
    assert issuer.call("GET", f"/v1/decisions?alert={id_}&agency={HEALTH}").json() == before


def test_a_worker_tells_its_figures(tmp_path: Path) -> None:
    """On its port a router tells what it routed and queued, a courier what it tried and with what outcome."""
    with ExitStack() as stack:
        receiver, store = stack.enter_context(receiving()), stack.enter_context(engine(tmp_path / "engine"))
        world = World.make(tmp_path, http_endpoints=[receiver.origin])
        ingress, router, courier = (
            stack.enter_context(serving(world, "--port", "0", role=role, data=role, REDIS_URL=store.url))
            for role in ("ingress", "router", "courier")
        )
        caller = sign_in(ingress, world, HEALTH)
        for path in ("/one", "/two"):
            caller.subscribe(adapter="webhook", settings={"url": receiver.origin + path})
        receiver.status = 500
        accepted(ingress, world)
        until(lambda: 'broker_attempts_total{outcome="refused"} ' in courier.http.get("/metrics").text)
        receiver.status = 204
        accepted(ingress, world)
        until(lambda: 'broker_attempts_total{outcome="delivered"} ' in courier.http.get("/metrics").text)
        figures = {"broker_routed_total 2.0", "broker_queued_total 4.0", "broker_parked_total 0.0"}
        until(lambda: figures <= {*router.http.get("/metrics").text.splitlines()})


def test_routers_share_the_partitions(tmp_path: Path) -> None:
    """Two routers have two of four each; when one is killed, the other has all within seconds."""
    with ExitStack() as stack:
        store = stack.enter_context(engine(tmp_path / "engine"))
        world = World.make(tmp_path)
        routers = [
            stack.enter_context(serving(world, role="router", data=f"router-{n}", REDIS_URL=store.url)) for n in (1, 2)
        ]
        redis = stack.enter_context(Redis.from_url(store.url, decode_responses=True))

        def holders() -> list[str]:
            return sorted(str(redis.hget(lease(f"partition-{n}"), "holder")) for n in range(4))

        until(lambda: len(set(holders())) == 2 and holders()[1] != holders()[2])
        routers[0].process.kill()
        left = until(lambda: len(set(holders())) == 1 and holders())
        assert f"-{routers[1].process.pid}-" in left[0]
