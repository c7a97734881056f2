"""The fault "disk full": a small disk that is full and goes again, what it does to Redis, and where none can be had."""

import asyncio
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from redis.exceptions import RedisError

from tests.crash import disk, report
from tests.crash.__main__ import possible
from tests.crash.engine import Engine
from tests.crash.plan import WEIGHTS
from tests.crash.rounds import Outcome
from tests.integration.processes import until

MOUNTS = Path("/proc/self/mounts")
BEFORE = 50
"""Writes before its disk is full."""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    try:
        with disk.small_disk(tmp_path / "disk", 16) as made:
            yield made
    except disk.NoDiskError as why:
        pytest.skip(f"needs to mount a tmpfs: {why}")


def test_full_to_the_last_byte_and_empty_again(place: Path) -> None:
    """A disk that was filled takes not a byte more, and after it was emptied it takes some."""
    disk.fill(place)
    with pytest.raises(OSError, match="No space"):
        (place / "more").write_bytes(b"1")
    disk.empty(place)
    (place / "more").write_bytes(b"1")


def test_only_a_small_disk_is_filled(tmp_path: Path) -> None:
    """A folder that is no disk of its own is not filled: it would be the machine's."""
    with pytest.raises(disk.NoDiskError):
        disk.fill(tmp_path)


@pytest.mark.usefixtures("place")
def test_it_goes_with_its_block_and_leaves_what_is_to_be_kept(tmp_path: Path) -> None:
    """It is unmounted when an error ends its block; what lay on it, but for the filler, stays where it was."""

    def breaks() -> None:
        with disk.small_disk(tmp_path / "other", 1, keep=True) as other:
            (other / "log").write_text("kept")
            disk.fill(other)
            assert str(other) in MOUNTS.read_text()
            raise KeyError

    with pytest.raises(KeyError):
        breaks()
    assert str(tmp_path / "other") not in MOUNTS.read_text()
    assert [(each.name, each.read_text()) for each in (tmp_path / "other").iterdir()] == [("log", "kept")]


async def _write(engine: Engine, acknowledged: list[str]) -> None:
    """Until a write fails."""
    with suppress(RedisError, OSError):
        async with engine.client() as client:
            while True:
                name = f"key-{len(acknowledged)}"
                await client.set(name, "x" * 100)
                acknowledged.append(name)


async def test_redis_ends_and_keeps_what_it_acknowledged(place: Path) -> None:
    """A failed write ends Redis with its own code before it answers; started again, it has whatever it acknowledged."""
    engine, acknowledged = Engine(place), list[str]()
    await engine.start()
    try:
        writing = asyncio.create_task(_write(engine, acknowledged))
        while len(acknowledged) < BEFORE:
            await asyncio.sleep(0.005)
        assert await engine.fill_disk(0.3)
        await writing
        await engine.start()
        async with engine.client() as client:
            assert await client.exists(*acknowledged) == len(acknowledged)
    finally:
        engine.stop()


async def test_redis_that_writes_nothing_stays(place: Path) -> None:
    """A disk that was full while nothing was written is told as the end of nobody."""
    engine = Engine(place)
    await engine.start()
    try:
        assert not await engine.fill_disk(0.1)
    finally:
        engine.stop()


def test_where_none_can_be_mounted_the_report_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a tmpfs a disk is never full in the plan, and the summary names that and why; it counts nowhere."""
    monkeypatch.setenv("PATH", "/nowhere")
    weights, left_out = possible(WEIGHTS)
    told = report.summary(1, [], left_out)
    assert weights["disk full"] == 0
    assert "mount" in told["left_out"]["disk full"]
    assert "disk full" not in told["faults"]
    assert "without disk full" in report.without(left_out)


def test_a_full_disk_that_met_no_write_is_no_cover() -> None:
    """The summary names a full disk as left out unless it ended Redis at least once."""
    faults = Counter({"disk full": 3})
    unmet = report.summary(1, [Outcome(1, faults=faults)], {})
    met = report.summary(1, [Outcome(1, faults=faults, kills=Counter({"disk full": 1}))], {})
    assert "full 3 times, and never" in unmet["left_out"]["disk full"]
    assert met["left_out"] == {}


@pytest.mark.slow
@pytest.mark.usefixtures("place")
@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_broken_off_leaves_nothing(tmp_path: Path, how: signal.Signals) -> None:
    """Ended by a signal while its disk is full, a run leaves no mount and no process."""
    folder = tmp_path / "run"
    command = [sys.executable, "-m", "tests.crash", "--kills", "500", "--folder", str(folder), "--weight"]
    filler = folder / "round-1" / "redis" / disk.FILLER
    with subprocess.Popen([*command, "disk full=100"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        try:
            until(filler.exists)
            assert str(folder) in MOUNTS.read_text()
            run.send_signal(how)
            assert run.wait(30) != 0
        finally:
            run.kill()
    assert str(folder) not in MOUNTS.read_text()
    assert not [
        each for each in psutil.process_iter(["cmdline"]) if str(folder) in " ".join(each.info["cmdline"] or ())
    ]
