"""What readers get and are told, through the stages and a store in memory."""

from pathlib import Path

import pytest

from broker.errors import Refused
from schemas.requests import Replay
from schemas.subscription import SubscriptionPatch
from tests.unit.making import DYKE, PROVINCE, id_of, label
from tests.unit.stages import Stages, written

FIRST = id_of(DYKE, 1)


@pytest.fixture
def stages(tmp_path: Path) -> Stages:
    """A hub whose time the test sets."""
    return Stages(tmp_path)


async def test_a_subscriber_is_not_told_whom_else_an_alert_is_for(stages: Stages) -> None:
    """Of the addressing, which may stand in a part for hubs alone, the originator is told, and no reader."""
    addressing = {"to": [PROVINCE, "th.police"], "release_to": ["vn.mae.*"], "not_to": ["vn.inspect"]}
    id_ = await stages.subscribe()
    await stages.accepted(label(FIRST, addressing=addressing))
    await written(await stages.reader(id_))
    reading = stages.services.reading
    to_reader = (await reading.decisions(stages.caller(), FIRST, id_, None)).model_dump_json()
    to_originator = (await reading.decisions(stages.caller(DYKE), FIRST, id_, None)).model_dump_json()
    for other in ("th.police", "vn.mae.*", "vn.inspect"):
        assert other not in to_reader
        assert other in to_originator


async def test_positions_that_cannot_be_read_are_refused_although_there_are_none(stages: Stages) -> None:
    """A replay of `5-3` is `invalid-request`, whether or not anything was delivered yet."""
    id_ = await stages.subscribe()
    with pytest.raises(Refused) as refused:
        await stages.subscribing.replay(stages.caller(), id_, Replay(positions="5-3"), stages.now)
    assert refused.value.code == "invalid-request"


async def test_a_subscription_without_a_secret_cannot_be_changed_to_v1(stages: Stages) -> None:
    """A secret is told once, when the subscription is made: without one nothing could be signed, nor delivered."""
    webhook = {"adapter": "webhook", "settings": {"url": "https://desk.example/in"}}
    without = await stages.subscribe(**webhook)
    with pytest.raises(Refused) as refused:
        await stages.subscribing.change(stages.caller(), without, SubscriptionPatch(settings={"signing": "v1"}))
    assert (refused.value.code, refused.value.faults[0].path) == ("invalid-request", "/settings/signing")
    with_one = await stages.subscribe(**webhook | {"settings": {"url": "https://desk.example/in", "signing": "v1"}})
    for signing in ("v1a", "v1"):
        await stages.subscribing.change(stages.caller(), with_one, SubscriptionPatch(settings={"signing": signing}))
