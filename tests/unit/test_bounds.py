"""How much one agency may hold of a hub."""

from dataclasses import replace
from pathlib import Path

import pytest

from broker.errors import Refused
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
