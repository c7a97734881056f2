"""Whether an agency may say this, and under these terms: steps 10 to 12 of protocol §4.

Each check refuses with a code of §4; what passes becomes an `Authorised`, and nothing else makes one.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.clock import told
from broker.label import Label
from broker.policy.approval import asks_for_second_officer
from broker.policy.mandate import Known, check_mandate, check_second_officer
from broker.policy.posting_terms import check_first_officer, check_terms
from broker.trust.directory import Snapshot
from broker.trust.verify import VerifiedEnvelope, read_addressing
from schemas.handling import Addressing
from schemas.statement import BREAK_GLASS, Claims
from schemas.terms import Certainty, Kind, Severity, Urgency

NOBODY = Addressing(to=())
UNSIGNED = ("sha256:" + "0" * 64, "")


@dataclass(frozen=True, slots=True)
class Authorised:
    """An alert that its issuer may send under the terms that it states. Its parts are checked last."""

    label: Label
    addressing: Addressing | None
    """As stated, in the event or in the part `addressing`."""


def authorise(
    verified: VerifiedEnvelope, claims: Claims, known: Mapping[str, Known], directory: Snapshot, now: datetime
) -> Authorised:
    """Steps 10 to 12. `known` are the alerts that it references, as far as they are known here."""
    # 10  the mandate, of who signs and of whom it is said for; and who may answer, update, recall what
    check_mandate(claims, known, directory, now)
    check_second_officer(claims, verified.record.kid, known, directory)
    # 11  the part `addressing`, where it stands in for the member
    addressing = read_addressing(verified, claims) or getattr(claims.event, "addressing", None)
    # 12  the terms of §3, and what the domain's profile asks
    signed = verified.digest, verified.record.kid
    label = label_of(signed, claims, addressing, known, directory, now)
    check_terms(claims, label, addressing, known, directory, now)
    check_first_officer(label, directory)
    return Authorised(label, addressing)


def foresee(
    claims: Claims, addressing: Addressing | None, known: Mapping[str, Known], directory: Snapshot, now: datetime
) -> Label:
    """The label that a statement would get which nobody has signed yet. Refuses what steps 10 and 12 would refuse."""
    check_mandate(claims, known, directory, now)
    label = label_of(UNSIGNED, claims, addressing, known, directory, now)
    check_terms(claims, label, addressing, known, directory, now)
    return label.model_copy(update={"awaits_approval": False})  # as it would go once it is approved


def label_of(
    signed: tuple[str, str],
    claims: Claims,
    addressing: Addressing | None,
    known: Mapping[str, Known],
    directory: Snapshot,
    now: datetime,
) -> Label:
    """What stands on the outside: the event's own members, and what it takes over from its first reference (§2.1).

    `signed` are the statement's digest and the key that signed it.
    """
    event = claims.event
    references = tuple(getattr(event, "references", None) or ())
    first = known[references[0]].label if references and event.kind not in _STATE_ALL else None

    def stated(member: str) -> object:
        own = getattr(event, member, None)
        return own if own not in (None, ()) else getattr(first, member, own)

    parts = getattr(event, "content_parts", ())
    glass = event.ext.get(BREAK_GLASS)
    made = Label(
        id=claims.jti,
        digest=signed[0],
        iss=claims.iss,
        issuer=claims.issuer,
        kid=signed[1],
        kind=event.kind,
        status=event.status,
        product=stated("product"),  # type: ignore[arg-type]  # the same member of the event or of another label
        domain=stated("domain"),  # type: ignore[arg-type]  # as above
        urgency=stated("urgency") or Urgency.UNKNOWN,  # type: ignore[arg-type]  # as above
        severity=stated("severity") or Severity.UNKNOWN,  # type: ignore[arg-type]  # as above
        certainty=stated("certainty") or Certainty.UNKNOWN,  # type: ignore[arg-type]  # as above
        areas=stated("areas") or (),  # type: ignore[arg-type]  # as above
        languages=_languages(event),
        handling=stated("handling"),  # type: ignore[arg-type]  # as above
        addressing=addressing or (first.addressing if first else NOBODY),
        addressed=addressing is not None,
        parts=parts,
        references=references,
        wants=tuple(getattr(event, "wants", ())),
        onward_to=tuple(getattr(event, "onward_to", None) or ()),
        respond_by=getattr(event, "respond_by", None),
        outcome=getattr(event, "outcome", None),
        assessment=getattr(event, "assessment", None),
        granted=getattr(event, "granted", None),
        by=event.by,
        iat=claims.iat,
        expires=getattr(event, "expires", None),
        accepted_at=told(now),
        directory=directory.digest,
        break_glass=glass["reason"] if glass else None,
    )
    waits = made.break_glass is None and asks_for_second_officer(made, directory)
    return made.model_copy(update={"awaits_approval": waits})


_STATE_ALL = frozenset({Kind.ALERT, Kind.UPDATE, Kind.REQUEST})
"""Kinds that take nothing over."""


def _languages(event: object) -> tuple[str, ...]:
    headline = getattr(event, "headline", None) or {}
    parts = getattr(event, "content_parts", ())
    return tuple(dict.fromkeys([*headline, *(part.language for part in parts if part.language)]))
