"""What happens when, from a seed: which disruption comes next, at which point a new process dies.

A seed fixes the plan, not the interleaving: the processes run as the machine lets them.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tests.crash.points import POINTS, of_role

SLOTS = ("ingress-1", "ingress-2", "router-1", "router-2", "courier-1", "courier-2")
"""Two of each role, so that each meets another of its kind."""
WEIGHTS: Mapping[str, float] = {
    "kill": 2.5,
    "redis killed": 0.3,
    "power cut": 0.3,
    "redis paused": 0.08,
    "redis away": 0.05,
    "disk full": 0.05,
    "memory full": 0.05,
    "file rewritten": 0.1,
    "stop a process": 0.15,
    "asked to end": 0.15,
    "reply lost": 0.4,
    "replies late": 0.2,
    "connections cut": 0.3,
    "half open": 0.08,
}
"""How often each disruption comes, against the others."""


@dataclass
class Plan:
    """One run's dice, and what they may show."""

    seed: int
    kills: int
    rest_s: float = 0.08
    """Between disruptions, on average."""
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)
    points: Sequence[str] = ()
    """Where processes may die; none: anywhere."""
    pointed: float = 0.65
    """How many processes die at a point, if nothing else comes first."""
    most_s: float = 600.0
    """After which the run ends whatever was killed by then."""
    dice: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def part(self, name: str) -> random.Random:
        """Dice of their own for one part, so that the parts don't depend on each other's order."""
        return random.Random(f"{self.seed} {name}")

    def rest(self) -> float:
        return min(self.dice.expovariate(1 / self.rest_s), 2.0)

    def disruption(self) -> str | None:
        """None where only points kill."""
        if not self.weights:
            return None
        return self.dice.choices(list(self.weights), list(self.weights.values()))[0]

    def point(self, role: str) -> tuple[str | None, int]:
        """Where a new process of this role dies by itself, and at which passing; None: nowhere."""
        mine = [point for point in of_role(role) if not self.points or point in self.points]
        if not mine or self.dice.random() > self.pointed:
            return None, 1
        return self.dice.choice(mine), 1 + int(self.dice.expovariate(1 / 2))

    def jump(self) -> float:
        """By how many seconds a new process's clock jumps."""
        return self.dice.choice((-3.0, 3.0)) if self.dice.random() < 0.08 else 0.0


assert all(point.role in {slot.partition("-")[0] for slot in SLOTS} for point in POINTS.values())
