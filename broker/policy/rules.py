"""The rules of protocol §9, 1 to 14, each with its number; the fifteenth repeats some of them for parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from broker.policy.case import Case
from broker.policy.paths import excludes, names
from broker.policy.reasons import REASONS, Reason
from broker.policy.sources import passes_on, refusing_caveats
from broker.policy.ways import Way
from schemas.base import instant
from schemas.terms import PersonalData, Purpose, Status

Verdict = Literal["pass", "fail", "not-applicable"]


@dataclass(frozen=True, slots=True)
class RuleSaid:
    """What one rule said. `passing`: it may say otherwise later, without anybody's decision being taken back."""

    rule: int
    said: Verdict
    looked_at: Mapping[str, Any]
    reason: Reason
    passing: bool = False

    @property
    def because(self) -> str:
        """In English; `REASONS` has it in the other language."""
        return REASONS[self.reason].en


Said = tuple[bool, Mapping[str, Any], Reason]
"""Whether it passes, what it looked at, and why."""


def _rule_1(case: Case) -> Said:
    """R owns the endpoint and is active in D1, which has not expired; or is the public, on a feed."""
    looked = {"reader": case.reader, "way": case.ask.way, "directory": case.d1.digest}
    if _directory_expired(case):
        return False, looked, Reason.DIRECTORY_EXPIRED
    if case.ask.is_public:
        return case.ask.way is Way.FEED, looked, Reason.PUBLIC_HAS_FEEDS
    entry = case.d1.agency(case.reader)
    if entry is None or not entry.acts(case.now):
        return False, looked, Reason.NO_ACTIVE_AGENCY
    return case.ask.way is not Way.FEED, looked, Reason.ACTIVE_AGENCY


def _rule_2(case: Case) -> Said:
    """Not waiting for approval, recalled, signed by a key in other hands, or suspended; and, to be delivered, not
    expired, cancelled or superseded.
    """
    situation, marks = case.situation, case.marks
    looked = {"recalled": situation.recalled, "suspended": situation.suspended, "marked": marks}
    if situation.awaiting:
        return False, looked, Reason.AWAITING
    if situation.recalled:
        return False, looked, Reason.RECALLED
    if situation.compromised:
        return False, looked | {"key": case.label.kid}, Reason.COMPROMISED
    if situation.suspended:
        return False, looked, Reason.SUSPENDED
    if marks and case.ask.delivering:
        return False, looked, Reason.ENDED
    return True, looked, Reason.STANDS


def _rule_3(case: Case) -> Said:
    """The status is one that was asked for; everybody gets `actual` alone."""
    looked = {"status": case.label.status, "asked": sorted(case.ask.statuses)}
    if case.ask.is_public and case.label.status is not Status.ACTUAL:
        return False, looked, Reason.PUBLIC_GETS_ACTUAL
    return case.label.status in case.ask.statuses, looked, Reason.STATUS_ASKED


def _rule_4(case: Case) -> Said:
    """`not_to` names neither R, an ancestor, a declared predecessor, nor a community of R in D0 or D1."""
    not_to = case.label.addressing.not_to
    looked = {"not_to": list(not_to), "reader": case.reader}
    if case.d0 is None:
        return False, looked, Reason.ACCEPTED_UNDER_UNKNOWN
    if case.ask.is_public:
        return not not_to, looked, Reason.NONE_EXCLUDED_FOR_ALL
    named = [selector for selector in not_to if excludes(selector, case.reader, case.d0, case.d1)]
    return not named, looked | {"excluded_by": named}, Reason.EXCLUDED if named else Reason.NOT_EXCLUDED


def _rule_5(case: Case) -> Said:
    """There is a path: a selector in `to` or `release_to` that names R in D0 and in D1, or a consent."""
    if case.is_direct or case.is_broadcast:
        looked: dict[str, Any] = {"direct_to": sorted(case.situation.direct_to), "reader": case.reader}
        return case.reader in case.situation.direct_to, looked, Reason.DIRECTLY
    addressing = case.label.addressing
    found = [path.selector for path in case.stated_paths]
    looked = {"to": list(addressing.to), "release_to": list(addressing.release_to), "paths": found}
    return bool(found), looked, Reason.SELECTOR_NAMES


def _rule_6(case: Case) -> Said:
    """TLP keeps a path."""
    kept = [path.selector for path in case.kept_paths]
    return bool(kept), {"tlp": case.terms.tlp, "paths": kept}, Reason.TLP_LEAVES_PATH


