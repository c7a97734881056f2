"""Who may have an alert: the fifteen rules of protocol §9, each with its number, in their order.

Default is withhold; a missing input withholds; a restriction never adds a recipient. Every rule is heard, so that a
decision says what each of them said; the first that fails is the one that decides. Nothing here sees a body.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from broker.label import Label
from broker.policy.asking import PUBLIC, Ask, Situation, Source
from broker.policy.paths import Path, charter_holds, names, path_holds, paths, tlp_keeps
from broker.policy.terms import Terms
from broker.policy.ways import Way
from broker.trust.directory import Snapshot
from schemas.base import instant
from schemas.directory import Agreement, Charter
from schemas.handling import PartHandling
from schemas.statement import Part
from schemas.terms import Kind, Onward, PersonalData, Purpose, Severity, Status, Tlp, onward_rank, severity_rank
from schemas.vocabulary import within

DIRECT = frozenset({Kind.ACK, Kind.ERROR, Kind.APPROVE, Kind.CONSENT, Kind.RECALL, Kind.ERASED, Kind.CHALLENGE})
"""Kinds that go to whom they answer; a `reply` without addressing and a `request` for onward do too (protocol §2.1)."""

DIRECT_RULES = frozenset({1, 3, 4, 5, 10, 11, 12, 15})
"""Of the direct kinds (protocol §2.1); rule 5 asks whether it goes to R, rule 15 repeats 10 to 12 for the parts."""
TEST_SKIPS = frozenset({3, 8, 9})
PART_RULES = (6, 7, 8, 9, 10, 11, 12, 14)
"""Rules 6 to 12 for each part with its own handling, and 14 for what the part derives from."""

Mark = Literal["expired", "superseded", "cancelled"]
Verdict = Literal["pass", "fail", "not-applicable"]


@dataclass(frozen=True, slots=True)
class RuleSaid:
    """What one rule said. `passing`: it may say otherwise later, without anybody's decision being taken back."""

    rule: int
    said: Verdict
    looked_at: Mapping[str, Any]
    because: str
    passing: bool = False


@dataclass(frozen=True, slots=True)
class Released:
    """It may go: `parts` with it, and no others. `owed` are parts that a better way could carry."""

    parts: tuple[str, ...]
    whole: bool
    marked: tuple[Mark, ...]
    conditions: tuple[str, ...]
    rules: tuple[RuleSaid, ...]
    owed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Withheld:
    """It may not go. `fate` is what became of the alert where that is why."""

    by_rule: int
    rules: tuple[RuleSaid, ...]
    stays_owed: bool
    fate: Literal["recalled", "expired", "cancelled", "superseded"] | None = None


Decision = Released | Withheld


def release(label: Label, situation: Situation, ask: Ask, d0: Snapshot | None, d1: Snapshot, now: datetime) -> Decision:
    """Whether, and how much of, an alert may go to who asks. D0 is the directory at acceptance, D1 that of now."""
    case = Case(label, situation, ask, d0, d1, now, Terms.of(label.handling))
    said = [_hear(case, number) for number in range(1, 15)]
    failed = [each for each in said if each.said == "fail"]
    if failed:
        return Withheld(
            failed[0].rule, (*said, _skip(15)), all(each.passing for each in failed), _fate(case, failed[0])
        )
    fifteenth, kept, owed = _rule_15(case)
    return Released(
        parts=tuple(kept),
        whole=len(kept) == len(label.parts),
        marked=tuple(_marks(case)) if case.applies(2) else (),
        conditions=_conditions(case, kept),
        rules=(*said, fifteenth),
        owed=tuple(owed),
    )


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
        label = self.label
        return (
            label.kind in DIRECT
            or (label.kind is Kind.REPLY and not label.addressed)
            or (label.kind is Kind.REQUEST and "onward" in label.wants)
        )

    @property
    def is_hub_test(self) -> bool:
        return self.label.issuer == self.d1.hub and self.label.status is Status.SYSTEM

    def applies(self, rule: int) -> bool:
        """Which rules count for what this is (protocol §2.1, §6, §9)."""
        if self.is_broadcast:
            return rule in (3, 5)
        if self.is_issuer:
            return rule == 1
        if self.is_direct:
            return rule in DIRECT_RULES
        return not (self.is_hub_test and rule in TEST_SKIPS)

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


# The rules -----------------------------------------------------------------------------------------------------------

Said = tuple[bool, Mapping[str, Any], str]
"""Whether it passes, what it looked at, and why."""


