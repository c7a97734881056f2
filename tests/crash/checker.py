"""What must hold after any run, a sentence each. Every check gives what breaks it; none is a good run."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from tests.crash.evidence import Evidence
from tests.crash.posting import Posted
from tests.crash.receiver import Arrival
from tests.crash.world import Wish

Check = Callable[[Evidence], Iterator[str]]
ENDED = frozenset({"delivered", "withheld", "expired", "superseded", "dead"})
WINDOW = 9
"""Deliveries in flight to one subscription at once: eight, and one that cannot wait."""


@dataclass(frozen=True)
class Broken:
    """An invariant by its name, and what broke it."""

    invariant: str
    what: str


def broken(evidence: Evidence) -> list[Broken]:
    """Everything that does not hold."""
    return [Broken(name, what) for name, check in INVARIANTS.items() for what in check(evidence)]


def ended_once(seen: Evidence) -> Iterator[str]:
    """Each acknowledged alert ended for each subscription that wants it: delivered, expired, superseded or dead where
    the reader may have it, else withheld; and nothing is waiting.
    """
    for post in seen.posted:
        for subscription, wish in seen.wishes.items():
            state = seen.ends.get(post.id, {}).get(subscription)
            if state is not None and state not in ENDED:
                yield f"{post.id} is {state} for {subscription}"
            elif post.accepted and state is None and wish.wants(post.domain, post.severity):
                yield f"{post.id} was acknowledged, and {subscription} never heard of it"
            elif state not in (None, "withheld") and not wish.may_have(post.issuer):
                yield f"{post.id} is {state} for {subscription}, which may not have it"


def ended_for_a_reason(seen: Evidence) -> Iterator[str]:
    """An alert expires only if it does so soon, is superseded only by an update, is withheld from who may have it only
    when it was cancelled, and is dead only at an endpoint that fails.
    """
    changed: dict[str, set[str]] = defaultdict(set)
    for post in seen.posted:
        for about in post.references:
            changed[about].add(post.kind)
    for post in seen.posted:
        for subscription, state in seen.ends.get(post.id, {}).items():
            wish = seen.wishes[subscription]
            reasons = {
                "expired": post.soon,
                "superseded": "update" in changed[post.id],
                "withheld": not wish.may_have(post.issuer) or "cancel" in changed[post.id],
                "dead": wish.troubled,
            }
            if not reasons.get(state, True):
                yield f"{post.id} is {state} for {subscription} without a reason"


def delivered_is_there(seen: Evidence) -> Iterator[str]:
    """What is told as delivered was taken by the receiver."""
    taken = {name: {each.alert for each in arrivals if each.taken} for name, arrivals in seen.arrived.items()}
    for alert, ends in seen.ends.items():
        for subscription, state in ends.items():
            if state == "delivered" and alert not in taken.get(subscription, ()):
                yield f"{alert} is told as delivered to {subscription}, which never had it"


def nothing_unasked(seen: Evidence) -> Iterator[str]:
    """What arrives was accepted, or is the hub's own notice, and is for whom it reaches."""
    posts = {post.id: post for post in seen.posted}
    for subscription, arrivals in seen.arrived.items():
        for alert in dict.fromkeys(each.alert for each in arrivals):
            post = posts.get(alert)
            if post is None:
                if not seen.records.get(alert):
                    yield f"{alert} reached {subscription}, and nobody said it"
            elif not post.accepted:
                yield f"{alert} reached {subscription}, though it was not accepted"
            elif not _is_for(seen.wishes[subscription], post):
                yield f"{alert} reached {subscription}, which did not ask for it or may not have it"


