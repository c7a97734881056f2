"""Memory and Redis are twins: whatever is done to both, in whatever order, both tell the same."""

import asyncio
from dataclasses import replace

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from redis import Redis

from broker.ports.dossiers import Acknowledged, Consented, Decided, Ended, Exchanged, Given, Matched, Stood
from broker.ports.outbox import Attempt, Opened, Owed
from broker.store.in_memory import MemoryStore
from broker.store.in_redis import RedisStore

SUBSCRIPTIONS = st.sampled_from(["sub_1", "sub_2"])
WORKERS = st.sampled_from(["one", "two"])
ALERTS = st.sampled_from([f"vn.a/{n}" for n in range(6)])
TIMES = st.sampled_from([0.0, 10.0, 10.5, 20.0, 30.0])
PLACES = st.builds("{}-{}".format, st.integers(1, 12), st.integers(0, 12))
AT = st.sampled_from(["2026-11-22T01:00:00.000Z", "2026-11-22T02:00:00.000Z"])
AGENCIES = st.sampled_from(["th.police", "vn.mps"])
DECIDED = st.builds(
    Decided,
    AGENCIES,
    SUBSCRIPTIONS,
    st.sampled_from(["whole", "withheld"]),
    st.sampled_from(['{"way":"feed"}', '{"way":"hub"}']),
    st.sampled_from(["sha256:1", "sha256:2"]),
    AT,
)


def matched(decided, owed, at):
    """As a router says it: each subscription once, at one time."""
    each = {one.subscription: replace(one, at=at) for one in decided}
    return Matched(tuple(each.values()), owed & each.keys())


FACTS = st.one_of(
    st.builds(Given, AGENCIES, SUBSCRIPTIONS, AT),
    DECIDED,
    st.builds(matched, st.lists(DECIDED, max_size=4), st.frozensets(SUBSCRIPTIONS), AT),
    st.builds(Ended, AGENCIES, SUBSCRIPTIONS, st.sampled_from(["delivered", "dead", "withheld"]), AT),
    st.builds(Acknowledged, AGENCIES, ALERTS, st.sampled_from(["read", "acting"]), AT),
    st.builds(
        Stood, st.sampled_from(["cancelled", "superseded", "recalled", "suspended", "resumed"]), ALERTS, AGENCIES, AT
    ),
    st.builds(Exchanged, AGENCIES, AGENCIES, st.just("2026-11"), st.booleans(), AT),
    st.builds(Consented, ALERTS, st.lists(AGENCIES, min_size=1, unique=True).map(tuple), st.booleans()),
)


def delivery(position, alert):
    """One opened at that position."""
    return Opened(
        position, alert, f"d-{position}", None, (), (), None, f"sha256:{position}", "2026-11-22T01:00:00.000Z"
    )


def without_places(result):
    """A place in a queue means something in its own store alone."""
    if isinstance(result, Owed):
        return result.alert
    return [without_places(each) for each in result] if isinstance(result, list) else result


