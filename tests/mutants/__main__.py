"""`make mutants`: each rule negated and left out in turn. Exit 1 when the unit tests do not notice one.

make mutants ARGS="--only release --jobs 2"      one stage, or any beginning of an id
make mutants ARGS="--sample 20"                  some at random, with a seed that is printed
make mutants ARGS="--demo --only verify"         which whole rules the demo's table notices, too
make mutants ARGS="--list"                       what there is
"""

import argparse
import os
import random
import secrets
import sys
import time
from collections.abc import Sequence

from tests.mutants import running
from tests.mutants.catalogue import Mutant, mutants
from tests.mutants.running import Run


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code."""
    asked = _parser().parse_args(arguments)
    chosen = _chosen(asked)
    if asked.list:
        for mutant in chosen:
            print(f"{mutant.id:70} {mutant.told}{f'   excused: {mutant.excuse}' if mutant.excuse else ''}")
        print(f"{len(chosen)} mutants")
        return 0
    if not (asked.trust_tests or _sound()):
        return 2
    survivors = _unit(chosen, asked.jobs)
    if asked.demo:
        _demo([mutant for mutant in chosen if mutant.level == "rule"])
    return 1 if survivors else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description="Do the tests notice?")
    parser.add_argument("--only", action="append", default=[], metavar="ID", help="ids that begin so; may be repeated")
    parser.add_argument("--level", choices=["rule", "condition"], help="whole rules, or single conditions, alone")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many at a time")
    parser.add_argument("--sample", type=int, metavar="N", help="as many at random")
    parser.add_argument("--seed", type=int, help="of the sample; printed where it is not given")
    parser.add_argument("--demo", action="store_true", help="also ask the demo, for whole rules")
    parser.add_argument("--trust-tests", action="store_true", help="don't first ask whether the tests pass as it is")
    parser.add_argument("--list", action="store_true", help="run nothing")
    return parser


def _chosen(asked: argparse.Namespace) -> list[Mutant]:
    chosen = [
        mutant
        for mutant in mutants()
        if (not asked.only or mutant.id.startswith(tuple(asked.only))) and asked.level in (None, mutant.level)
    ]
    if asked.sample is None:
        return chosen
    seed = asked.seed if asked.seed is not None else secrets.randbelow(10**6)
    print(f"seed {seed}", flush=True)
    asking = [mutant for mutant in chosen if mutant.excuse is None]
    return random.Random(seed).sample(asking, min(asked.sample, len(asking)))


def _sound() -> bool:
    """Without a mutant every test passes; otherwise nothing could be concluded."""
    [before] = running.unit([None], 1)
    if before.by is not None:
        print(f"The tests fail without any mutant: {before.by}\n{before.output[-2000:]}")
    return before.by is None


def _unit(chosen: Sequence[Mutant], jobs: int) -> list[Run]:
    """Tells one line a mutant, and returns those that survived."""
    started = time.monotonic()
    asking = [mutant for mutant in chosen if mutant.excuse is None]
    survivors: list[Run] = []
    for number, run in enumerate(running.unit(asking, jobs), 1):
        assert run.mutant is not None
        noticed = f"noticed by {run.by}" if run.by else f"SURVIVED   {run.mutant.told}"
        print(f"{number:4}/{len(asking)}  {run.mutant.id:64}  {run.seconds:5.1f} s  {noticed}", flush=True)
        if run.by is None:
            survivors.append(run)
    excused = len(chosen) - len(asking)
    print(
        f"\n{len(asking) - len(survivors)} of {len(asking)} mutants noticed by the unit tests "
        f"in {time.monotonic() - started:.0f} s; {excused} excused (tests/mutants/excused.py says why)"
    )
    for run in survivors:
        assert run.mutant is not None
        print(f"  survived: {run.mutant.id}  {run.mutant.told}")
    return survivors


def _demo(rules: Sequence[Mutant]) -> None:
    """Tells which whole rules the demo's table touches; one at a time, since it starts many processes of its own."""
    before = running.demo(None)
    if before.by is not None:
        print(f"The demo fails without any mutant: {before.by}\n{before.output[-2000:]}")
        return
    noticed = 0
    for run in map(running.demo, rules):
        assert run.mutant is not None
        noticed += run.by is not None
        print(f"demo  {run.mutant.id:64}  {run.seconds:5.1f} s  {run.by or 'not in its table'}", flush=True)
    print(f"\n{noticed} of {len(rules)} whole rules noticed by the demo")


if __name__ == "__main__":
    sys.exit(main())