def _rule_1(case: Case) -> Said:
    """R owns the endpoint and is active in D1, which has not expired; or is the public, on a feed."""
    looked = {"reader": case.reader, "way": case.ask.way, "directory": case.d1.digest}
    if _directory_expired(case):
        return False, looked, "The directory has expired."
    if case.ask.is_public:
        return case.ask.way is Way.FEED, looked, "The public has feeds alone."
    entry = case.d1.agency(case.reader)
    if entry is None or not entry.acts(case.now):
        return False, looked, "The reader is not an active agency of the directory."
    return case.ask.way is not Way.FEED, looked, "The reader is an active agency, and a feed knows none."


def _rule_2(case: Case) -> Said:
    """Not recalled or suspended; and, to be delivered, not expired, cancelled or superseded."""
    situation, marks = case.situation, list(_marks(case))
    looked = {"recalled": situation.recalled, "suspended": situation.suspended, "marked": marks}
    if situation.recalled:
        return False, looked, "Its issuer has recalled it."
    if situation.suspended:
        return False, looked, "A reviewer has suspended it."
    if marks and case.ask.delivering:
        return False, looked, f"It is {' and '.join(marks)}, so it is not delivered any more."
    return True, looked, "It stands."


def _rule_3(case: Case) -> Said:
    """The status is one that was asked for; everybody gets `actual` alone."""
    looked = {"status": case.label.status, "asked": sorted(case.ask.statuses)}
    if case.ask.is_public and case.label.status is not Status.ACTUAL:
        return False, looked, "The public gets what is actual alone."
    return case.label.status in case.ask.statuses, looked, "The status must be one that the subscription names."


def _rule_4(case: Case) -> Said:
    """`not_to` names neither R, an ancestor, a declared predecessor, nor a community of R in D0 or D1."""
    not_to = case.label.addressing.not_to
    looked = {"not_to": list(not_to), "reader": case.reader}
    if case.d0 is None:
        return False, looked, "The directory at acceptance is not known here."
    if case.ask.is_public:
        return not not_to, looked, "What somebody may not have, everybody may not have."
    named = [selector for selector in not_to if _excludes(selector, case.reader, case.d0, case.d1)]
    return not named, looked, "The reader must not be excluded." if not named else f"Excluded by {', '.join(named)}."


def _rule_5(case: Case) -> Said:
    """There is a path: a selector in `to` or `release_to` that names R in D0 and in D1, or a consent."""
    if case.is_direct or case.is_broadcast:
        looked: dict[str, Any] = {"direct_to": sorted(case.situation.direct_to), "reader": case.reader}
        return case.reader in case.situation.direct_to, looked, "It goes directly to whom it answers."
    addressing = case.label.addressing
    found = [path.selector for path in case.stated_paths]
    looked = {"to": list(addressing.to), "release_to": list(addressing.release_to), "paths": found}
    return bool(found), looked, "Some selector must name the reader, at acceptance and now."


def _rule_6(case: Case) -> Said:
    """TLP keeps a path."""
    kept = [path.selector for path in case.kept_paths]
    return bool(kept), {"tlp": case.terms.tlp, "paths": kept}, "The TLP must leave a path."


def _rule_7(case: Case) -> Said:
    """The charter of a path's community holds for R."""
    held = [path.selector for path in case.held_paths]
    return bool(held), {"paths": held}, "A community's charter must admit the reader: tier, nationality, moderation."


def _rule_8(case: Case) -> Said:
    """An agreement in force, or a charter of both, covers it; `@public` needs none."""
    looked = {
        "domain": case.label.domain,
        "status": case.label.status,
        "tlp": case.terms.tlp,
        "personal_data": case.terms.personal,
        "severity": case.label.severity,
        "agreements": len(case.agreements),
        "public": case.is_public_path,
    }
    covered = bool(case.agreements) or case.is_public_path
    return covered, looked, "An agreement from the issuer to the reader must cover all of this."


def _rule_9(case: Case) -> Said:
    """One purpose in the handling, the agreement and the subscription; for `@public`, public warning."""
    looked = {"handling": sorted(case.terms.purposes), "asked": sorted(case.ask.purposes)}
    if any(case.purposes & frozenset(each.purposes) for each in case.agreements):
        return True, looked, "A purpose is common to all three."
    asks_for_any = case.ask.is_public or bool(case.ask.purposes)
    public = case.is_public_path and Purpose.PUBLIC_WARNING in case.terms.purposes and asks_for_any
    return public, looked, "Handling, agreement and subscription need a purpose in common."


def _rule_10(case: Case) -> Said:
    """Personal data has a legal basis, and a date of erasure that lies ahead."""
    erase_after = case.terms.erase_after
    looked = {"personal_data": case.terms.personal, "legal_basis": case.terms.has_basis, "erase_after": erase_after}
    return _personal_data_in_order(case.terms, case.now), looked, "Personal data needs a basis and a later erasure."


