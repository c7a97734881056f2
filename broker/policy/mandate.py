"""Step 10: who may say this (protocol §1, §2.1). An empty list of mandates never means all."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.errors import Fault, Refused
from broker.label import Label
from broker.policy.approval import may_be_approved, unreleased
from broker.policy.paths import names
from broker.trust.directory import Snapshot
from schemas.areas import IsoArea
from schemas.directory import Mandate
from schemas.faults import pointer
from schemas.statement import ALERT_EVENT, Alert, Approve, Claims, Request, Update
from schemas.terms import Kind, Severity, Status, severity_rank
from schemas.vocabulary import within


@dataclass(frozen=True, slots=True)
class Known:
    """An alert that is known here: its label, the agencies that were given it, and what it references itself."""

    label: Label
    given: frozenset[str]
    about: Label | None = None
    """Of an `onward` request: the alert that it asks about."""
    approved: bool = False
    """Whether a second officer has let it go."""
    ended: bool = False
    """Whether it was cancelled, recalled or superseded."""

    @property
    def unreleased(self) -> bool:
        """Whether nobody but its issuer may know of it."""
        return unreleased(self.label, approved=self.approved)


@dataclass(frozen=True, slots=True)
class Subject:
    """What a mandate must cover."""

    domain: str
    areas: Collection[object]
    status: Status
    severity: Severity


def check_mandate(claims: Claims, known: Mapping[str, Known], directory: Snapshot, now: datetime) -> None:
    """Refuses with `outside-mandate`; unknown references and those the poster may not know of are refused alike."""
    event = claims.event
    if event.status is Status.SYSTEM and claims.iss != directory.hub:
        raise _outside("/status", "a status other than system, which is the hub's own")
    if claims.issuer != claims.iss:
        _check_principal(claims, directory, now)  # before the references, so that nothing is told of them
    references = [
        _known(id_, known, index, claims) for index, id_ in enumerate(getattr(event, "references", None) or ())
    ]
    check = _WHO_MAY.get(event.kind, _who_may_state)
    check(claims, references, directory, now)
    if claims.issuer != claims.iss:
        _check_delegation(claims, references, directory, now)
        _check_signer(claims, references, directory, now)


# who may, kind by kind ----------------------------------------------------------------------------------------------


def _who_may_state(claims: Claims, _: list[Known], directory: Snapshot, now: datetime) -> None:
    """`alert` and `request`: the mandates of who signs and of whom it is said for both cover it."""
    event = claims.event
    assert isinstance(event, Alert | Update | Request)  # noqa: S101 - the kinds that this check is listed for
    subject = Subject(event.domain, event.areas, event.status, event.severity)
    for agency in _speakers(claims):
        if not _covered(agency, subject, directory, now):
            raise _outside("/domain", f"a domain, areas, status and severity within a mandate of {agency}")


def _who_may_change(claims: Claims, references: list[Known], directory: Snapshot, now: datetime) -> None:
    """`update` and `cancel`: the issuer of each that it references, or an `override` for it."""
    for index, known in enumerate(references):
        label = known.label
        if label.status is not claims.event.status:
            raise _outside("/status", "the status of what it references")
        overridden = all(_overrides(agency, label, directory, now) for agency in _speakers(claims))
        if label.issuer != claims.issuer and not overridden:
            raise _not_yours(index)
    if claims.event.kind is Kind.UPDATE:
        _who_may_state(claims, references, directory, now)
    else:
        _check_together(references)


def _check_together(references: list[Known]) -> None:
    """A cancel goes to whoever may have it, and so must not name what nobody was let see beside what was released."""
    waiting = [known.unreleased for known in references]
    if any(waiting) and not all(waiting):
        raise _outside(f"/references/{waiting.index(True)}", "what waits for approval, in a cancel of its own")


def _who_may_ask(claims: Claims, references: list[Known], directory: Snapshot, now: datetime) -> None:
    """`request`: the mandate; for `onward`, whoever was given the alert."""
    if "onward" in claims.event.wants:  # type: ignore[union-attr]  # a request
        _who_was_given(claims, references, directory, now)
    else:
        _who_may_state(claims, references, directory, now)


def _who_was_given(claims: Claims, references: list[Known], *_: object) -> None:
    """`ack` and `error`, of whatever it was; `reply` to a request, and `erased` to a recall, alone."""
    answered = _ANSWERS.get(claims.event.kind)
    for index, known in enumerate(references):
        if not known.given & {claims.iss, claims.issuer} or answered not in (None, known.label.kind):
            raise _not_yours(index)


def _who_issued(claims: Claims, references: list[Known], *_: object) -> None:
    """`recall`."""
    for index, known in enumerate(references):
        if known.label.issuer != claims.issuer:
            raise _not_yours(index)


def _who_was_asked(claims: Claims, references: list[Known], *_: object) -> None:
    """`consent`: the issuer of the alert that an `onward` request asks about."""
    for index, known in enumerate(references):
        about = known.about
        if known.label.kind is not Kind.REQUEST or about is None or about.issuer != claims.issuer:
            raise _not_yours(index)


def _who_reviews(claims: Claims, references: list[Known], directory: Snapshot, now: datetime) -> None:
    """`challenge`: a mandate `review` there, outside the issuer's line."""
    for index, known in enumerate(references):
        if not all(_reviews(agency, known.label, directory, now) for agency in _speakers(claims)):
            raise _not_yours(index)


