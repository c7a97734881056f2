"""`make crash-mutants`: each wrong engine in a seeded run made for it. Exit 1 when the checker does not notice one.

make crash-mutants ARGS="--only everysec --seed 7"
"""

import argparse
import asyncio
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.crash.mutants.catalogue import MUTANTS, Mutant
from tests.crash.nursery import Nursery, warm_parent
from tests.crash.plan import Plan
from tests.crash.rounds import Outcome, Round

STORM_S = 20.0
DRAIN_S = 30.0
TRIES = 3
"""Rounds for each, with other seeds: together within two minutes."""


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash.mutants", description=__doc__)
    parser.add_argument("--only", action="append", choices=sorted(MUTANTS), help="may be repeated")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--none", action="store_true", help="each run without its wrong engine: nothing may be found")
    asked = parser.parse_args(arguments)
    print(f"seed {asked.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="crash-mutants-") as made:
        folder = Path(made)
        with warm_parent(folder / "roles.log") as (nursery, port):
            return asyncio.run(_all(asked, nursery, port, folder))


async def _all(asked: argparse.Namespace, nursery: Nursery, port: int, folder: Path) -> int:
    listening = asyncio.create_task(nursery.listen())
    survivors = 0
    for name in asked.only or MUTANTS:
        mutant = MUTANTS[name]
        started = time.monotonic()
        found: Counter[str] = Counter()
        for number in range(1 if asked.none else TRIES):
            outcome = await one(
                mutant, asked.seed + number, nursery, port, folder / f"{name}-{number}", none=asked.none
            )
            found = Counter(each.invariant for each in outcome.broken)
            if found:
                break
        told = ", ".join(f"{invariant} ({count})" for invariant, count in found.items())
        example = f"\n    {outcome.broken[0].what[:160]}" if found else ""
        print(
            f"{name:20} {time.monotonic() - started:6.1f} s  {told or ('whole' if asked.none else 'SURVIVED')}"
            f"   [{mutant.wrong}]{example}",
            flush=True,
        )
        survivors += bool(found) if asked.none else not found
    listening.cancel()
    return 1 if survivors else 0


async def one(mutant: Mutant, seed: int, nursery: Nursery, port: int, folder: Path, *, none: bool = False) -> Outcome:
    """One run made for this mutant; `none`: the same with the engine as it is."""
    plan = Plan(
        seed, kills=10**6, rest_s=mutant.rest_s, weights=mutant.weights, points=mutant.points, pointed=mutant.pointed,
        most_s=STORM_S,
    )  # fmt: skip
    return await Round(
        plan, nursery, port, folder, None if none else mutant, drain_s=DRAIN_S, issuer_rest_s=mutant.issuer_rest_s
    ).run()


if __name__ == "__main__":
    sys.exit(main())