def _rule_11(case: Case) -> Said:
    """Each caveat has a rule in the directory that allows R."""
    refused = _refusing_caveats(case.terms.caveats, case)
    return (
        not refused,
        {"caveats": sorted(case.terms.caveats), "refused": refused},
        "Each caveat must allow the reader.",
    )


def _rule_12(case: Case) -> Said:
    """The way carries at least the TLP."""
    looked = {"way": case.ask.way, "up_to": case.ask.way.up_to, "tlp": case.terms.tlp, "sealed": case.sealed}
    return case.ask.way.carries(case.terms.tlp, sealed=case.sealed), looked, "The way must protect what it carries."


def _rule_13(case: Case) -> Said:
    """To a hub: it serves R, and its operator holds `relay` for this TLP and is not in `not_to`."""
    hub = case.ask.hub
    looked = {"hub": hub, "reader": case.reader, "tlp": case.terms.tlp}
    reader, operator = case.d1.agency(case.reader), case.d1.agency(hub or "")
    if hub is None or operator is None or not operator.acts(case.now) or reader is None or reader.served_by != hub:
        return False, looked, "The directory must say that this hub serves the reader."
    if any(_excludes(selector, hub, case.d0, case.d1) for selector in case.label.addressing.not_to):
        return False, looked, "The hub's operator is excluded."
    relays = [mandate.relay for mandate in case.d1.mandates(hub) if mandate.relay]
    may = any(
        case.terms.tlp in relay.tlps
        and any(names(case.d1, each, case.label.issuer, case.now) for each in relay.issuers)
        for relay in relays
    )
    return may, looked, "The hub's operator must hold relay for this issuer and this TLP."


def _rule_14(case: Case) -> Said:
    """Each alert that it derives from is known, may go to R by its own terms, and lets itself be passed on."""
    sources = {id_: case.situation.derived.get(id_) for id_ in sorted(case.terms.derived_from)}
    kept_back = [id_ for id_, source in sources.items() if source is None or not _passes_on(source, case)]
    looked = {"derived_from": list(sources), "kept_back": kept_back}
    return not kept_back, looked, "Every source must be known here and let itself be passed on to the reader."


RULES: Mapping[int, Callable[[Case], Said]] = {
    1: _rule_1,
    2: _rule_2,
    3: _rule_3,
    4: _rule_4,
    5: _rule_5,
    6: _rule_6,
    7: _rule_7,
    8: _rule_8,
    9: _rule_9,
    10: _rule_10,
    11: _rule_11,
    12: _rule_12,
    13: _rule_13,
    14: _rule_14,
}

_NOTHING_TO_LOOK_AT: Mapping[int, Callable[[Case], bool]] = {
    10: lambda case: case.terms.personal is PersonalData.NONE,
    11: lambda case: not case.terms.caveats,
    13: lambda case: case.ask.way is not Way.HUB,
    14: lambda case: not case.terms.derived_from,
}


def _rule_15(case: Case) -> tuple[RuleSaid, list[str], list[str]]:
    """Rules 6 to 12 again for each part with terms of its own: what is kept, and what a better way could carry."""
    kept: list[str] = []
    owed: list[str] = []
    withheld: dict[str, int] = {}
    for part in case.label.parts:
        failed = _hear_part(case, part)
        if not failed:
            kept.append(part.id)
            continue
        withheld[part.id] = failed[0].rule
        if all(each.passing for each in failed):
            owed.append(part.id)
    looked = {"withheld": withheld}
    if not any(part.handling for part in case.label.parts) or not case.applies(15):
        return RuleSaid(15, "not-applicable", looked, "No part has terms of its own."), kept, owed
    verdict: Verdict = "fail" if withheld else "pass"
    return RuleSaid(15, verdict, looked, "Each part is asked about by its own terms."), kept, owed


def _hear_part(case: Case, part: Part) -> list[RuleSaid]:
    """The rules that keep this part back."""
    if part.handling is None:
        return []
    heard = [_hear(_of_part(case, part.handling, part), number) for number in PART_RULES]
    return [each for each in heard if each.said == "fail"]


def _of_part(case: Case, handling: PartHandling, part: Part) -> Case:
    """The same, by the terms of a part that states some of its own."""
    return replace(case, terms=case.terms.stricter(handling), sealed=part.sealed)


def _conditions(case: Case, kept: Sequence[str]) -> tuple[str, ...]:
    """Those of the alert, and of what its parts go under: an agreement may cover their terms alone."""
    parts = [_of_part(case, part.handling, part) for part in case.label.parts if part.handling and part.id in kept]
    return tuple(dict.fromkeys(condition for each in (case, *parts) for condition in each.conditions))


