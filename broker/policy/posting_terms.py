"""Step 12: which terms may not stand together, and what personal data and the domain's profile ask (protocol §3)."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from broker.errors import Code, Fault, Refused
from broker.label import Label
from broker.policy.approval import asks_for_second_officer, cannot_wait
from broker.policy.mandate import Known
from broker.trust.directory import Snapshot
from schemas.base import instant
from schemas.faults import pointer
from schemas.handling import Addressing, Handling, PartHandling
from schemas.statement import ALERT_EVENT, BREAK_GLASS, Claims
from schemas.terms import Kind, Onward, PersonalData, Status, Tlp, onward_rank, tlp_rank

PUBLIC = "@public"
_GLASS = pointer("events", ALERT_EVENT, "ext", BREAK_GLASS)

_DETAIL: Mapping[Code, str] = {
    "terms": "The terms of handling and addressing do not go together.",
    "neutrality": "The sender's declaration on Article 3 of INTERPOL's constitution is missing.",
    "no-legal-basis": "Personal data needs a legal basis and a date of erasure that lies ahead.",
}


def check_terms(
    claims: Claims,
    label: Label,
    addressing: Addressing | None,
    known: Mapping[str, Known],
    directory: Snapshot,
    now: datetime,
) -> None:
    """Refuses with `terms`, `neutrality` or `no-legal-basis`: the first that has a fault, with all of its faults."""
    event = claims.event
    states_handling = getattr(event, "handling", None) is not None
    terms = [*_profile(claims, label, directory), *_without_case(claims, label), *_ahead(label, directory)]
    if addressing is not None:
        terms += _combinations(label, addressing)
    if event.kind is Kind.CANCEL:
        terms += _widenings(label, known[label.references[0]].label)
    _refuse("terms", terms)
    if states_handling or label.parts:
        _refuse("neutrality", list(_undeclared(label, directory)))
        _refuse("no-legal-basis", list(_without_basis(label, directory, now)))


def _combinations(label: Label, addressing: Addressing) -> Iterator[Fault]:
    tlp, handling = label.handling.tlp, label.handling
    selectors = {*addressing.to, *addressing.release_to}
    exact = all(_is_exact(selector) for selector in selectors)
    if tlp is Tlp.RED and (addressing.release_to or not exact):
        yield _fault("/addressing", "red: exact ids in to, and no release_to")
    if tlp is Tlp.AMBER_STRICT and addressing.release_to:
        yield _fault("/addressing/release_to", "amber+strict: no release_to")
    if tlp is Tlp.CLEAR and addressing.not_to:
        yield _fault("/addressing/not_to", "clear: no not_to")
    if PUBLIC in addressing.not_to:
        yield _fault("/addressing/not_to", "anybody but @public")
    if handling.onward is Onward.FREE and tlp_rank(tlp) > tlp_rank(Tlp.GREEN):
        yield _fault("/handling/onward", "free for green and clear alone")
    if PUBLIC in selectors and not _may_be_public(label):
        yield _fault("/addressing", "@public only for what is clear, actual and without personal data")
    if label.kind is Kind.REQUEST and _has_personal_data(label) and not exact:
        yield _fault("/addressing", "exact ids alone, for a request with personal data")


def _may_be_public(label: Label) -> bool:
    return label.handling.tlp is Tlp.CLEAR and not _has_personal_data(label) and label.status is Status.ACTUAL


def _widenings(label: Label, cancelled: Label) -> Iterator[Fault]:
    """What a cancel states may only narrow."""
    ours, theirs = label.addressing, cancelled.addressing
    if not set(ours.to) <= set(theirs.to):
        yield _fault("/addressing/to", "nobody whom the cancelled alert was not for")
    if not set(ours.release_to) <= set(theirs.release_to):
        yield _fault("/addressing/release_to", "nobody to whom the cancelled alert was not released")
    if not set(ours.not_to) >= set(theirs.not_to):
        yield _fault("/addressing/not_to", "everybody whom the cancelled alert excludes")
    if tlp_rank(label.handling.tlp) < tlp_rank(cancelled.handling.tlp):
        yield _fault("/handling/tlp", "not lower than the cancelled alert's")
    if onward_rank(label.handling.onward) < onward_rank(cancelled.handling.onward):
        yield _fault("/handling/onward", "not laxer than the cancelled alert's")
    if not set(label.handling.caveats) >= set(cancelled.handling.caveats):
        yield _fault("/handling/caveats", "every caveat of the cancelled alert")


def _profile(claims: Claims, label: Label, directory: Snapshot) -> Iterator[Fault]:
    """Members that the domain's profile asks for."""
    profile = directory.profile(label.domain)
    if profile is None or label.kind not in (Kind.ALERT, Kind.UPDATE):
        return
    for member in profile.required:
        if _stated(claims.event, member) in (None, ()):
            yield _fault("/" + member.replace(".", "/"), "this member, which the domain's profile requires")


