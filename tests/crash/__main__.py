"""`python -m tests.crash --kills 5000 [--seed N]`: kills everything at random while alerts are posted, then checks.

Rounds of some hundred kills, each in a world of its own; the seed of each is printed, so that `--rounds 1 --seed` of
one that broke plays its plan again. Ends with the summary as JSON; exit 1 when an invariant is broken.
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.crash import report
from tests.crash.nursery import Nursery, warm_parent
from tests.crash.plan import Plan
from tests.crash.rounds import Outcome, Round

A_ROUND = 500
"""Kills in one round."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=80)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--folder", type=Path, help="where the rounds' data and logs stay; else they are thrown away")
    options = parser.parse_args(arguments)
    print(f"seed {options.seed}: {options.kills} kills", flush=True)
    with tempfile.TemporaryDirectory(prefix="crash-") as made:
        outcomes = play(options.seed, options.kills, options.folder or Path(made))
    told = report.summary(options.seed, outcomes)
    print(report.as_json(told))
    return 1 if told["broken"] else 0


def play(seed: int, kills: int, folder: Path) -> list[Outcome]:
    """All rounds. The warm parent is forked before anything else begins."""
    folder.mkdir(parents=True, exist_ok=True)
    with warm_parent(folder / "roles.log") as (nursery, port):
        return asyncio.run(_rounds(seed, kills, folder, nursery, port))


async def _rounds(seed: int, kills: int, folder: Path, nursery: Nursery, port: int) -> list[Outcome]:
    dice, outcomes, done = random.Random(seed), list[Outcome](), 0
    listening = asyncio.create_task(nursery.listen())
    while done < kills:
        mine = seed if not outcomes else dice.getrandbits(32)
        plan = Plan(mine, min(A_ROUND, kills - done))
        place = folder / f"round-{len(outcomes) + 1}"
        outcomes.append(await Round(plan, nursery, port, place).run())
        done += max(1, sum(outcomes[-1].kills.values()))
        print(f"{time.strftime('%H:%M:%S')} {report.line(len(outcomes), outcomes[-1])}", flush=True)
        for each in outcomes[-1].broken[:10]:
            print(f"  {each.invariant}: {each.what}", flush=True)
    listening.cancel()
    return outcomes


if __name__ == "__main__":
    sys.exit(main())
