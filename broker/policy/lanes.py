"""Which alerts overtake a backlog: those that cannot wait behind routine ones."""

from broker.label import Label
from schemas.terms import Severity, Urgency


def overtakes(label: Label) -> bool:
    """Extreme whatever its urgency, severe when something must be done at once (CAP 1.2 §3.2.2 terms)."""
    return label.severity is Severity.EXTREME or (
        label.severity is Severity.SEVERE and label.urgency is Urgency.IMMEDIATE
    )
