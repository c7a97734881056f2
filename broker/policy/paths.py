"""The paths by which an alert can reach an agency, what excludes it, and what membership means (rules 4 to 7)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from broker.policy.asking import PUBLIC
from broker.trust.directory import Snapshot
from schemas.directory import Community
from schemas.terms import Tlp


@dataclass(frozen=True, slots=True)
class Path:
    """A selector that matches the reader. A consent is one in `to` with the reader's exact id."""

    selector: str
    in_to: bool

    @property
    def is_community(self) -> bool:
        return self.selector.startswith("@") and self.selector != PUBLIC

    @property
    def is_public(self) -> bool:
        return self.selector == PUBLIC


def names(snapshot: Snapshot, selector: str, agency: str, at: datetime) -> bool:
    """Whether the selector names this agency in this version, at that time. `@public` is everyone."""
    if selector == PUBLIC:
        return True
    if agency == PUBLIC or snapshot.agency(agency) is None:
        return False
    if selector.startswith("@"):
        community = snapshot.community(selector)
        return community is not None and community.in_force(at) and agency in community.members
    return snapshot.matches(selector, agency)


def excludes(selector: str, agency: str, d0: Snapshot | None, d1: Snapshot) -> bool:
    """Whether a selector of `not_to` covers the agency, or what stands for it, in either version."""
    versions = [version for version in (d0, d1) if version is not None]
    if selector.startswith("@"):
        return any(selector in version.communities_of(agency) for version in versions)
    before = {each.id for version in versions for each in version.predecessors(agency)}
    stands_for = {agency, *before}
    if selector.endswith(".*"):
        return any(each.startswith(selector[:-1]) for each in stands_for)
    above = {ancestor for each in stands_for for ancestor in Snapshot.ancestors(each)}
    return selector in stands_for | above


def paths(
    to: Iterable[str], release_to: Iterable[str], agency: str, versions: Iterable[tuple[Snapshot, datetime]]
) -> list[Path]:
    """The selectors that name the agency in every one of the versions."""
    versions = list(versions)
    stated = [*((each, True) for each in to), *((each, False) for each in release_to)]
    return [
        Path(selector, in_to)
        for selector, in_to in stated
        if all(names(version, selector, agency, at) for version, at in versions)
    ]


def tlp_keeps(tlp: Tlp, path: Path, agency: str) -> bool:
    """Rule 6."""
    if tlp is Tlp.RED:
        return path.in_to and path.selector == agency
    if tlp is Tlp.AMBER_STRICT:
        return path.in_to and not path.is_public
    return tlp is Tlp.CLEAR or not path.is_public


def charter_holds(community: Community, agency: str, snapshot: Snapshot) -> bool:
    """Whether the community's rules admit this member: tier, nationality, moderation (rule 7)."""
    entry = snapshot.agency(agency)
    if entry is None or agency not in community.members or entry.tier not in community.tiers:
        return False
    if community.nationality is not None and entry.country not in community.nationality:
        return False
    return community.moderation is None or agency in community.moderation.admitted


def path_holds(path: Path, agency: str, versions: Iterable[Snapshot]) -> bool:
    """Rule 7, for one path."""
    if not path.is_community:
        return True
    communities = [(version, version.community(path.selector)) for version in versions]
    return all(
        community is not None and charter_holds(community, agency, version) for version, community in communities
    )
