"""What who holds a token for one subscription is told."""

from dataclasses import replace
from pathlib import Path

import pytest

from broker.errors import Refused
from tests.unit.making import DYKE, id_of, label
from tests.unit.stages import Stages, written

FIRST = id_of(DYKE, 1)


async def test_a_token_for_one_subscription_is_told_of_no_other(tmp_path: Path) -> None:
    """Neither what was decided for the agency's others, nor what its originators are told."""
    stages = Stages(tmp_path)
    mine, other = await stages.subscribe(), await stages.subscribe()
    await stages.accepted(label(FIRST))
    for id_ in (mine, other):
        await written(await stages.reader(id_))
    reading, holder = stages.services.reading, replace(stages.caller(), subscription=mine)
    told = await reading.decisions(holder, FIRST, None, None)
    assert {each.subscription for each in told.decisions} == {mine}
    of_issuer = replace(stages.caller(DYKE), subscription=await stages.subscribe(DYKE))
    for asked in (
        reading.decisions(holder, FIRST, other, None),
        reading.decisions(of_issuer, FIRST, None, None),
        reading.deliveries(of_issuer, FIRST, stages.now),
        reading.receipt(of_issuer, FIRST),
    ):
        with pytest.raises(Refused) as refused:
            await asked
        assert refused.value.code == "not-found"