def logged_once(seen: Evidence) -> Iterator[str]:
    """Each id has one entry in the log, each acknowledged alert has one, and nobody else's stands there."""
    counts = Counter(alert for alerts in seen.log.values() for alert in alerts)
    for alert, count in counts.items():
        if count > 1:
            yield f"{alert} has {count} entries in the log"
    posts = {post.id: post for post in seen.posted}
    for post in seen.posted:
        if post.accepted and post.id not in counts:
            yield f"{post.id} was acknowledged and is not in the log"
        if post.refused is not None and not post.soon:
            yield f"{post.id} was refused: {post.refused}"
    yield from (f"{alert} is in the log, and nobody posted it" for alert in counts.keys() - posts.keys())


def same_answer(seen: Evidence) -> Iterator[str]:
    """The same bytes are told the same answer, however often and wherever they are posted."""
    for post in seen.posted:
        if len(post.receipts) > 1 or (post.receipts and post.refused):
            yield f"{post.id} was told {len(post.receipts)} receipts, and {post.refused or 'no refusal'}"


def in_order(seen: Evidence) -> Iterator[str]:
    """An issuer's alerts stand in the log as it had them acknowledged one after another, and where a subscription asks
    for that order, they arrive in it for the first time.
    """
    place = {alert: number for alerts in seen.log.values() for number, alert in enumerate(alerts)}
    lanes: dict[str, list[str]] = defaultdict(list)
    for post in seen.posted:
        if post.accepted and post.id in place:
            lanes[post.issuer].append(post.id)
    for issuer, alerts in lanes.items():
        if alerts != sorted(alerts, key=lambda alert: place[alert]):
            yield f"{issuer}: the log has another order than its acknowledgements"
    for subscription, wish in seen.wishes.items():
        if wish.order != "issuer":
            continue
        last: dict[str, str] = {}
        for alert in dict.fromkeys(each.alert for each in seen.arrived.get(subscription, ())):
            issuer = alert.partition("/")[0]
            if issuer in last and alert in place and place[alert] < place[last[issuer]]:
                yield f"{subscription}: {alert} arrived after {last[issuer]}"
            if alert in place:
                last[issuer] = alert


def repeats_alike(seen: Evidence) -> Iterator[str]:
    """A repeat has the delivery id, the position and the text of the first, so that a receiver can tell it."""
    for subscription, arrivals in seen.arrived.items():
        first: dict[str, Arrival] = {}
        for each in arrivals:
            before = first.setdefault(each.alert, each)
            if (before.delivery, before.position, before.digest) != (each.delivery, each.position, each.digest):
                yield f"{subscription}: {each.alert} came at {before.position} and at {each.position}"


def repeats_few(seen: Evidence) -> Iterator[str]:
    """What was taken comes again at most as often as something was disrupted, times what was in flight."""
    for subscription, arrivals in seen.arrived.items():
        if seen.wishes[subscription].endpoint and (again := repeats(arrivals)) > seen.disruptions * WINDOW:
            yield f"{subscription}: {again} repeats after {seen.disruptions} disruptions"


def positions_whole(seen: Evidence) -> Iterator[str]:
    """Positions have no gap, each names the text before it, and what arrives is what stands at its position."""
    for subscription, box in seen.outboxes.items():
        before: str | None = None
        for number, opened in enumerate(box.opened, 1):
            if opened.position != number:
                yield f"{subscription}: position {number} is missing"
                break
            if opened.previous != before:
                yield f"{subscription}: position {number} does not name the one before"
            before = opened.digest
        by_position = {opened.position: opened for opened in box.opened}
        for each in seen.arrived.get(subscription, ()):
            stands = by_position.get(each.position)
            if stands is None or (stands.digest, stands.delivery, stands.previous) != (
                each.digest,
                each.delivery,
                each.previous,
            ):
                yield f"{subscription}: what arrived at {each.position} is not what stands there"


