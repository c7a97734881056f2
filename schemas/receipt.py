"""What a hub promises when it accepts an alert, and what a leaf of the ledger says (protocol §11)."""

from typing import Literal

from pydantic import ConfigDict

from schemas.base import AgencyId, AlertId, Count, Digest, Strict, Text

RECEIPT_TYP = "interagency-receipt+jwt"
HEARTBEAT_TYP = "interagency-heartbeat+jwt"


class ReceiptClaims(Strict):
    """The alert is durable, and its leaf will be in the ledger within 60 s."""

    iss: AgencyId
    iat: Count
    jti: Text
    sub: AlertId
    statement: Digest
    leaf: Digest
    """SHA-256(salt ‖ payload) of the entry."""
    log: Text
    """The ledger's origin."""


class HeartbeatClaims(Strict):
    """How far a subscription's stream has come: `last` is the digest of the text at `position`, null at 0."""

    iss: AgencyId
    iat: Count
    subscription: Text
    position: Count
    last: Digest | None


EntryType = Literal["accepted", "decided", "delivered", "ended", "acknowledged", "directory", "equivocation", "erased"]


class EntryPayload(Strict):
    """The text under a leaf: what happened. Each type has members of its own beside these."""

    model_config = ConfigDict(extra="allow")

    type: EntryType
