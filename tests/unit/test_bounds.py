"""How much one agency may hold of a hub, and a stage of what it remembers."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from broker.errors import Refused
from broker.wiring import router_of
from schemas.subscription import NewSubscription
from tests.unit import making
from tests.unit.stages import Stages

WANTED = NewSubscription.model_validate({"adapter": "stream", "purpose": ["prevention"]})


async def test_an_agency_has_so_many_subscriptions(tmp_path: Path) -> None:
    """One more than an agency may have is refused with the bound, and leaves nothing; another agency's are its own."""
    stages = Stages(tmp_path)
    subscribing = replace(stages.subscribing, most=2)
    for _ in range(2):
        await subscribing.create(stages.caller(), WANTED)
    before = await stages.store.subscriptions.all()
    with pytest.raises(Refused) as refused:
        await subscribing.create(stages.caller(), WANTED)
    assert refused.value.code == "invalid-request"
    assert "2 subscriptions" in refused.value.faults[0].expected
    assert await stages.store.subscriptions.all() == before
    await subscribing.create(stages.caller(making.DYKE), WANTED)


@dataclass
class Leased:
    """A share of one partition, under the token that is set."""

    token: int = 1

    async def tokens(self) -> Mapping[int, int]:
        return {0: self.token}


async def test_a_router_remembers_the_newest_lease_alone(tmp_path: Path) -> None:
    """However often a partition is lost and taken over again, a router remembers one token of it."""
    stages, share = Stages(tmp_path), Leased()
    router = router_of(stages.services, "router")
    for share.token in range(1, 50):
        await router._step(share)  # type: ignore[arg-type] # all of a share that a step asks for
    assert len(router._taken_over) == 1
