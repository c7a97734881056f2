"""What waits for a second officer, and until when one may let it go (protocol §2.1, docs/adr/0008)."""

from datetime import datetime

from broker.label import Label
from broker.trust.directory import Snapshot
from schemas.base import instant
from schemas.terms import Kind, Severity, Status, Urgency

WAITING_KINDS = frozenset({Kind.ALERT, Kind.UPDATE})
"""What tells others something new. A cancel may only narrow, and a correction must not wait."""


def asks_for_second_officer(label: Label, directory: Snapshot) -> bool:
    """Whether the domain's profile wants two officers for this; what is no more than an exercise or a test goes."""
    profile = directory.profile(label.domain)
    return profile is not None and profile.approval and label.status is Status.ACTUAL and label.kind in WAITING_KINDS


def cannot_wait(label: Label) -> bool:
    """Severe or extreme, and something must be done at once (CAP 1.2 §3.2.2 terms)."""
    return label.severity in (Severity.EXTREME, Severity.SEVERE) and label.urgency is Urgency.IMMEDIATE


def unreleased(label: Label, *, approved: bool) -> bool:
    """Whether nobody but its issuer may know of it."""
    return label.awaits_approval and not approved


def may_be_approved(label: Label, *, approved: bool, ended: bool, now: datetime) -> bool:
    """Once; what waits, as long as it stands and has not expired; where the glass was broken, however late."""
    if approved:
        return False
    expired = label.expires is not None and instant(label.expires) <= now
    return label.break_glass is not None or (label.awaits_approval and not ended and not expired)