def _who_signs_beside(claims: Claims, references: list[Known], directory: Snapshot, now: datetime) -> None:
    """`approve`: the agency that signed what waits, and may still say it; `check_second_officer` asks who there."""
    for index, known in enumerate(references):
        label = known.label
        same_agency = (label.iss, label.issuer) == (claims.iss, claims.issuer)
        open_ = may_be_approved(label, approved=known.approved, ended=known.ended, now=now)
        if not same_agency or not open_:
            raise _not_yours(index)
        if label.status is not claims.event.status:
            raise _outside("/status", "the status of what it references")
        if not all(_covered(agency, _subject(label), directory, now) for agency in _speakers(claims)):
            raise _not_yours(index)


def check_second_officer(claims: Claims, kid: str, known: Mapping[str, Known], directory: Snapshot) -> None:
    """`approve`: signed with another officer's key than what waits, and that key is listed and not revoked."""
    if not isinstance(claims.event, Approve):
        return
    for index, id_ in enumerate(claims.event.references):
        first = directory.key(known[id_].label.kid)
        signed = None if first is None or first.revoked else directory.officer(first.kid)
        approves = directory.officer(kid)
        if signed is None or approves is None or signed == approves:
            raise _outside(f"/references/{index}", "an alert that another officer of your agency has signed")


_ANSWERS: Mapping[Kind, Kind] = {Kind.REPLY: Kind.REQUEST, Kind.ERASED: Kind.RECALL}

Check = Callable[[Claims, list[Known], Snapshot, datetime], None]

_WHO_MAY: Mapping[Kind, Check] = {
    Kind.UPDATE: _who_may_change,
    Kind.CANCEL: _who_may_change,
    Kind.REQUEST: _who_may_ask,
    Kind.ACK: _who_was_given,
    Kind.ERROR: _who_was_given,
    Kind.REPLY: _who_was_given,
    Kind.ERASED: _who_was_given,
    Kind.APPROVE: _who_signs_beside,
    Kind.CONSENT: _who_was_asked,
    Kind.RECALL: _who_issued,
    Kind.CHALLENGE: _who_reviews,
}


# what a mandate covers ----------------------------------------------------------------------------------------------


def covers(mandate: Mandate, subject: Subject, now: datetime) -> bool:
    """Domains × areas × statuses × the highest severity; `unknown` counts as `extreme`, as it does in rule 8."""
    severity = Severity.EXTREME if subject.severity is Severity.UNKNOWN else subject.severity
    return (
        mandate.in_force(now)
        and any(within(subject.domain, domain) for domain in mandate.domains)
        and subject.status in mandate.statuses
        and severity_rank(severity) <= severity_rank(mandate.severity)
        and _covers_areas(mandate.areas, subject.areas)
    )


