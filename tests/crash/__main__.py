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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.crash import disk, report
from tests.crash.nursery import Nursery, warm_parent
from tests.crash.plan import WEIGHTS, Plan
from tests.crash.rounds import Outcome, Round

A_ROUND = 500
"""Kills in one round."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=80)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4), "big"))
    parser.add_argument("--folder", type=Path, help="where the rounds' data and logs stay; else they are thrown away")
    parser.add_argument(
        "--weight", type=_weight, action="append", default=[], metavar="FAULT=WEIGHT", help='"disk full=1"; repeatable'
    )
    options = parser.parse_args(arguments)
    weights, left_out = possible(WEIGHTS | dict(options.weight))
    print(f"seed {options.seed}: {options.kills} kills{report.without(left_out)}", flush=True)
    with tempfile.TemporaryDirectory(prefix="crash-") as made:
        outcomes = play(options.seed, options.kills, options.folder or Path(made), weights)
    told = report.summary(options.seed, outcomes, left_out)
    print(report.as_json(told))
    return 1 if told["broken"] or shows_nothing(told, options.kills) else 0


def shows_nothing(told: Mapping[str, Any], kills: int) -> bool:
    """Where too little died, was accepted or arrived, nothing can be broken either."""
    return bool(told["kills"] < kills or not told["alerts"] or not told["arrivals"])


def possible(weights: Mapping[str, float]) -> tuple[Mapping[str, float], Mapping[str, str]]:
    """The weights without what cannot be made on this machine, and that with why it cannot."""
    if weights.get("disk full") and (why := disk.why_none()):
        return {**weights, "disk full": 0.0}, {"disk full": f"no tmpfs can be mounted here: {why}"}
    return weights, {}


def play(seed: int, kills: int, folder: Path, weights: Mapping[str, float] = WEIGHTS) -> list[Outcome]:
    """All rounds. The warm parent is forked before anything else begins."""
    folder.mkdir(parents=True, exist_ok=True)
    with warm_parent(folder / "roles.log") as (nursery, port):
        return asyncio.run(_rounds(seed, kills, folder, weights, nursery, port))


async def _rounds(
    seed: int, kills: int, folder: Path, weights: Mapping[str, float], nursery: Nursery, port: int
) -> list[Outcome]:
    dice, outcomes, done = random.Random(seed), list[Outcome](), 0
    listening = asyncio.create_task(nursery.listen())
    while done < kills:
        mine = seed if not outcomes else dice.getrandbits(32)
        plan = Plan(mine, min(A_ROUND, kills - done), weights=weights)
        place = folder / f"round-{len(outcomes) + 1}"
        outcomes.append(await Round(plan, nursery, port, place).run())
        done += max(1, sum(outcomes[-1].kills.values()))
        print(f"{time.strftime('%H:%M:%S')} {report.line(len(outcomes), outcomes[-1])}", flush=True)
        for each in outcomes[-1].broken[:10]:
            print(f"  {each.invariant}: {each.what}", flush=True)
    listening.cancel()
    return outcomes


def _weight(told: str) -> tuple[str, float]:
    name, _, weight = told.partition("=")
    if name not in WEIGHTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(WEIGHTS)}")
    return name, float(weight)


if __name__ == "__main__":
    sys.exit(main())
