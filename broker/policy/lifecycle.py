"""What an accepted alert does to others, whom it goes to, and who hears of it by notice (protocol §2.1).

Pure: the router carries it out, and may do so more than once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from broker.label import Label
from schemas.terms import Kind

Fate = Literal["updated", "cancelled", "suspended"]
Change = Literal["cancelled", "superseded", "recalled", "suspended", "resumed", "approved"]

ARRIVED = frozenset({"received", "read"})
"""Outcomes of an `ack` that say nothing about what it acknowledges."""
BY_RELEASE = frozenset({Kind.ALERT, Kind.UPDATE, Kind.CANCEL, Kind.REQUEST, Kind.REPLY})


@dataclass(frozen=True, slots=True)
class Changes:
    """The standing of `alert` changes. `cause` is what does it; of an answered challenge, the challenge itself."""

    alert: str
    change: Change
    cause: str


ONWARD, GRANTED, REFUSED = "onward", "granted", "refused"
"""As what an `onward` request, and the consent that answers it, stand in the dossier of what they reference."""


@dataclass(frozen=True, slots=True)
class Acknowledges:
    """`alert` was answered by who posted this: with an outcome of protocol §2.1, `erased`, or one of those above."""

    alert: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Consents:
    """The issuer of `alert` says whether these agencies may have it."""

    alert: str
    agencies: tuple[str, ...]
    granted: bool


@dataclass(frozen=True, slots=True)
class Notify:
    """Those who were given `about`, and do not get what caused this, are told its fate."""

    about: Label
    fate: Fate


@dataclass(frozen=True, slots=True)
class Effects:
    """Everything that follows from one alert."""

    facts: tuple[Changes | Acknowledges | Consents, ...] = ()
    by_release: bool = False
    direct_to: frozenset[str] = frozenset()
    """Agencies whose subscriptions it goes to directly."""
    to_all_given: str | None = None
    """The alert whose receivers all get this (a recall)."""
    notices: tuple[Notify, ...] = ()


def goes_by_release(label: Label) -> bool:
    """By the fifteen rules, to whoever subscribes; everything else goes directly to whom it answers."""
    if label.kind is Kind.REPLY:
        return label.addressed
    if label.kind is Kind.REQUEST:
        return "onward" not in label.wants
    return label.kind in BY_RELEASE


def effects(label: Label, referenced: Mapping[str, Label], inspectors: frozenset[str]) -> Effects:
    """`referenced` are the labels of what it references, as far as they are known here; and of a challenge among
    these, that of what it challenges. `inspectors` are the agencies that the directory of now gives that role.
    """
    known = [referenced[id_] for id_ in label.references if id_ in referenced]
    if goes_by_release(label):
        return Effects(_changes(label, known) + _acks(label, known), by_release=True, notices=_notices(label, known))
    if label.kind is Kind.RECALL:
        return Effects(_changes(label, known), to_all_given=known[0].id if known else None)
    if label.kind is Kind.CONSENT:
        return Effects(_consents(label, known) + _acks(label, known), direct_to=_issuers(known))
    return Effects(
        _changes(label, known) + _answered(label, known, referenced) + _acks(label, known),
        direct_to=_addressees(label, known, inspectors),
        notices=_notices(label, known),
    )


def _addressees(label: Label, known: Sequence[Label], inspectors: frozenset[str]) -> frozenset[str]:
    """The issuer of what it answers; a challenge goes to inspectors too, an approve is for the hub alone."""
    if label.kind is Kind.APPROVE:
        return frozenset()
    if label.kind is Kind.CHALLENGE and known:
        return _issuers(known) | inspectors - {label.issuer}
    return _issuers(known)


def _issuers(known: Sequence[Label]) -> frozenset[str]:
    return frozenset(each.issuer for each in known)


def _changes(label: Label, known: Sequence[Label]) -> tuple[Changes, ...]:
    change = _change(label)
    return tuple(Changes(each.id, change, label.id) for each in known) if change else ()


def _change(label: Label) -> Change | None:
    if label.kind is Kind.CHALLENGE:
        return "suspended" if label.outcome == "suspend" else "resumed"
    changes: Mapping[Kind, Change] = {
        Kind.UPDATE: "superseded",
        Kind.CANCEL: "cancelled",
        Kind.RECALL: "recalled",
        Kind.APPROVE: "approved",
    }
    return changes.get(label.kind)


def _answered(label: Label, known: Sequence[Label], referenced: Mapping[str, Label]) -> tuple[Changes, ...]:
    """The issuer's answer to a challenge ends that one, and no other (protocol §2.1: until the issuer answers).

    An answer is the challenged issuer's own `ack` of the challenge, by what it does or disputes: `received` and `read`
    only say that the challenge arrived. Nothing else is one: no `error`, no other agency's `ack` (inspectors have the
    challenge too), and no `reply`, which answers requests.
    """
    if label.kind is not Kind.ACK or label.outcome in ARRIVED:
        return ()
    challenges = [each for each in known if each.kind is Kind.CHALLENGE and each.outcome == "suspend"]
    return tuple(
        Changes(alert, "resumed", challenge.id)
        for challenge in challenges
        for alert in challenge.references
        if alert in referenced and referenced[alert].issuer == label.issuer
    )


def _acks(label: Label, known: Sequence[Label]) -> tuple[Acknowledges, ...]:
    outcome = _outcome(label)
    return tuple(Acknowledges(each.id, outcome) for each in known) if outcome else ()


def _outcome(label: Label) -> str | None:
    """What it says to what it references, if it is an answer, or asks for more."""
    if label.kind is Kind.CONSENT:
        return GRANTED if label.granted else REFUSED
    if label.kind is Kind.REQUEST:
        return ONWARD if "onward" in label.wants else None
    if label.kind in (Kind.ACK, Kind.ERROR, Kind.REPLY):
        return label.outcome
    return "erased" if label.kind is Kind.ERASED else None


def _consents(label: Label, known: Sequence[Label]) -> tuple[Consents, ...]:
    """The consent answers a request, which named the alert and the agencies."""
    return tuple(
        Consents(alert, request.onward_to, bool(label.granted)) for request in known for alert in request.references
    )


def _notices(label: Label, known: Sequence[Label]) -> tuple[Notify, ...]:
    fates: Mapping[Kind, Fate] = {Kind.UPDATE: "updated", Kind.CANCEL: "cancelled"}
    fate = fates.get(label.kind)
    if label.kind is Kind.CHALLENGE and label.outcome == "suspend":
        fate = "suspended"
    return tuple(Notify(each, fate) for each in known) if fate else ()
