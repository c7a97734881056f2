"""What the crash machine found in the engine, each as small as it can be told."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from broker.clock import told
from broker.giving import Sending
from broker.ports import Ended, Held
from broker.ways import way_of
from schemas.subscription import Subscription
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
