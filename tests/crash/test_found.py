"""What the crash machine found in the engine, each as small as it can be told."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from broker.auditing import audit
from broker.caller import Caller
from broker.clock import told
from broker.giving import Sending
from broker.policy.ways import Way
from broker.ports.dossiers import Ended
from broker.ports.registers import Held
from broker.subscribing import Subscribing
from broker.ways import way_of
from schemas.subscription import NewSubscription, Subscription
from tests.integration.agencies import HEALTH, World, alert, claims, later
from tests.integration.asking import form_b
from tests.integration.in_process import Here, hub_here

ID = "sub_found"


async def _owed(here: Here, world: World) -> tuple[Held, Sending]:
    """A delivery that took its position, and was sent, and its sender died."""
    subscription = Subscription.model_validate(
        {"id": ID, "adapter": "stream", "purpose": ["prevention"], "settings": {}}
    )
    held, services = Held(HEALTH, subscription), here.hub.services
    await services.store.subscriptions.create(HEALTH, subscription, None)
    said = claims(alert(expires=later(minutes=30)))
    assert (await here.send(form_b(world.signed(said)))).status_code == 202
    owed = await services.store.outbox.add(ID, said["jti"])
    sending = await services.giving.prepare(held, way_of(held), owed, here.clock())
    assert isinstance(sending, Sending)
    return held, sending


async def test_a_delivery_that_was_noted_and_not_settled_is_on_record(tmp_path: Path) -> None:
    """What was delivered, and has expired before the next courier comes to it, ends with an attempt that says so."""
    world = World.make(tmp_path)
    async with hub_here(world) as here:
        held, sending = await _owed(here, world)
        services, at = here.hub.services, told(here.clock())
        await services.store.dossiers.note(sending.opened.alert, Ended(HEALTH, ID, "delivered", at))
        here.clock.ahead = timedelta(hours=1)
        assert await services.giving.prepare(held, way_of(held), sending.opened, here.clock()) == "ended"
        attempts, _ = await services.store.outbox.attempts(ID, None, 10)
        assert [(each.delivery, each.outcome, each.at) for each in attempts] == [
            (sending.opened.delivery, "delivered", at)
        ]
        assert await services.store.outbox.unsettled(ID) is None


async def test_a_delivery_that_was_never_delivered_leaves_no_such_record(tmp_path: Path) -> None:
    """What expires between its position and its sending ends as expired, without an attempt."""
    world = World.make(tmp_path)
    async with hub_here(world) as here:
        held, sending = await _owed(here, world)
        services = here.hub.services
        here.clock.ahead = timedelta(hours=1)
        assert await services.giving.prepare(held, way_of(held), sending.opened, here.clock()) == "ended"
        assert await services.store.outbox.attempts(ID, None, 10) == ([], None)
        [ended] = await services.store.dossiers.ends(sending.opened.alert)
        assert ended == replace(ended, state="expired", subscription=ID)


async def test_a_subscription_begins_after_what_is_not_routed_yet(tmp_path: Path) -> None:
    """An alert that was accepted before a subscription was made is not decided for it, however late it is routed."""
    world = World.make(tmp_path)
    async with hub_here(world) as here:
        services, stop = here.hub.services, asyncio.Event()
        said = claims(alert(expires=later(minutes=30)))
        assert (await here.send(form_b(world.signed(said)))).status_code == 202
        caller = Caller(HEALTH, "test", frozenset({"subscribe"}), Way.READ_BOUND)
        new = NewSubscription.model_validate({"adapter": "stream", "purpose": ["prevention"], "settings": {}})
        subscribing = Subscribing(
            services.store, services.directory, services.giving, services.voice, services.adapters
        )
        made, _ = await subscribing.create(caller, new)
        routing = asyncio.create_task(here.hub.workers["router"](stop))
        while not (found := await audit(services.store)).alerts or found.unrouted:
            await asyncio.sleep(0.05)
        stop.set()
        await routing
        assert await services.store.dossiers.ends(said["jti"]) == []
        assert await services.store.outbox.depth(made.id) == 0
        assert found.broken == []