def _rule_7(case: Case) -> Said:
    """The charter of a path's community holds for R."""
    held = [path.selector for path in case.held_paths]
    return bool(held), {"paths": held}, Reason.CHARTER_ADMITS


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
    return covered, looked, Reason.AGREEMENT_COVERS


def _rule_9(case: Case) -> Said:
    """One purpose in the handling, the agreement and the subscription; for `@public`, public warning."""
    looked = {"handling": sorted(case.terms.purposes), "asked": sorted(case.ask.purposes)}
    if any(case.purposes & frozenset(each.purposes) for each in case.agreements):
        return True, looked, Reason.PURPOSE_COMMON
    asks_for_any = case.ask.is_public or bool(case.ask.purposes)
    public = case.is_public_path and Purpose.PUBLIC_WARNING in case.terms.purposes and asks_for_any
    return public, looked, Reason.PURPOSE_NEEDED


def _rule_10(case: Case) -> Said:
    """Personal data has a legal basis, and a date of erasure that lies ahead."""
    erase_after = case.terms.erase_after
    looked = {"personal_data": case.terms.personal, "legal_basis": case.terms.has_basis, "erase_after": erase_after}
    return case.terms.personal_data_in_order(case.now), looked, Reason.PERSONAL_DATA_ORDERED


def _rule_11(case: Case) -> Said:
    """Each caveat has a rule in the directory that allows R."""
    refused = refusing_caveats(case.terms.caveats, case)
    return (
        not refused,
        {"caveats": sorted(case.terms.caveats), "refused": refused},
        Reason.CAVEATS_ALLOW,
    )


def _rule_12(case: Case) -> Said:
    """The way carries at least the TLP."""
    looked = {"way": case.ask.way, "up_to": case.ask.way.up_to, "tlp": case.terms.tlp, "sealed": case.sealed}
    return case.ask.way.carries(case.terms.tlp, sealed=case.sealed), looked, Reason.WAY_PROTECTS


def _rule_13(case: Case) -> Said:
    """To a hub: it serves R, and its operator holds `relay` for this TLP and is not in `not_to`."""
    hub = case.ask.hub
    looked = {"hub": hub, "reader": case.reader, "tlp": case.terms.tlp}
    reader, operator = case.d1.agency(case.reader), case.d1.agency(hub or "")
    if hub is None or operator is None or not operator.acts(case.now) or reader is None or reader.served_by != hub:
        return False, looked, Reason.HUB_SERVES
    if any(excludes(selector, hub, case.d0, case.d1) for selector in case.label.addressing.not_to):
        return False, looked, Reason.HUB_EXCLUDED
    relays = [mandate.relay for mandate in case.d1.mandates(hub) if mandate.relay]
    may = any(
        case.terms.tlp in relay.tlps
        and any(names(case.d1, each, case.label.issuer, case.now) for each in relay.issuers)
        for relay in relays
    )
    return may, looked, Reason.HUB_RELAYS


def _rule_14(case: Case) -> Said:
    """Each alert that it derives from is known, may go to R by its own terms, and lets itself be passed on."""
    sources = {id_: case.situation.derived.get(id_) for id_ in sorted(case.terms.derived_from)}
    kept_back = [id_ for id_, source in sources.items() if source is None or not passes_on(source, case)]
    looked = {"derived_from": list(sources), "kept_back": kept_back}
    return not kept_back, looked, Reason.SOURCES_ALLOW


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


def hear(case: Case, number: int) -> RuleSaid:
    """What that rule says here, if it has something to look at."""
    nothing = _NOTHING_TO_LOOK_AT.get(number)
    if not case.applies(number) or (nothing is not None and nothing(case)):
        return skip(number)
    passes, looked_at, reason = RULES[number](case)
    return RuleSaid(number, "pass" if passes else "fail", looked_at, reason, not passes and _may_pass(case, number))


def skip(number: int) -> RuleSaid:
    """That the rule is not asked."""
    return RuleSaid(number, "not-applicable", {}, Reason.NOTHING_TO_SAY)


def _may_pass(case: Case, number: int) -> bool:
    """Whether what fails may pass without anybody deciding otherwise: a token, a suspension, a new directory."""
    if number == 1:
        return _directory_expired(case)
    if number == 2:
        situation = case.situation
        ended = situation.awaiting or situation.recalled or situation.compromised or bool(case.marks)
        return situation.suspended and not ended
    return number == 12 and case.ask.way.is_read and Way.READ_BOUND.carries(case.terms.tlp, sealed=case.sealed)


def _directory_expired(case: Case) -> bool:
    return case.d1.expires is not None and instant(case.d1.expires) <= case.now
