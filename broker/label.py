"""The label of an alert: all that routing and policy may know of it, and never a body.

Made once, at acceptance, from signed members alone; stored with the alert; read by every later stage.
"""

from schemas.areas import Area
from schemas.base import Strict
from schemas.handling import Addressing, Handling
from schemas.statement import Part
from schemas.terms import Certainty, Kind, Product, Severity, Status, Urgency


class Label(Strict):
    """What stands on the outside.

    What a kind does not state itself is taken over from what it references (protocol §2.1): a `cancel` from the
    first of its references, a direct kind from the alert that it answers. `domain`, `severity`, `handling` and
    `addressing` are therefore always the effective ones.
    """

    id: str
    digest: str
    """Of the statement: sha256 over `header.payload`."""
    iss: str
    issuer: str
    """`on_behalf_of` where it stands, else `iss` (protocol §1)."""
    kid: str
    kind: Kind
    notice: str | None = None
    """For a notice of the hub: updated, cancelled, suspended, expired or superseded; the rest is the alert's own."""
    status: Status
    product: Product | None = None
    domain: str
    urgency: Urgency = Urgency.UNKNOWN
    severity: Severity = Severity.UNKNOWN
    certainty: Certainty = Certainty.UNKNOWN
    areas: tuple[Area, ...] = ()
    languages: tuple[str, ...] = ()
    """Of headlines and parts, BCP 47."""
    handling: Handling
    addressing: Addressing
    addressed: bool = True
    """Whether the alert states an addressing itself: a `reply` that does goes by release, else directly."""
    parts: tuple[Part, ...] = ()
    """Content parts; the part `addressing` is not among them."""
    references: tuple[str, ...] = ()
    wants: tuple[str, ...] = ()
    onward_to: tuple[str, ...] = ()
    respond_by: str | None = None
    """Of a request: until when an answer is asked for."""
    outcome: str | None = None
    assessment: str | None = None
    granted: bool | None = None
    by: str | None = None
    awaits_approval: bool = False
    """Whether it waits for a second officer, as the directory at acceptance had it (docs/adr/0008)."""
    break_glass: str | None = None
    """Why it does not wait where it would have to."""
    iat: int
    expires: str | None = None
    accepted_at: str
    """RFC 3339, UTC with milliseconds, by the hub's clock."""
    directory: str
    """Digest of the directory at acceptance: D0 of protocol §9."""