def _stated(event: object, member: str) -> object:
    """Of the event, or of what stands in it: `handling.person.offence`."""
    for step in member.split("."):
        event = getattr(event, step, None)
    return event


def _without_case(claims: Claims, label: Label) -> Iterator[Fault]:
    """A request about a person is part of a case (docs/adr/0012)."""
    refs, person = claims.event.refs, label.handling.person
    named = (refs is not None and refs.ours) or (person is not None and person.reference)
    if label.kind is Kind.REQUEST and _has_personal_data(label) and not named:
        yield _fault("/refs/ours", "a case reference, for a request with personal data")


def check_first_officer(label: Label, directory: Snapshot) -> None:
    """Where two officers release, the first signs with a key of their own: else refused with `terms`."""
    if asks_for_second_officer(label, directory) and directory.officer(label.kid) is None:
        expected = "another domain, or an officer's key: here a second officer approves what one has signed"
        _refuse("terms", [_fault("/domain", expected)])


def _ahead(label: Label, directory: Snapshot) -> Iterator[Fault]:
    """Ahead of the second officer goes only what the profile lets, and what cannot wait (docs/adr/0008)."""
    if label.break_glass is None:
        return
    profile = directory.profile(label.domain)
    if profile is None or not profile.break_glass or not asks_for_second_officer(label, directory):
        yield Fault(_GLASS, "no such member: here nobody releases ahead of a second officer")
    elif not cannot_wait(label):
        yield Fault(_GLASS, "urgency immediate with severity severe or extreme")


def _undeclared(label: Label, directory: Snapshot) -> Iterator[Fault]:
    profile = directory.profile(label.domain)
    always = profile is not None and profile.person_declaration
    declared = label.handling.person is not None and label.handling.person.neutrality is not None
    for path, handling in _handlings(label):
        own = handling.person is not None and handling.person.neutrality is not None
        personal = handling.personal_data not in (None, PersonalData.NONE)
        if (personal or (always and path == "/handling")) and not (declared or own):
            yield _fault(path + "/person/neutrality", "interpol-article-3")


def _without_basis(label: Label, directory: Snapshot, now: datetime) -> Iterator[Fault]:
    profile = directory.profile(label.domain)
    longest = profile.longest_erasure_days if profile else None
    for path, handling in _handlings(label):
        if handling.personal_data in (None, PersonalData.NONE):
            continue
        if (handling.legal_basis or label.handling.legal_basis) is None:
            yield _fault(path + "/legal_basis", "the instrument and its article")
        erase_after = handling.erase_after or label.handling.erase_after
        if erase_after is None or instant(erase_after) <= now:
            yield _fault(path + "/erase_after", "a time that lies ahead")
        elif longest is not None and instant(erase_after) > now + timedelta(days=longest):
            yield _fault(path + "/erase_after", f"at most {longest} days ahead, as the domain's profile says")


def _handlings(label: Label) -> Iterator[tuple[str, Handling | PartHandling]]:
    yield "/handling", label.handling
    for index, part in enumerate(label.parts):
        if part.handling is not None:
            yield f"/parts/{index}/handling", part.handling


def _has_personal_data(label: Label) -> bool:
    return any(handling.personal_data not in (None, PersonalData.NONE) for _, handling in _handlings(label))


def _is_exact(selector: str) -> bool:
    return not selector.startswith("@") and not selector.endswith(".*")


def _refuse(code: Code, found: list[Fault]) -> None:
    if found:
        raise Refused(code, _DETAIL[code], tuple(found))


def _fault(path: str, expected: str) -> Fault:
    return Fault(pointer("events", ALERT_EVENT) + path, expected)
