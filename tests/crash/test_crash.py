"""A run of the crash machine with a new seed each time; `make crash KILLS=5000` is the long one."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.crash.mutants.catalogue import MUTANTS
from tests.crash.plan import SLOTS, WEIGHTS, Plan
from tests.crash.points import POINTS, of_role

KILLS = 250


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_lost_whatever_dies(tmp_path: Path) -> None:
    """Some hundred kills, power cuts and other faults with a fresh seed break no invariant."""
    command = [sys.executable, "-m", "tests.crash", "--kills", str(KILLS), "--folder", str(tmp_path / "run")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=380, check=False)
    print(done.stdout)  # the seed, where it fails
    assert done.returncode == 0, done.stdout + done.stderr[-2_000:]


def test_a_seed_fixes_the_plan() -> None:
    """The same dice show the same disruptions, points and clocks; another seed shows others."""

    def shown(seed: int) -> list[object]:
        plan = Plan(seed, 1)
        return [(plan.disruption(), plan.point("courier"), plan.jump(), plan.rest()) for _ in range(20)]

    assert shown(1) == shown(1)
    assert shown(1) != shown(2)


def test_every_role_dies_everywhere() -> None:
    """Each role has points, and each disruption may come."""
    assert all(len(of_role(slot.partition("-")[0])) >= 6 for slot in SLOTS)
    assert all(weight > 0 for weight in WEIGHTS.values())


def test_points_and_mutants_fit_the_code_as_it_is() -> None:
    """Each point names a method that is there; each mutant strikes where there are points."""
    assert all(callable(getattr(point.owner, point.method)) for point in POINTS.values())
    assert all(point in POINTS for mutant in MUTANTS.values() for point in mutant.points)
    assert {"everysec", "no-fencing", "silent-retries"} <= MUTANTS.keys()