class Twins(RuleBasedStateMachine):
    """Every step is done to both; what it gives, and what both then tell, must be equal."""

    address: str

    def __init__(self):
        super().__init__()
        with Redis.from_url(self.address) as client:
            client.flushall()
        self.runner = asyncio.Runner()
        self.stores = (MemoryStore(), RedisStore(self.address))
        self.claims = []

    def teardown(self):
        self.runner.run(self.stores[1].close())
        self.runner.close()

    def both(self, ask):
        memory, redis = (self.runner.run(ask(store)) for store in self.stores)
        assert without_places(memory) == without_places(redis)
        return memory, redis

    # the log
    @rule(place=PLACES, token=st.integers(0, 3))
    def routed(self, place, token):
        self.both(lambda store: store.log.routed(1, place, token))
        self.both(lambda store: store.log.cursor(1))

    @rule(worker=WORKERS)
    def acquire(self, worker):
        self.both(lambda store: store.leases.acquire("partition-1", worker, 600))

    @rule(worker=WORKERS)
    def release(self, worker):
        self.both(lambda store: store.leases.release("partition-1", worker))

    # deadlines
    @rule(alert=ALERTS, at=TIMES)
    def set_deadline(self, alert, at):
        self.both(lambda store: store.deadlines.set(alert, at))

    @rule(alert=ALERTS)
    def deadline_done(self, alert):
        self.both(lambda store: store.deadlines.done(alert))

    @rule(now=TIMES, limit=st.sampled_from([1, 9]))
    def deadlines_over(self, now, limit):
        for partition in range(4):
            self.both(lambda store: store.deadlines.over(partition, now, limit))  # noqa: B023 - called at once

    # dossiers
    @rule(facts=st.lists(FACTS, max_size=4))
    def note(self, facts):
        self.both(lambda store: store.dossiers.note("vn.a/1", *facts))
        for agency in ("th.police", "vn.mps"):
            self.both(lambda store: store.dossiers.released_to("vn.a/1", agency))  # noqa: B023 - called at once
        for pair in (("th.police", "vn.mps"), ("vn.mps", "th.police")):
            self.both(lambda store: store.dossiers.exchanges(*pair, "2026-11"))  # noqa: B023 - called at once
        for what in ("standing", "given", "decisions", "ends", "acknowledgements"):
            self.both(lambda store: getattr(store.dossiers, what)("vn.a/1"))  # noqa: B023 - called at once

    # the outbox
    @rule(subscription=SUBSCRIPTIONS, partition=st.integers(0, 1), place=PLACES, alerts=st.lists(ALERTS, max_size=3))
    def put(self, subscription, partition, place, alerts):
        self.both(lambda store: store.outbox.put(subscription, partition, place, alerts))

    @rule(subscription=SUBSCRIPTIONS, place=PLACES)
    def open_at(self, subscription, place):
        self.both(lambda store: store.outbox.open_at(subscription, {0: place}))

    @rule(subscription=SUBSCRIPTIONS, alert=ALERTS)
    def add(self, subscription, alert):
        self.both(lambda store: store.outbox.add(subscription, alert))

    @rule(subscription=SUBSCRIPTIONS, index=st.integers(0, 3), off=st.sampled_from([1, 1, 1, 1, 0, 2]))
    def open_owed(self, subscription, index, off):
        queues = self.both(lambda store: store.outbox.owed(subscription, 10))
        if index < len(queues[0]):
            self.open(subscription, [queue[index] for queue in queues], off)

    @rule(subscription=SUBSCRIPTIONS, index=st.integers(0, 3), settled=st.booleans())
    def open_opened(self, subscription, index, settled):
        opened = self.both(lambda store: store.outbox.opened(subscription, 0, 100))
        if index < len(opened[0]):
            self.open(subscription, [each[index] for each in opened], 1, settled=settled)

    def open(self, subscription, whats, off, *, settled=False):
        head, _ = self.both(lambda store: store.outbox.head(subscription))
        new = delivery(head.position + off, whats[0].alert)
        what = dict(zip(self.stores, whats, strict=True))
        self.both(lambda store: store.outbox.open(subscription, what[store], new, settled=settled))

    @rule(subscription=SUBSCRIPTIONS, index=st.integers(0, 3), sent=st.booleans())
    def drop(self, subscription, index, sent):
        found = self.both(
            lambda store: store.outbox.opened(subscription, 0, 10) if sent else store.outbox.owed(subscription, 10)
        )
        if index < len(found[0]):
            what = dict(zip(self.stores, (each[index] for each in found), strict=True))
            self.both(lambda store: store.outbox.drop(subscription, what[store]))

    @rule(
        subscription=SUBSCRIPTIONS,
        position=st.integers(1, 5),
        then=st.sampled_from(["delivered", "retry", "retry", "dead"]),
        at=st.none() | TIMES,
    )
    def settle(self, subscription, position, then, at):
        attempt = Attempt(f"d-{position}", "vn.a/1", position, "at", then, 503, 7, "late", None)
        self.both(lambda store: store.outbox.settle(subscription, attempt, then, at))

    @rule(subscription=SUBSCRIPTIONS, positions=st.lists(st.integers(0, 6), unique=True), now=TIMES)
    def again(self, subscription, positions, now):
        self.both(lambda store: store.outbox.again(subscription, positions, now))

    @rule()
    def remove(self):  # one of them: it is gone for the rest
        self.both(lambda store: store.outbox.remove("sub_2"))

    # claims
    @rule(subscription=SUBSCRIPTIONS, push=st.sampled_from([True, True, False]))
    def signal(self, subscription, push):
        self.both(lambda store: store.outbox.signal(subscription, push=push))

    @rule(worker=WORKERS, now=TIMES, limit=st.integers(0, 2))
    def claim(self, worker, now, limit):
        claims, _ = self.both(lambda store: store.outbox.claim(worker, now, 600, limit))
        self.claims += claims

    @precondition(lambda self: self.claims)
    @rule(worker=WORKERS, index=st.integers(0, 5))
    def renew(self, worker, index):
        claim = self.claims[index % len(self.claims)]
        renewed, _ = self.both(lambda store: store.outbox.renew(worker, claim, 600))
        if renewed:
            self.claims[index % len(self.claims)] = renewed

    @precondition(lambda self: self.claims)
    @rule(worker=WORKERS, index=st.integers(0, 5), due=st.none() | TIMES)
    def leave(self, worker, index, due):
        claim = self.claims[index % len(self.claims)]
        self.both(lambda store: store.outbox.leave(worker, claim, due))

    @invariant()
    def same(self):
        for subscription in ("sub_1", "sub_2"):
            self.both(lambda store: told(store, subscription))  # noqa: B023 - called at once


async def told(store, subscription):
    """Everything that an outbox tells without changing."""
    outbox = store.outbox
    attempts, _ = await outbox.attempts(subscription, None, 100)
    return [
        await outbox.owed(subscription, 100),
        await outbox.head(subscription),
        await outbox.opened(subscription, 0, 100),
        await outbox.due(subscription, 10.25, 2),
        await outbox.due(subscription, float("inf"), 2),
        await outbox.next_due(subscription),
        await outbox.unsettled(subscription),
        await outbox.depth(subscription),
        await outbox.dead(subscription),
        attempts,
    ]


def test_twins(address):
    """Random sequences of operations leave memory and Redis telling the same."""
    machine = type("TwinsHere", (Twins,), {"address": address})
    run_state_machine_as_test(machine, settings=settings(max_examples=30, stateful_step_count=40, deadline=None))
