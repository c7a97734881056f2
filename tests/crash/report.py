"""The sums over all rounds, for people and for programs."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tests.crash.plan import WEIGHTS
from tests.crash.rounds import Outcome

SHOWN = 5
"""Of what broke one invariant."""


def line(number: int, outcome: Outcome) -> str:
    """One round."""
    return (
        f"round {number} (seed {outcome.seed}): {sum(outcome.kills.values())} kills, {outcome.alerts} alerts, "
        f"{outcome.arrivals} arrivals, {outcome.repeats} repeats, "
        f"{outcome.seconds:.1f} s ({outcome.storm_s:.1f} of storm), "
        f"{'broken: ' + str(len(outcome.broken)) if outcome.broken else 'whole'}"
    )


def without(left_out: Mapping[str, str]) -> str:
    """What this run says nothing about."""
    return "".join(f", without {name} ({why})" for name, why in left_out.items())


def summary(seed: int, outcomes: Sequence[Outcome], left_out: Mapping[str, str]) -> dict[str, Any]:
    """Everything as JSON. `left_out`: faults that cannot be made here, each with why."""
    kills = _sum(outcome.kills for outcome in outcomes)
    faults = _sum(outcome.faults for outcome in outcomes)
    return {
        "seed": seed,
        "rounds": len(outcomes),
        "kills": sum(kills.values()),
        "kills_by_role": _by_role(kills),
        "kills_by_point": dict(sorted(kills.items())),
        "faults": {name: faults[name] for name in sorted(WEIGHTS.keys() - {"kill"} - left_out.keys())},
        "left_out": _left_out(left_out, kills, faults),
        "ended_by_themselves": dict(sorted(_sum(outcome.ended for outcome in outcomes).items())),
        "alerts": sum(outcome.alerts for outcome in outcomes),
        "arrivals": sum(outcome.arrivals for outcome in outcomes),
        "repeats": sum(outcome.repeats for outcome in outcomes),
        "ends": dict(sorted(_sum(outcome.ends for outcome in outcomes).items())),
        "bytes_lost_unacknowledged": sum(outcome.lost_bytes for outcome in outcomes),
        "seconds": round(sum(outcome.seconds for outcome in outcomes), 1),
        "broken": broken(outcomes),
    }


def broken(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    """By invariant: how often, and the first few."""
    found: dict[str, list[str]] = {}
    for outcome in outcomes:
        for each in outcome.broken:
            found.setdefault(each.invariant, []).append(f"seed {outcome.seed}: {each.what}")
    return {name: [f"{len(told)} times", *told[:SHOWN]] for name, told in found.items()}


def as_json(told: dict[str, Any]) -> str:
    """The summary as it is printed."""
    return json.dumps(told, ensure_ascii=False, indent=1)


def _left_out(left_out: Mapping[str, str], kills: Counter[str], faults: Counter[str]) -> dict[str, str]:
    """With a full disk that met no write: on a machine so busy that processes die before they do anything."""
    if kills["disk full"] or "disk full" in left_out:
        return dict(left_out)
    return {**left_out, "disk full": f"full {faults['disk full']} times, and never when something was written"}


def _by_role(kills: Counter[str]) -> dict[str, int]:
    roles: Counter[str] = Counter()
    for name, count in kills.items():
        role = "redis" if ":" not in name else name.partition(":")[0].replace("stream", "ingress")
        roles[role] += count
    return dict(sorted(roles.items()))


def _sum(counters: Any) -> Counter[str]:
    return sum(counters, Counter())
