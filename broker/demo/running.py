"""From an empty folder to the table, and back."""

import asyncio
import json
import signal
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from broker.client import ProblemError
from broker.demo.arrivals import Arrivals
from broker.demo.cast import Cast, CastError
from broker.demo.cells import observe
from broker.demo.expect import EXPECTED, Expected
from broker.demo.live import look_around
from broker.demo.post import Posters
from broker.demo.progress import Progress
from broker.demo.settling import Settling
from broker.demo.story import Story
from broker.demo.table import Outcome, as_json, show
from broker.demo.texts import Filling, load
from broker.demo.world import World

INTERRUPTED = 130


def run(*, once: bool, as_json: bool, expected: Path | None) -> int:
    """The exit code of `broker demo`."""
    wanted = Expected.read(expected or EXPECTED)
    with tempfile.TemporaryDirectory(prefix="broker-demo-", ignore_cleanup_errors=True) as made:
        return asyncio.run(Demo(Path(made), wanted, once=once, as_json=as_json).run())


class Demo:
    """One run, in a folder of its own."""

    def __init__(self, folder: Path, expected: Expected, *, once: bool, as_json: bool) -> None:
        self._expected = expected
        self._once = once
        self._as_json = as_json
        self._world = World(folder)
        self._cast = Cast(self._world)
        self._progress = Progress()
        self._enough = asyncio.Event()
        self._outcome: Outcome | None = None
        self._broken = "The demo was interrupted."

    async def run(self) -> int:
        """Everything that was started ends, however this does; Ctrl-C ends the story, or the looking around."""
        task = asyncio.create_task(self._play())
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupt, task)
        try:
            with suppress(asyncio.CancelledError):
                await task
        finally:
            self._progress.step("ending the hub and the partners' systems")
            unclean = await self._cast.stop()
            self._progress.close()
        return self._ended(unclean)

    def _interrupt(self, task: asyncio.Task[None]) -> None:
        if self._outcome is None:
            task.cancel()
        self._enough.set()

    async def _play(self) -> None:
        try:
            await self._open()
            await self._act()
        except (CastError, ProblemError) as why:
            self._broken = f"The demo cannot go on: {why}"
            self._progress.wrong(self._broken)

    async def _open(self) -> None:
        world, cast, step = self._world, self._cast, self._progress.step
        step(f"keys and certificates for {len(world.ids)} agencies and a hub")
        world.make_keys()
        step("two webhook receivers and two stream readers, a process each")
        await cast.start_systems()
        step("the directory, and a hub with a private server")
        world.write_directory(cast.http_origins)
        await cast.start_hub(usual_port=not self._once)
        step(f"{len(world.partners)} agencies subscribe at {cast.url}")
        await cast.introduce()

    async def _act(self) -> None:
        texts = load()
        posters = Posters(self._world, self._cast.url, texts, Filling(texts, self._world.ids))
        settling = Settling(self._cast, posters)
        story = Story(self._cast, posters, settling, self._progress)
        try:
            await settling.watch()
            await story.tell()
            grid = await observe(self._cast, posters, story.posted)
            findings = [*settling.late, *self._doubts()]
            self._outcome = Outcome(self._world.partners, story.posted, grid, self._expected, findings)
            if not self._once:
                self._progress.close()
                self._show(self._outcome)
                await look_around(self._cast, posters, self._outcome, self._enough)
        finally:
            await posters.close()

    def _doubts(self) -> list[str]:
        """What a partner's system could not verify, and what has ended by itself."""
        doubtful = Arrivals.read(system.arrivals for system in self._cast.systems).doubtful
        return [f"not verified: {each}" for each in doubtful] + [
            f"{name} ended by itself" for name in self._cast.dead()
        ]

    def _ended(self, unclean: list[str]) -> int:
        ends = [f"{name} did not end cleanly" for name in unclean]
        if self._outcome is None:
            if self._as_json:
                print(json.dumps({"as_expected": False, "findings": [self._broken, *ends]}), flush=True)
            return INTERRUPTED if self._enough.is_set() else 1
        outcome = replace(self._outcome, findings=[*self._outcome.findings, *ends])
        if self._once:
            self._show(outcome)
        else:
            for each in ends:
                self._progress.wrong(each)
        return 0 if outcome.as_expected else 1

    def _show(self, outcome: Outcome) -> None:
        if self._as_json:
            print(json.dumps(as_json(outcome), ensure_ascii=False), flush=True)
        else:
            show(outcome, Console(highlight=False))