# What the rules ask -----------------------------------------------------------------------------------------------


def _hear(case: Case, number: int) -> RuleSaid:
    nothing = _NOTHING_TO_LOOK_AT.get(number)
    if not case.applies(number) or (nothing is not None and nothing(case)):
        return _skip(number)
    passes, looked_at, because = RULES[number](case)
    return RuleSaid(number, "pass" if passes else "fail", looked_at, because, not passes and _may_pass(case, number))


def _skip(number: int) -> RuleSaid:
    return RuleSaid(number, "not-applicable", {}, "This rule has nothing to say here.")


def _may_pass(case: Case, number: int) -> bool:
    """Whether what fails may pass without anybody deciding otherwise: a token, a suspension, a new directory."""
    if number == 1:
        return _directory_expired(case)
    if number == 2:
        return case.situation.suspended and not case.situation.recalled and not list(_marks(case))
    return number == 12 and case.ask.way.is_read and Way.READ_BOUND.carries(case.terms.tlp, sealed=case.sealed)


def _fate(case: Case, failed: RuleSaid) -> Literal["recalled", "expired", "cancelled", "superseded"] | None:
    """What ended it, suspended or not: a suspension alone ends nothing."""
    if failed.rule != 2:
        return None
    if case.situation.recalled:
        return "recalled"
    marks = list(_marks(case))
    return marks[-1] if marks else None  # cancelled before superseded before expired


def _marks(case: Case) -> Iterator[Mark]:
    """In the protocol's order (§5)."""
    if case.label.expires is not None and instant(case.label.expires) <= case.now:
        yield "expired"
    if case.situation.superseded:
        yield "superseded"
    if case.situation.cancelled:
        yield "cancelled"


def _directory_expired(case: Case) -> bool:
    return case.d1.expires is not None and instant(case.d1.expires) <= case.now


def _excludes(selector: str, agency: str, d0: Snapshot | None, d1: Snapshot) -> bool:
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


def _personal_data_in_order(terms: Terms, now: datetime) -> bool:
    if terms.personal is PersonalData.NONE:
        return True
    return terms.has_basis and terms.erase_after is not None and now < instant(terms.erase_after)


def _refusing_caveats(caveats: Sequence[str] | frozenset[str], case: Case) -> list[str]:
    def allows(code: str) -> bool:
        allowed = case.d1.caveat(code) or frozenset()
        return not case.ask.is_public and any(names(case.d1, each, case.reader, case.now) for each in allowed)

    return [code for code in sorted(caveats) if not allows(code)]


def _passes_on(source: Source, case: Case) -> bool:
    """Rules 4, 6, 10 and 11 for R, and `onward`; the source's own issuer may always have it."""
    label, terms = source.label, Terms.of_all(source.label)
    if case.reader == label.issuer:
        return True
    if source.d0 is None or _source_excludes(label, source.d0, case):
        return False
    consented = case.reader in source.consents
    return (
        _source_tlp_keeps(label, terms, source.d0, case, consented=consented)
        and _personal_data_in_order(terms, case.now)
        and not _refusing_caveats(terms.caveats, case)
        and _onward_allows(label, terms, case, consented=consented)
    )


def _source_excludes(label: Label, d0: Snapshot, case: Case) -> bool:
    not_to = label.addressing.not_to
    return bool(not_to) if case.ask.is_public else any(_excludes(each, case.reader, d0, case.d1) for each in not_to)


def _source_tlp_keeps(label: Label, terms: Terms, d0: Snapshot, case: Case, *, consented: bool) -> bool:
    if terms.tlp in (Tlp.RED, Tlp.AMBER_STRICT):
        versions = [(d0, instant(label.accepted_at)), (case.d1, case.now)]
        found = paths(label.addressing.to, (), case.reader, versions)
        return consented or any(tlp_keeps(terms.tlp, path, case.reader) for path in found)
    return terms.tlp is Tlp.CLEAR or not case.ask.is_public


def _onward_allows(label: Label, terms: Terms, case: Case, *, consented: bool) -> bool:
    if terms.onward is Onward.ASK_ORIGINATOR:
        return consented
    if terms.onward is Onward.COMMUNITY:
        addressed = {*label.addressing.to, *label.addressing.release_to} - {PUBLIC}
        both = (case.reader, case.label.issuer)
        return any(
            each.startswith("@") and all(names(case.d1, each, agency, case.now) for agency in both)
            for each in addressed
        )
    return terms.onward is Onward.FREE
