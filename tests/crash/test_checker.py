"""Each invariant of the checker can fail: a run without fault is whole, and one fault is noticed by the right one."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.ports.outbox import Attempt, Opened
from tests.crash.checker import INVARIANTS, WINDOW, broken
from tests.crash.evidence import Evidence, Outboxed
from tests.crash.posting import Posted
from tests.crash.receiver import Arrival
from tests.crash.world import CIVIL, FLOOD, HEALTH, Wish

FIRST, SECOND = "vn.dyke/1", "vn.dyke/2"
SUB, OTHER = "sub_health", "sub_civil"
Fault = Callable[[Evidence], None]


def whole() -> Evidence:
    """Two alerts of one issuer, delivered to one subscription and withheld from another; then everything at rest."""
    arrivals = [
        Arrival("dlv_1", FIRST, 1, None, "sha256:1", 204),
        Arrival("dlv_2", SECOND, 2, "sha256:1", "sha256:2", 204),
    ]
    opened = [
        Opened(each.position, each.alert, each.delivery, None, (), (), each.previous, each.digest, "")
        for each in arrivals
    ]
    attempts = [
        Attempt(each.delivery, each.alert, each.position, "", "delivered", 204, 1, None, None) for each in arrivals
    ]
    states = {SUB: "delivered", OTHER: "withheld"}
    return Evidence(
        posted=[
            Posted(id_, "vn.dyke", "alert", FLOOD, "severe", receipts={f"receipt of {id_}"}) for id_ in (FIRST, SECOND)
        ],
        wishes={SUB: Wish(HEALTH, "well", order="issuer"), OTHER: Wish("vn.bank", "well")},
        arrived={SUB: arrivals, OTHER: []},
        log={0: [FIRST, SECOND], 1: []},
        records={FIRST: False, SECOND: False, "vn.hub/notice": True},
        ends={FIRST: dict(states), SECOND: dict(states)},
        outboxes={SUB: Outboxed(opened, attempts, (), {"queue": 0, "open": 0}), OTHER: Outboxed()},
        cursors={0: "2-0", 1: "0-0"},
        tails={0: "2-0", 1: "0-0"},
        disruptions=0,
        audit={"delivered": 2, "withheld": 2},
    )


def _end(alert: str, subscription: str, state: str) -> Fault:
    def fault(seen: Evidence) -> None:
        ends = dict(seen.ends[alert])
        ends.pop(subscription)
        seen.ends = {**seen.ends, alert: {**ends, subscription: state} if state else ends}
        seen.audit = _audit(seen)

    return fault


def _audit(seen: Evidence) -> dict[str, int]:
    states = [state for ends in seen.ends.values() for state in ends.values()]
    return {state: states.count(state) for state in set(states)}


def _arrive(*arrivals: Arrival, instead: bool = False) -> Fault:
    def fault(seen: Evidence) -> None:
        before = [] if instead else list(seen.arrived[SUB])
        seen.arrived = {**seen.arrived, SUB: [*before, *arrivals]}

    return fault


def _outbox(**changes: object) -> Fault:
    def fault(seen: Evidence) -> None:
        seen.outboxes = {**seen.outboxes, SUB: replace(seen.outboxes[SUB], **changes)}  # type: ignore[arg-type]

    return fault


def _seen(**changes: object) -> Fault:
    def fault(seen: Evidence) -> None:
        for name, value in changes.items():
            setattr(seen, name, value)

    return fault


def _post(number: int, **changes: object) -> Fault:
    def fault(seen: Evidence) -> None:
        posted = list(seen.posted)
        posted[number] = replace(posted[number], **changes)  # type: ignore[arg-type]
        seen.posted = posted

    return fault


ONE, TWO = whole().arrived[SUB]
BOX = whole().outboxes[SUB]

FAULTS: list[tuple[str, str, Fault]] = [
    ("ended_once", "still waiting", _end(FIRST, SUB, "waiting")),
    ("ended_once", "never heard of", _end(FIRST, SUB, "")),
    ("ended_once", "delivered to who may not have it", _end(FIRST, OTHER, "dead")),
    ("ended_for_a_reason", "expired before its time", _end(FIRST, SUB, "expired")),
    ("ended_for_a_reason", "superseded by nothing", _end(FIRST, SUB, "superseded")),
    ("ended_for_a_reason", "withheld from who may have it", _end(FIRST, SUB, "withheld")),
    ("ended_for_a_reason", "dead at an endpoint that is well", _end(FIRST, SUB, "dead")),
    ("delivered_is_there", "never arrived", _arrive(TWO, instead=True)),
    ("delivered_is_there", "arrived, but was not taken", _arrive(replace(ONE, status=500), TWO, instead=True)),
    ("nothing_unasked", "said by nobody", _arrive(replace(ONE, alert="vn.dyke/9"))),
    ("nothing_unasked", "not accepted", _post(0, receipts=set())),
    (
        "nothing_unasked",
        "for another agency",
        _seen(wishes={SUB: Wish(CIVIL, "well", domains=()), OTHER: Wish(CIVIL, "")}),
    ),
    ("logged_once", "two entries", _seen(log={0: [FIRST, SECOND, FIRST], 1: []})),
    ("logged_once", "no entry", _seen(log={0: [FIRST], 1: []})),
    ("logged_once", "posted by nobody", _seen(log={0: [FIRST, SECOND, "vn.dyke/9"], 1: []})),
    ("logged_once", "refused", _post(0, refused="malformed")),
    ("same_answer", "two receipts", _post(0, receipts={"one", "another"})),
    ("in_order", "logged in another order", _seen(log={0: [SECOND, FIRST], 1: []})),
    ("in_order", "arrived in another order", _arrive(TWO, ONE, instead=True)),
    ("repeats_alike", "under another delivery id", _arrive(replace(ONE, delivery="dlv_9"))),
    ("repeats_alike", "with another text", _arrive(replace(ONE, digest="sha256:9"))),
    ("repeats_few", "repeats without a disruption", _arrive(ONE)),
    ("positions_whole", "a gap", _outbox(opened=[BOX.opened[1]])),
    ("positions_whole", "a broken chain", _outbox(opened=[BOX.opened[0], replace(BOX.opened[1], previous=None)])),
    ("positions_whole", "another text than stands there", _arrive(replace(TWO, digest="sha256:9"))),
    ("attempts_recorded", "no attempt", _outbox(attempts=[BOX.attempts[0]])),
    ("attempts_recorded", "one attempt twice", _outbox(attempts=[*BOX.attempts, BOX.attempts[0]])),
    ("attempts_recorded", "a dead letter that was delivered", _outbox(dead=[BOX.attempts[0]])),
    ("drained", "something in a queue", _outbox(pending={"queue": 1})),
    ("drained", "a cursor behind", _seen(cursors={0: "1-0", 1: "0-0"})),
    ("drained", "something parked", _seen(parked=[FIRST])),
    ("drained", "no rest", _seen(drained=False)),
    ("no_orphans", "a record without entry", _seen(records={FIRST: False, SECOND: False, "vn.dyke/9": False})),
    ("no_orphans", "an entry without record", _seen(records={FIRST: False})),
    ("no_orphans", "an outbox of nobody", _seen(strays=["iab1:{sub_gone}:queue"])),
    ("nothing_held", "a claim", _seen(taken=["the claim of sub_health"])),
    ("nothing_held", "a process that ended badly", _seen(exits=["router-1 ended with 1"])),
    ("readers_verify", "a text that cannot be verified", _seen(stream_error="another text")),
    ("audit_agrees", "another sum", _seen(audit={"delivered": 1})),
    ("audit_agrees", "a broken promise", _seen(audit_broken=["lost"])),
]


def test_a_run_without_fault_is_whole() -> None:
    """Nothing is found where nothing is wrong."""
    assert broken(whole()) == []


@pytest.mark.parametrize(("invariant", "what", "fault"), FAULTS, ids=[f"{name}: {what}" for name, what, _ in FAULTS])
def test_each_fault_is_noticed(invariant: str, what: str, fault: Fault) -> None:
    """The invariant that it breaks says so."""
    seen = whole()
    fault(seen)
    assert invariant in {each.invariant for each in broken(seen)}, what


def test_every_invariant_is_shown_to_fail() -> None:
    """None is there that nothing can break."""
    assert {name for name, _, _ in FAULTS} == set(INVARIANTS)


def test_repeats_are_few_by_what_was_disrupted() -> None:
    """One disruption allows for what was in flight then, and for no more."""
    seen = whole()
    seen.disruptions = 1
    seen.arrived = {**seen.arrived, SUB: [ONE, TWO, *[ONE] * WINDOW]}
    assert broken(seen) == []
    seen.arrived = {**seen.arrived, SUB: [ONE, TWO, *[ONE] * (WINDOW + 1)]}
    assert {each.invariant for each in broken(seen)} == {"repeats_few"}
