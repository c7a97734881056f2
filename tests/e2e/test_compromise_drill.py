"""The compromise drill in the demo's world: one command, and a report naming each affected alert and receiver."""

import asyncio
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest

from broker.compromise import said_id
from broker.demo.arrivals import Arrival, Arrivals
from broker.demo.cast import Cast
from broker.demo.post import Posters
from broker.demo.settling import Settling
from broker.demo.texts import Filling, load
from broker.demo.world import World

PATIENCE_S = 40
STOLEN_FROM = "ddm"
BEFORE = ("fisherman-missing", "phishing-indicators", "flood-warning", "ransomware", "bird-flu", "thai-tip")


@pytest.mark.slow
@pytest.mark.timeout(150)
async def test_one_command_names_each_affected_alert_and_receiver(tmp_path: Path) -> None:
    """The report has exactly the alerts that the stolen key signed since then, each with exactly those whose systems
    got it; all of these hear of suspension and recall, and nobody else does.
    """
    world = World(tmp_path)
    cast = Cast(world)
    world.make_keys()
    await cast.start_systems()
    world.write_directory(cast.http_origins)
    await cast.start_hub(usual_port=False)
    await cast.introduce()
    texts = load()
    posters = Posters(world, cast.url, texts, Filling(texts, world.ids))
    settling = Settling(cast, posters)
    try:
        await settling.watch()
        posted = [await posters.post(name) for name in BEFORE]
        await settling.settle({each.text.issuer for each in posted})
        assert settling.late == []
        stolen = {each.alert for each in posted if each.text.issuer == STOLEN_FROM and each.is_accepted}
        assert stolen
        had = _had(cast)
        kid = world.keys[STOLEN_FROM]["statement"].kid
        told = await _drill(world, kid)
        line_tests = {each["alert"] for each in told["alerts"] if each["status"] == "test"}
        named = {each["alert"]: {one["agency"] for one in each["receivers"]} for each in told["alerts"]}
        assert named.keys() - line_tests == stolen
        assert {id_: named[id_] for id_ in stolen} == {id_: had[id_] for id_ in stolen}
        assert (told["suspended"], told["recalled"]) == (len(named), len(named))
        await _until(lambda: all(_told_of(cast, id_, "suspended") == named[id_] for id_ in stolen))
        recalls = {id_: said_id(world.hub, id_, "recall", kid) for id_ in named}
        await _until(lambda: all(_had(cast)[recalls[id_]] == named[id_] for id_ in named))
        assert all(_told_of(cast, id_, "suspended") == named[id_] for id_ in named)
    finally:
        await posters.close()
        await cast.stop()


def _arrivals(cast: Cast) -> dict[str, list[Arrival]]:
    read = Arrivals.read(system.arrivals for system in cast.systems)
    return {agency: read.of(agency) for agency in cast.world.ids.values()}


def _had(cast: Cast) -> dict[str, set[str]]:
    """By alert, whose systems got it."""
    had: dict[str, set[str]] = defaultdict(set)
    for agency, arrivals in _arrivals(cast).items():
        for each in arrivals:
            had[each.id].add(agency)
    return had


def _told_of(cast: Cast, alert: str, notice: str) -> set[str]:
    """Whose systems got that notice about the alert."""
    arrived = _arrivals(cast).items()
    return {agency for agency, came in arrived for each in came if (each.about, each.notice) == (alert, notice)}


async def _drill(world: World, kid: str) -> dict[str, Any]:
    """The command, as an operator types it."""
    words = ["directory", "revoke", kid, "--since", "2026-01-01T00:00:00+07:00", "--recall", "--yes", "--json"]
    words += ["--data", str(world.folder / "data"), "--directory", str(world.directory)]
    words += ["--hub-keys", str(world.folder / "hub-keys")]
    broker = str(Path(sys.executable).parent / "broker")
    process = await asyncio.create_subprocess_exec(
        broker, *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    out, errors = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, errors.decode() + out.decode()
    told: dict[str, Any] = json.loads(out)
    return told


async def _until(look: Any) -> None:
    give_up = time.monotonic() + PATIENCE_S
    while not look():
        assert time.monotonic() < give_up
        await asyncio.sleep(0.05)
