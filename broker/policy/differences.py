"""What a change of the directory newly allows and newly forbids: terms from agency to agency, and mandates.

Terms are compared point by point (domain, status, TLP, personal data, severity, onward rule, purpose), and points are
put together again into as few lines as hold exactly these.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from broker.policy.paths import charter_holds
from broker.trust.directory import Snapshot
from schemas.directory import Agreement, Charter, Mandate
from schemas.terms import Onward, Severity, Tlp, onward_rank, severity_rank, tlp_rank
from schemas.vocabulary import within

Point = tuple[str, ...]
Box = tuple[tuple[str, ...], ...]
"""For each dimension some values: it holds every combination of them."""

TERMS = ("domains", "statuses", "tlps", "personal", "severity", "onward", "purposes")
MANDATE = ("domains", "areas", "statuses", "severity")
SEVERITIES = sorted((each for each in Severity if each is not Severity.UNKNOWN), key=severity_rank)
ONWARD = sorted(Onward, key=onward_rank)
ORDER = {str(each): place for place, each in enumerate((*SEVERITIES, *sorted(Tlp, key=tlp_rank), *ONWARD))}
"""Of what has one; all else is told by name."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One line: from whom to whom (nobody, for a mandate), and what."""

    from_: str
    to: str | None
    what: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Change:
    """What the new version allows beyond the old one, and what it does not allow any more."""

    allowed: tuple[Difference, ...]
    forbidden: tuple[Difference, ...]

    @property
    def empty(self) -> bool:
        return not self.allowed and not self.forbidden


def compare(old: Snapshot, new: Snapshot, at: datetime) -> Change:
    """As both stand at that time: an agreement that has not begun or is over covers nothing."""
    allowed: list[Difference] = []
    forbidden: list[Difference] = []
    for from_, to in sorted(_pairs(old, new)):
        before, after = (_terms(each, from_, to, at) for each in (old, new))
        if before != after:
            domains = _domains((*before, *after))
            was, will = (_points(each, domains) for each in (before, after))
            allowed += _differences(from_, to, TERMS, will - was)
            forbidden += _differences(from_, to, TERMS, was - will)
    for agency in sorted({each.id for version in (old, new) for each in version.document.agencies}):
        before_, after_ = (_mandates(each, agency, at) for each in (old, new))
        if before_ != after_:
            domains = _domains((*before_, *after_))
            was, will = (_spoken(each, domains) for each in (before_, after_))
            allowed += _differences(agency, None, MANDATE, will - was)
            forbidden += _differences(agency, None, MANDATE, was - will)
    return Change(tuple(allowed), tuple(forbidden))


def _pairs(old: Snapshot, new: Snapshot) -> set[tuple[str, str]]:
    """Those of all agreements; in a community those alone for which something about it, or one of the two, differs."""
    pairs = {(each.from_, each.to) for version in (old, new) for each in version.document.agreements}
    touched = _touched(old, new)
    for version, other in ((old, new), (new, old)):
        for community in version.document.communities:
            members = set(community.members)
            changed = members if other.community(community.name) != community else members & touched
            pairs |= {pair for one in changed for two in members if one != two for pair in ((one, two), (two, one))}
    return pairs


def _touched(old: Snapshot, new: Snapshot) -> set[str]:
    """Agencies whose own entry differs, or that are in one version alone."""
    ids = {agency.id for version in (old, new) for agency in version.document.agencies}
    return {id_ for id_ in ids if old.agency(id_) != new.agency(id_)}


def _terms(snapshot: Snapshot, from_: str, to: str, at: datetime) -> list[Agreement | Charter]:
    """As rule 8 finds them, between agencies that act (rule 1)."""
    ends = [snapshot.agency(from_), snapshot.agency(to)]
    if any(end is None or not end.acts(at) for end in ends):
        return []
    bilateral: list[Agreement | Charter] = [each for each in snapshot.agreements(from_, to) if each.in_force(at)]
    shared = [
        community.charter
        for name in sorted(snapshot.communities_of(from_) & snapshot.communities_of(to))
        if (community := snapshot.community(name)) and community.in_force(at) and charter_holds(community, to, snapshot)
    ]
    return [*bilateral, *shared]


def _mandates(snapshot: Snapshot, agency: str, at: datetime) -> list[Mandate]:
    entry = snapshot.agency(agency)
    return [each for each in entry.mandates if each.in_force(at)] if entry and entry.acts(at) else []


def _domains(covering: Iterable[Agreement | Charter | Mandate]) -> tuple[str, ...]:
    return tuple(sorted({domain for each in covering for domain in each.domains}))


def _under(named: Sequence[str], stated: Sequence[str]) -> list[str]:
    return [domain for domain in named if any(within(domain, each) for each in stated)]


def _points(terms: Iterable[Agreement | Charter], domains: Sequence[str]) -> set[Point]:
    points: set[Point] = set()
    for each in terms:
        laxest = each.onward if isinstance(each, Agreement) else None
        onward = [rule for rule in ONWARD if laxest is None or onward_rank(rule) >= onward_rank(laxest)]
        points |= set(
            product(
                _under(domains, each.domains),
                each.statuses,
                each.tlps,
                each.personal,
                _up_to(each.severity),
                onward,
                each.purposes,
            )
        )
    return points


def _spoken(mandates: Iterable[Mandate], domains: Sequence[str]) -> set[Point]:
    points: set[Point] = set()
    for each in mandates:
        points |= set(product(_under(domains, each.domains), each.areas, each.statuses, _up_to(each.severity)))
    return points


def _up_to(severity: Severity) -> list[Severity]:
    return [each for each in SEVERITIES if severity_rank(each) <= severity_rank(severity)]


def _differences(from_: str, to: str | None, names: Sequence[str], points: set[Point]) -> Iterator[Difference]:
    for box in boxes(points):
        values = (tuple(sorted(each, key=lambda value: (ORDER.get(value, 0), value))) for each in box)
        yield Difference(from_, to, dict(zip(names, values, strict=True)))


def boxes(points: Iterable[Point]) -> list[Box]:
    """As few as a dimension after the other gives; together they hold exactly the points."""
    found: list[Box] = [tuple((str(value),) for value in point) for point in sorted(points)]
    if not found:
        return []
    for dimension in range(len(found[0])):
        joined: dict[Box, list[str]] = {}
        for box in found:
            joined.setdefault((*box[:dimension], *box[dimension + 1 :]), []).extend(box[dimension])
        found = [(*rest[:dimension], tuple(values), *rest[dimension:]) for rest, values in joined.items()]
    return found
