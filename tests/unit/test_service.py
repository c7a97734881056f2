"""One subscription while a courier serves it: whatever is owed is found, by this courier or the next."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from adapters.base import Delivered, Outcome, Parcel, Refused
from broker import service
from broker.clock import told
from broker.courier import Courier
from broker.ports.dossiers import Stood
from broker.ports.outbox import Opened
from schemas.subscription import SubscriptionPatch
from tests.unit.making import DYKE, REVIEWER, id_of, label
from tests.unit.stages import Stages

WEBHOOK = {"adapter": "webhook", "settings": {"url": "https://desk.example/in", "max_in_flight": 1}}


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """A hub whose time the test sets."""
    return Stages(tmp_path)


@dataclass
class Endpoint:
    """Takes what comes, unless told what to answer; `arrived` is set at each."""

    answers: dict[str, Outcome] = field(default_factory=dict)
    alerts: list[str] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    may_go_on: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.may_go_on.set()

    async def deliver(self, parcel: Parcel) -> Outcome:
        self.alerts.append(parcel.alert)
        self.arrived.set()
        await self.may_go_on.wait()
        return self.answers.get(parcel.alert, Delivered(200, 1))


class Broken:
    """Cannot even be asked."""

    async def deliver(self, parcel: Parcel) -> Outcome:
        raise RuntimeError("no key to sign with")


def courier(stages: Stages, endpoint: Endpoint | Broken, name: str = "courier") -> Courier:
    """One process's."""
    store, giving = stages.store, stages.services.giving
    return Courier(store.outbox, store.dossiers, store.subscriptions, giving, lambda _: endpoint, stages.clock, name)


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Within half a minute."""
    async with asyncio.timeout(30):
        while not await holds():
            await asyncio.sleep(0.005)


async def test_what_one_courier_leaves_when_it_is_asked_to_end_the_next_takes_up(stages: Stages) -> None:
    """A queue is served to its end without another signal, though its courier ended in the middle."""
    id_ = await stages.subscribe(**WEBHOOK)
    await stages.accepted(*(label(id_of(DYKE, number)) for number in range(1, 6)))
    endpoint, stop = Endpoint(), asyncio.Event()
    endpoint.may_go_on.clear()
    first = asyncio.create_task(courier(stages, endpoint, "first").run(stop))
    await endpoint.arrived.wait()
    stop.set()
    endpoint.may_go_on.set()
    await first
    assert len(endpoint.alerts) < 5
    stop = asyncio.Event()
    second = asyncio.create_task(courier(stages, endpoint, "second").run(stop))
    await until(lambda: _is_empty(stages, id_))
    stop.set()
    await second
    assert endpoint.alerts == [id_of(DYKE, number) for number in range(1, 6)]


async def test_what_must_stay_hides_nothing_however_often_somebody_signals(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks that are cut short come past what is suspended at the head of the queue."""
    monkeypatch.setattr(service, "LOOK_S", 0.0)
    id_ = await stages.subscribe(**WEBHOOK)
    alerts = [id_of(DYKE, number) for number in range(1, 42)]
    await stages.accepted(*map(label, alerts))
    for alert in alerts[:-1]:
        await stages.store.dossiers.note(alert, Stood("suspended", id_of(REVIEWER, 1), REVIEWER, told(stages.now)))
    endpoint, stop = Endpoint(), asyncio.Event()
    serving = asyncio.create_task(courier(stages, endpoint).run(stop))

    async def signalled() -> bool:
        await stages.store.outbox.signal(id_, push=True)
        return endpoint.arrived.is_set()

    await until(signalled)
    stop.set()
    await serving
    assert endpoint.alerts == alerts[-1:]


async def test_an_issuers_next_alert_waits_for_one_that_fails_while_the_queue_is_read(
    stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `order: issuer` nothing overtakes, whenever between two readings an attempt ends."""
    id_ = await stages.subscribe(**WEBHOOK | {"order": "issuer"})
    one, other = id_of(DYKE, 1), id_of(DYKE, 2)
    endpoint, stop = Endpoint({one: Refused(500, 1, "no")}), asyncio.Event()
    endpoint.may_go_on.clear()
    outbox = stages.store.outbox
    waiting, read = outbox.waiting, asyncio.Event()

    async def slow(subscription: str, now: float) -> object:
        found = await waiting(subscription, now)
        if endpoint.arrived.is_set() and not read.is_set():
            read.set()
            endpoint.may_go_on.set()
            await until(lambda: _has_failed(stages, id_))
        return found

    monkeypatch.setattr(outbox, "waiting", slow)
    await stages.accepted(label(one))
    serving = asyncio.create_task(courier(stages, endpoint).run(stop))
    await endpoint.arrived.wait()
    await stages.accepted(label(other))
    await asyncio.wait_for(read.wait(), 30)
    await until(lambda: _has_failed(stages, id_))
    stop.set()
    await serving
    assert other not in endpoint.alerts


async def test_a_fault_of_ours_is_an_attempt_that_waits(stages: Stages) -> None:
    """What cannot be sent for a fault of the hub's is told in the attempts, uncounted, and is not tried in a loop."""
    id_ = await stages.subscribe(**WEBHOOK)
    await stages.accepted(label(id_of(DYKE, 1)))
    stop = asyncio.Event()
    serving = asyncio.create_task(courier(stages, Broken()).run(stop))
    await until(lambda: _has_failed(stages, id_))
    stop.set()
    await serving
    [attempt], _ = await stages.store.outbox.attempts(id_, None, 10)
    assert (attempt.outcome, attempt.status, attempt.error) == ("unreachable", None, "RuntimeError")
    [opened] = await stages.store.outbox.opened(id_, 0, 10)
    assert opened.attempts == 0


async def test_who_serves_a_subscription_sees_at_once_that_it_was_paused(stages: Stages) -> None:
    """Soon after the pause was answered nothing more is sent, though the endpoint is ready and much is owed."""
    id_ = await stages.subscribe(**WEBHOOK)
    await stages.accepted(*(label(id_of(DYKE, number), severity="minor") for number in range(1, 40)))
    endpoint, stop = Endpoint(), asyncio.Event()
    endpoint.may_go_on.clear()
    serving = asyncio.create_task(courier(stages, endpoint).run(stop))
    await endpoint.arrived.wait()
    await stages.subscribing.change(stages.caller(), id_, SubscriptionPatch(state="paused"))
    await asyncio.sleep(4 * service.LOOK_S)  # its look ends, and it reads the subscription again
    endpoint.may_go_on.set()
    stop.set()
    await serving
    assert len(endpoint.alerts) == 1


async def _is_empty(stages: Stages, subscription: str) -> bool:
    return await stages.store.outbox.depth(subscription) == 0


async def _has_failed(stages: Stages, subscription: str) -> bool:
    opened: list[Opened] = list(await stages.store.outbox.opened(subscription, 0, 10))
    waiting = await stages.store.outbox.due(subscription, stages.now.timestamp(), 10)
    return bool(opened) and not waiting
