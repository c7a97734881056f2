"""What release looks at: the alert, how it stands, who asks, and what follows from these."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal

from broker.label import Label
from broker.policy.asking import Ask, Situation
from broker.policy.lifecycle import goes_by_release
from broker.policy.paths import Path, charter_holds, path_holds, paths, tlp_keeps
from broker.policy.terms import Terms
from broker.trust.directory import Snapshot
from schemas.base import instant
from schemas.directory import Agreement, Charter
from schemas.terms import Kind, Purpose, Severity, Status, onward_rank, severity_rank
from schemas.vocabulary import within

DIRECT_RULES = frozenset({1, 3, 4, 5, 10, 11, 12, 15})
"""Of the direct kinds (protocol §2.1); rule 5 asks whether it goes to R, rule 15 repeats 10 to 12 for the parts."""
TEST_SKIPS = frozenset({3, 8, 9})

Mark = Literal["expired", "superseded", "cancelled"]


@dataclass(frozen=True)
class Case:
    """Everything that is looked at, with what follows from it worked out once."""

    label: Label
    situation: Situation
    ask: Ask
    d0: Snapshot | None
    d1: Snapshot
    now: datetime
    terms: Terms
    sealed: bool = False

    @property
    def reader(self) -> str:
        return self.ask.agency

    @property
    def is_issuer(self) -> bool:
        return self.reader == self.label.issuer and not self.is_broadcast

    @property
    def is_broadcast(self) -> bool:
        """A notice or a recall: to all who were given the alert, whatever has ended since."""
        return self.label.notice is not None or self.label.kind is Kind.RECALL

    @property
    def is_direct(self) -> bool:
        """It goes to whom it answers (protocol §2.1)."""
        return not goes_by_release(self.label)

    @property
    def is_forgeable(self) -> bool:
        """Others may have signed it: of whatever kind it is, it goes to nobody but its issuer (docs/adr/0013)."""
        return self.situation.compromised and self.label.notice is None and not self.is_issuer

    @property
    def is_hub_test(self) -> bool:
        return self.label.issuer == self.d1.hub and self.label.status is Status.SYSTEM

    def applies(self, rule: int) -> bool:
        """Which rules count for what this is (protocol §2.1, §6, §9)."""
        if rule == 2 and self.is_forgeable:
            return True
        if self.is_broadcast:
            return rule in (3, 5)
        if self.is_issuer:
            return rule == 1
        if self.is_direct:
            return rule in DIRECT_RULES
        return not (self.is_hub_test and rule in TEST_SKIPS)

    @property
    def marks(self) -> list[Mark]:
        """What has ended it, in the protocol's order (§5)."""
        return list(_marks(self))

    @cached_property
    def versions(self) -> list[tuple[Snapshot, datetime]]:
        """D0 at its time, and D1 now."""
        assert self.d0 is not None  # noqa: S101 - rule 5 fails before it asks
        return [(self.d0, instant(self.label.accepted_at)), (self.d1, self.now)]

    @cached_property
    def stated_paths(self) -> list[Path]:
        """Rule 5."""
        consented = [Path(self.reader, in_to=True)] if self.reader in self.situation.consents else []
        if self.d0 is None:
            return consented
        addressing = self.label.addressing
        return consented + paths(addressing.to, addressing.release_to, self.reader, self.versions)

    @cached_property
    def kept_paths(self) -> list[Path]:
        """Rule 6."""
        return [path for path in self.stated_paths if tlp_keeps(self.terms.tlp, path, self.reader)]

    @cached_property
    def held_paths(self) -> list[Path]:
        """Rule 7."""
        versions = [version for version in (self.d0, self.d1) if version is not None]
        return [path for path in self.kept_paths if path_holds(path, self.reader, versions)]

    @cached_property
    def agreements(self) -> list[Agreement | Charter]:
        """Rule 8: what is in force from the issuer to R and covers this."""
        issuer, reader = self.label.issuer, self.reader
        bilateral: list[Agreement | Charter] = [
            each for each in self.d1.agreements(issuer, reader) if each.in_force(self.now)
        ]
        shared = [
            community.charter
            for name in sorted(self.d1.communities_of(issuer) & self.d1.communities_of(reader))
            if (community := self.d1.community(name))
            and community.in_force(self.now)
            and charter_holds(community, reader, self.d1)
        ]
        return [each for each in (*bilateral, *shared) if self._covered_by(each)]

    def _covered_by(self, agreement: Agreement | Charter) -> bool:
        severity = Severity.EXTREME if self.label.severity is Severity.UNKNOWN else self.label.severity
        onward = agreement.onward if isinstance(agreement, Agreement) else None
        return (
            any(within(self.label.domain, domain) for domain in agreement.domains)
            and self.label.status in agreement.statuses
            and self.terms.tlp in agreement.tlps
            and self.terms.personal in agreement.personal
            and severity_rank(severity) <= severity_rank(agreement.severity)
            and (onward is None or onward_rank(self.terms.onward) >= onward_rank(onward))
        )

    @property
    def is_public_path(self) -> bool:
        return any(path.is_public for path in self.held_paths)

    @cached_property
    def purposes(self) -> frozenset[Purpose]:
        """Rule 9: what stands in the handling and in what was asked."""
        return self.terms.purposes & frozenset(self.ask.purposes)

    @property
    def conditions(self) -> tuple[str, ...]:
        """What the agreements ask of the reader under which this goes."""
        if not self.applies(8):
            return ()
        under = [each for each in self.agreements if self.purposes & frozenset(each.purposes)]
        return tuple(dict.fromkeys(condition for each in under for condition in each.conditions))


def _marks(case: Case) -> Iterator[Mark]:
    """In the protocol's order (§5)."""
    if case.label.expires is not None and instant(case.label.expires) <= case.now:
        yield "expired"
    if case.situation.superseded:
        yield "superseded"
    if case.situation.cancelled:
        yield "cancelled"