def _covers_areas(mandated: Collection[str], stated: Collection[object]) -> bool:
    """`*` covers all. ISO codes cover themselves and what is below; shapes cannot be compared with codes."""
    if "*" in mandated:
        return True
    return bool(stated) and all(
        isinstance(area, IsoArea) and any(area.iso == code or area.iso.startswith(code + "-") for code in mandated)
        for area in stated
    )


def _covered(agency: str, subject: Subject, directory: Snapshot, now: datetime) -> bool:
    return any(covers(mandate, subject, now) for mandate in directory.mandates(agency))


def _reviews(agency: str, label: Label, directory: Snapshot, now: datetime) -> bool:
    line = {label.issuer, *Snapshot.ancestors(label.issuer)}
    if agency in line or label.issuer in Snapshot.ancestors(agency):
        return False
    return any(
        any(names(directory, selector, label.issuer, now) for selector in mandate.review)
        and covers(mandate, _subject(label), now)
        for mandate in directory.mandates(agency)
    )


def _overrides(agency: str, label: Label, directory: Snapshot, now: datetime) -> bool:
    return any(
        any(names(directory, selector, label.issuer, now) for selector in mandate.override)
        and covers(mandate, _subject(label), now)
        for mandate in directory.mandates(agency)
    )


def _check_principal(claims: Claims, directory: Snapshot, now: datetime) -> None:
    """`on_behalf_of`: an active agency that lets who signs speak for it, about something."""
    principal = directory.agency(claims.issuer)
    if principal is None or not principal.acts(now) or not _lent(claims, directory, now):
        raise _outside("/on_behalf_of", "an active agency that delegates to the signer")


def _check_delegation(claims: Claims, references: list[Known], directory: Snapshot, now: datetime) -> None:
    """`on_behalf_of`: a delegation in force for the domain, stated or of each alert that it is about."""
    lent = _lent(claims, directory, now)
    stated = getattr(claims.event, "domain", None)
    if stated and not any(within(stated, domain) for domain in lent):
        raise _outside("/on_behalf_of", "an agency that delegates this domain to the signer")
    for index, known in enumerate(() if stated else references):
        if not any(within(known.label.domain, domain) for domain in lent):
            raise _not_yours(index)


def _lent(claims: Claims, directory: Snapshot, now: datetime) -> Collection[str]:
    """The domains that whom it is said for delegates to who signs."""
    delegations = directory.delegations(claims.issuer, claims.iss)
    return [domain for each in delegations if each.in_force(now) for domain in each.domains]


def _check_signer(claims: Claims, references: list[Known], directory: Snapshot, now: datetime) -> None:
    """`on_behalf_of`: a mandate of who signs covers what it answers, changes or takes back. A delegation lends the
    other's voice, and adds nothing to what the signer may speak about (protocol §1).
    """
    for index, known in enumerate(references):
        if not _covered(claims.iss, _subject(known.label), directory, now):
            raise _not_yours(index)


def _speakers(claims: Claims) -> Collection[str]:
    """Whose mandates must hold: that of who signs, and that of whom it is said for (protocol §1)."""
    return dict.fromkeys((claims.iss, claims.issuer))


def _subject(label: Label) -> Subject:
    return Subject(label.domain, label.areas, label.status, label.severity)


def _known(id_: str, known: Mapping[str, Known], index: int, claims: Claims) -> Known:
    """What is referenced, if the poster may know that it is there."""
    found = known.get(id_)
    if found is None or (found.unreleased and found.label.issuer != claims.issuer):
        raise _not_yours(index)
    return found


def _not_yours(index: int) -> Refused:
    """One refusal for what does not exist and for what is not the poster's: they cannot be told apart."""
    return _outside(f"/references/{index}", "an alert that you may answer, change or take back in this way")


def _outside(member: str, expected: str) -> Refused:
    fault = Fault(pointer("events", ALERT_EVENT) + member, expected)
    return Refused("outside-mandate", "The issuer has no mandate for this.", (fault,))
