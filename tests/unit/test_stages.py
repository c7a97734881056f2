"""What readers get and are told, through the stages and a store in memory."""

from pathlib import Path

import pytest

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
