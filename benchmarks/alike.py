"""How long a hub takes to refuse what is another's, against what never was: medians of alternating requests.

`python -m benchmarks.alike [REQUESTS]`: for each call a row, and `alike` where the medians differ by less than the
interquartile range. What differs in more than its time stands beside it.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.integration.agencies import BANK, DYKE, POLICE, Part, World, alert, claims
from tests.integration.asking import Caller, accepted, form_d, sign_in
from tests.integration.processes import Hub, serving

REQUESTS = 1_000
UNLIMITED = ("--refusals-per-s", "0", "--posts-per-s", "0", "--calls-per-s", "0")
NEVER = f"{DYKE}/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"


@dataclass(frozen=True)
class Pair:
    """One call, about what is another's and about what never was."""

    name: str
    method: str
    theirs: str
    never: str
    body: bytes = b""


@dataclass(frozen=True)
class Times:
    """Milliseconds, a pair of each."""

    name: str
    theirs: list[float]
    never: list[float]

    @property
    def spread(self) -> float:
        """The larger of the two interquartile ranges would be kind: this is the smaller."""
        return min(_quartiles(self.theirs), _quartiles(self.never))

    @property
    def apart(self) -> float:
        return abs(statistics.median(self.theirs) - statistics.median(self.never))

    def __str__(self) -> str:
        said = "alike" if self.apart < self.spread else "NOT ALIKE"
        medians = f"{statistics.median(self.theirs):.3f} {statistics.median(self.never):.3f}"
        return f"| {self.name} | {medians.replace(' ', ' | ')} | {self.apart:.3f} | {self.spread:.3f} | {said} |"


def _quartiles(values: list[float]) -> float:
    low, _, high = statistics.quantiles(values, n=4)
    return high - low


@contextmanager
def _furnished() -> Iterator[list[tuple[Caller, Pair]]]:
    with tempfile.TemporaryDirectory(prefix="alike-") as made:
        world = World.make(Path(made))
        with serving(world, *UNLIMITED) as hub:
            reader = sign_in(hub, world, BANK, bound=False)
            changer = sign_in(hub, world, BANK, bound=False, scope="subscribe")
            yield [
                *((reader, pair) for pair in _pairs(hub, world)),
                *((changer, pair) for pair in _changing(sign_in(hub, world, POLICE).subscribe())),
            ]


def _pairs(hub: Hub, world: World) -> list[Pair]:
    """The bank asks about what the dyke agency says to the police, with a token that needs no proofs of ours."""
    big = Part(bytes(1_000_000), "application/octet-stream")
    said = claims(alert(POLICE, parts=[big.described()]))
    assert form_d(world.signed(said), big).send(hub).status_code == 202
    police = sign_in(hub, world, POLICE)
    held = [police.subscribe() for _ in range(50)]
    small, given = accepted(hub, world, alert(POLICE)), accepted(hub, world, alert(POLICE))
    update = accepted(hub, world, alert(POLICE, kind="update", references=[small]))
    assert police.call("GET", f"/v1/alerts/{given}").status_code == 200
    pairs = []
    for name, theirs in (("", small), (", given to others", given), (", an update", update), (", 1 MB", said["jti"])):
        pairs += [
            Pair(f"GET /v1/alerts{name}", "GET", f"/v1/alerts/{theirs}?purpose=prevention", _alert(NEVER)),
            Pair(f"GET /v1/receipts{name}", "GET", f"/v1/receipts/{theirs}", f"/v1/receipts/{NEVER}"),
            Pair(f"GET /v1/decisions{name}", "GET", f"/v1/decisions?alert={theirs}", f"/v1/decisions?alert={NEVER}"),
            Pair(f"GET /v1/deliveries{name}", "GET", f"/v1/deliveries?alert={theirs}", f"/v1/deliveries?alert={NEVER}"),
        ]
    theirs, never = (f"/v1/subscriptions/{id_}" for id_ in (held[0], "sub_AAAAAAAAAAAAAAAA"))
    for rest in ("", "/attempts", "/dead", "/gaps?have=1-40", "/stream"):
        pairs.append(Pair(f"GET /v1/subscriptions/…{rest}", "GET", theirs + rest, never + rest))
    return pairs


def _alert(id_: str) -> str:
    return f"/v1/alerts/{id_}?purpose=prevention"


def _changing(theirs: str) -> Iterator[Pair]:
    """What changes a subscription, had it been the asker's."""
    positions, all_ = json.dumps({"positions": "1"}).encode(), json.dumps({"all": True}).encode()
    for method, rest, body in (
        ("PATCH", "", b"{}"),
        ("POST", "/replay", positions),
        ("POST", "/dead", all_),
        ("POST", "/test", b""),
    ):
        paths = [f"/v1/subscriptions/{id_}{rest}" for id_ in (theirs, "sub_AAAAAAAAAAAAAAAA")]
        yield Pair(f"{method} /v1/subscriptions/…{rest}", method, paths[0], paths[1], body)


def measure(caller: Caller, pair: Pair, requests: int) -> Times:
    """Alternating, so that whatever else the machine does meets both alike."""
    headers = caller.headers(pair.method, "")

    def one(path: str) -> tuple[float, object]:
        started = time.perf_counter()
        answer = caller.hub.http.request(pair.method, path, headers=headers, content=pair.body)
        took = (time.perf_counter() - started) * 1_000
        told = answer.json()
        assert told.pop("instance")
        kept = [(name, value) for name, value in answer.headers.multi_items() if name != "date"]
        return took, (answer.status_code, kept, told)

    theirs, never = [], []
    for _ in range(requests):
        (mine, one_), (other, two) = one(pair.theirs), one(pair.never)
        assert one_ == two, (pair, one_, two)
        theirs.append(mine)
        never.append(other)
    return Times(pair.name, theirs, never)


def main() -> int:
    requests, alike = int(sys.argv[1]) if len(sys.argv) > 1 else REQUESTS, True
    print("| call | another's (ms) | never was (ms) | apart | interquartile range | |")
    print("| --- | --- | --- | --- | --- | --- |")
    with _furnished() as furnished:
        for caller, pair in furnished:
            times = measure(caller, pair, requests)
            alike &= times.apart < times.spread
            print(times, flush=True)
    return 0 if alike else 1


if __name__ == "__main__":
    sys.exit(main())