def attempts_recorded(seen: Evidence) -> Iterator[str]:
    """Each delivery that ended has its attempts on record, each once, the last with how it ended."""
    for subscription, box in seen.outboxes.items():
        counts = Counter(box.attempts)
        yield from (f"{subscription}: recorded {count} times: {each}" for each, count in counts.items() if count > 1)
        outcomes: dict[str, set[str]] = defaultdict(set)
        for attempt in box.attempts:
            outcomes[attempt.delivery].add(attempt.outcome)
        for opened in box.opened:
            state = seen.ends.get(opened.alert, {}).get(subscription)
            told = outcomes[opened.delivery]
            if not opened.replaced and state == "delivered" and "delivered" not in told:
                yield f"{subscription}: {opened.delivery} is delivered without an attempt that says so"
        for attempt in box.dead:
            if seen.ends.get(attempt.alert, {}).get(subscription) not in ("dead", None):
                yield f"{subscription}: {attempt.alert} lies among the dead, and is not told as dead"


def drained(seen: Evidence) -> Iterator[str]:
    """In the end nothing is owed, open, due or being tried, and each cursor stands at the end of its partition."""
    if not seen.drained:
        yield "the run did not come to rest in its time"
    for subscription, box in seen.outboxes.items():
        yield from (f"{subscription}: {count} left in {key}" for key, count in box.pending.items() if count)
    for partition, tail in seen.tails.items():
        if seen.cursors[partition] != tail:
            yield f"partition {partition} is routed up to {seen.cursors[partition]} of {tail}"
    yield from (f"{alert} is parked" for alert in seen.parked)


def no_orphans(seen: Evidence) -> Iterator[str]:
    """Each record has its log entry or is the hub's own, each entry and each delivery has its record, and no outbox is
    left of nobody.
    """
    logged = {alert for alerts in seen.log.values() for alert in alerts}
    yield from (
        f"{alert} has a record and no entry" for alert, ours in seen.records.items() if not ours | (alert in logged)
    )
    yield from (f"{alert} has an entry and no record" for alert in logged - seen.records.keys())
    for subscription, box in seen.outboxes.items():
        for opened in box.opened:
            if opened.alert not in seen.records:
                yield f"{subscription}: {opened.alert} at {opened.position} has no record"
    yield from (f"{key} belongs to no subscription" for key in seen.strays)


def nothing_held(seen: Evidence) -> Iterator[str]:
    """After all processes were asked to end, they ended well, and no claim and no lease is held."""
    yield from (f"{each} is still held" for each in seen.taken)
    yield from seen.exits


def readers_verify(seen: Evidence) -> Iterator[str]:
    """A reader of the stream can verify whatever it is given, and its chain."""
    if seen.stream_error:
        yield seen.stream_error


def audit_agrees(seen: Evidence) -> Iterator[str]:
    """`broker audit` sums up what the dossiers tell, and finds nothing broken."""
    yield from (f"audit: {each}" for each in seen.audit_broken)
    told = Counter(state for ends in seen.ends.values() for state in ends.values())
    if told != Counter(seen.audit):
        yield f"audit sums {dict(seen.audit)}, the dossiers {dict(told)}"


INVARIANTS: dict[str, Check] = {
    check.__name__: check
    for check in (
        ended_once,
        ended_for_a_reason,
        delivered_is_there,
        nothing_unasked,
        logged_once,
        same_answer,
        in_order,
        repeats_alike,
        repeats_few,
        positions_whole,
        attempts_recorded,
        drained,
        no_orphans,
        nothing_held,
        readers_verify,
        audit_agrees,
    )
}


def repeats(arrivals: "list[Arrival] | tuple[Arrival, ...]") -> int:
    """How often something came again that had been taken."""
    taken: set[str] = set()
    again = 0
    for each in arrivals:
        again += each.delivery in taken
        if each.taken:
            taken.add(each.delivery)
    return again


def _is_for(wish: Wish, post: Posted) -> bool:
    """What changes an alert that was given goes to the same subscription whatever its filter says."""
    return wish.may_have(post.issuer) and (wish.wants(post.domain, post.severity) or bool(post.references))
