"""One version of the directory, indexed: who is who, whose key is which, what a selector means (protocol §1).

A snapshot never changes; a new version is a new snapshot. What is not in it, is not: no question here answers "all".
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from typing import NamedTuple, Protocol

from broker.trust import sealing_keys
from broker.trust.keys import WeakKey, enrol, thumbprint
from schemas.base import instant
from schemas.directory import (
    PUBLIC,
    Agency,
    Agreement,
    Community,
    Delegation,
    DirectoryDocument,
    KeyRecord,
    Mandate,
    Predecessor,
    Profile,
)
from schemas.terms import KeyUse, Role, Tier
from schemas.vocabulary import within


class DirectoryFault(ValueError):  # noqa: N818 - named as people say it
    """The directory cannot be used; the message names the file or the entry, and what was expected."""


class Directory(Protocol):
    """Where stages get the directory from.

    `current` is cheap and never half of two versions. `at` finds every version that was ever current here, years later.
    """

    def current(self) -> "Snapshot": ...

    async def at(self, digest: str) -> "Snapshot": ...


class Highest(NamedTuple):
    """The highest signed version that a hub has taken."""

    version: int
    digest: str


class DirectoryHistory(Protocol):
    """Every version of the directory that was ever in force, by digest: D0 of a decision is found here years later.

    Of signed ones also the highest that was taken, which never goes down: what a restart, or another process of the
    hub, begins with.
    """

    async def keep(self, digest: str, document: str) -> None: ...

    async def document(self, digest: str) -> str | None: ...

    async def highest(self) -> Highest | None:
        """None: no signed version was ever taken."""
        ...

    async def take(self, version: int, digest: str) -> Highest:
        """Makes it the highest if it is higher. What is the highest then: of two with one number, the first stays."""
        ...


class Snapshot:
    """Answers questions about one version of the directory."""

    def __init__(self, document: DirectoryDocument, digest: str) -> None:
        """Indexes the document. DirectoryFault when two keys collide, or one is weak or misnamed."""
        self.document = document
        self.digest = digest
        self.network = document.network
        self.hub = document.hub
        self.version = document.version
        self.expires = document.expires
        self.inspectors = frozenset(agency.id for agency in document.agencies if Role.INSPECTOR in agency.roles)
        self._agencies = {agency.id: agency for agency in document.agencies}
        self._keys = _index_keys(document.agencies)
        self._officers = {key.kid: key.officer for agency in document.agencies for key in agency.keys}
        self._communities = {community.name: community for community in document.communities}
        self._communities_of = _index_members(document.communities)
        self._agreements: dict[tuple[str, str], list[Agreement]] = defaultdict(list)
        for agreement in document.agreements:
            self._agreements[agreement.from_, agreement.to].append(agreement)
        self._delegations: dict[tuple[str, str], list[Delegation]] = defaultdict(list)
        for delegation in document.delegations:
            self._delegations[delegation.from_, delegation.to].append(delegation)

    def agency(self, id_: str) -> Agency | None:
        return self._agencies.get(id_)

    def key(self, kid: str) -> KeyRecord | None:
        return self._keys.get(kid)

    def officer(self, kid: str) -> str | None:
        """Whose key it is; None for a system's, and for one that is not listed."""
        return self._officers.get(kid)

    def compromised(self, kid: str, iat: int, accepted_at: str) -> bool:
        """Whether others may have had the key when it signed at `iat` (seconds), or when that was accepted, as a thief
        says whatever `iat` the window lets pass. Not for one that is not listed.
        """
        record = self._keys.get(kid)
        since = record.revoked.compromised_since if record is not None and record.revoked is not None else None
        return since is not None and (instant(since).timestamp() <= iat or instant(since) <= instant(accepted_at))

    def keys_of(self, agency: str) -> Sequence[KeyRecord]:
        return [record for record in self._keys.values() if record.agency == agency]

    def mandates(self, agency: str) -> Sequence[Mandate]:
        entry = self._agencies.get(agency)
        return entry.mandates if entry else ()

    def matches(self, selector: str, agency: str) -> bool:
        """Whether the selector names the agency: itself, a descendant of tier `state`, a member.

        `@public` never does here.
        """
        if selector.startswith("@"):
            return agency in self._members(selector)
        if selector.endswith(".*"):
            entry = self._agencies.get(agency)
            return entry is not None and entry.tier is Tier.STATE and agency.startswith(selector[:-1])
        return agency == selector

    def communities_of(self, agency: str) -> frozenset[str]:
        return self._communities_of.get(agency, frozenset())

    def community(self, name: str) -> Community | None:
        return self._communities.get(name)

    def agreements(self, from_: str, to: str) -> Sequence[Agreement]:
        """Whether they are in force now is for who asks."""
        return self._agreements.get((from_, to), ())

    def caveat(self, code: str) -> frozenset[str] | None:
        """The selectors that the code allows; None for a code that the directory has no rule for."""
        selectors = self.document.caveats.get(code)
        return None if selectors is None else frozenset(selectors)

    def delegations(self, from_: str, to: str) -> Sequence[Delegation]:
        """In which `to` may speak on behalf of `from_`."""
        return self._delegations.get((from_, to), ())

    def profile(self, domain: str) -> Profile | None:
        """That of the domain, or of the nearest above it."""
        profiles: Mapping[str, Profile] = self.document.profiles
        named = [name for name in profiles if within(domain, name)]
        return profiles[max(named, key=len)] if named else None

    def predecessors(self, agency: str) -> Sequence[Predecessor]:
        entry = self._agencies.get(agency)
        return entry.predecessors if entry else ()

    @staticmethod
    def ancestors(agency: str) -> Sequence[str]:
        """`vn.mps.c02` has `vn.mps` and `vn`, nearest first."""
        labels = agency.split(".")
        return [".".join(labels[:length]) for length in range(len(labels) - 1, 0, -1)]

    def with_hub_keys(self, records: Iterable[KeyRecord]) -> "Snapshot":
        """The same version with keys of the hub's own that its entry does not list; of one that it lists, its word."""
        other = Snapshot(self.document, self.digest)
        other._keys = {record.kid: record for record in records} | self._keys
        return other

    # The same version with one thing otherwise: to ask what would follow, never to decide by

    def with_agreement(self, agreement: Agreement) -> "Snapshot":
        """And one agreement more."""
        between = (agreement.from_, agreement.to)
        return self._with_agreements({between: [*self.agreements(*between), agreement]})

    def without_agreement(self, agreement: Agreement) -> "Snapshot":
        """But for that one."""
        between = (agreement.from_, agreement.to)
        return self._with_agreements({between: [each for each in self.agreements(*between) if each is not agreement]})

    def with_agency(self, agency: Agency) -> "Snapshot":
        """With another entry of that agency."""
        other = copy(self)
        other._agencies = self._agencies | {agency.id: agency}
        return other

    def with_community(self, community: Community) -> "Snapshot":
        """With another entry of that community."""
        other = copy(self)
        other._communities = self._communities | {community.name: community}
        other._communities_of = _index_members(other._communities.values())
        return other

    def with_caveat(self, code: str, allowed: Iterable[str]) -> "Snapshot":
        """With another rule for that caveat."""
        other = copy(self)
        other.document = self.document.model_copy(update={"caveats": self.document.caveats | {code: tuple(allowed)}})
        return other

    def without_end(self) -> "Snapshot":
        """With no time at which it expires."""
        other = copy(self)
        other.expires = None
        return other

    def _with_agreements(self, changed: Mapping[tuple[str, str], list[Agreement]]) -> "Snapshot":
        other = copy(self)
        other._agreements = defaultdict(list, {**self._agreements, **changed})
        return other

    def _members(self, community: str) -> Sequence[str]:
        known = self._communities.get(community)
        return known.members if known and community != PUBLIC else ()


def _index_members(communities: Iterable[Community]) -> dict[str, frozenset[str]]:
    names: dict[str, set[str]] = defaultdict(set)
    for community in communities:
        for member in community.members:
            names[member].add(community.name)
    return {member: frozenset(of) for member, of in names.items()}


def _index_keys(agencies: Iterable[Agency]) -> dict[str, KeyRecord]:
    keys: dict[str, KeyRecord] = {}
    for agency in agencies:
        for key in agency.keys:
            where = f"agency {agency.id}, key {key.kid}"
            if key.kid in keys:
                raise DirectoryFault(
                    f"{where}: {keys[key.kid].agency} has that key too; a key has one owner and one use"
                )
            if key.kid != thumbprint(key.jwk):
                raise DirectoryFault(f"{where}: kid is the RFC 7638 thumbprint of the jwk, {thumbprint(key.jwk)}")
            try:
                (sealing_keys.enrol(key.jwk) if key.use is KeyUse.SEAL else enrol(key.jwk, key.alg))
            except WeakKey as why:
                raise DirectoryFault(f"{where}: {why}") from None
            keys[key.kid] = KeyRecord.of(agency.id, key)
    return keys
