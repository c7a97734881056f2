"""The envelope: a statement with the content of its parts, and what a hub adds on the way out (protocol §5)."""

from typing import Annotated, Any, Literal

from annotated_types import MaxLen
from pydantic import Field

from schemas import limits
from schemas.base import AgencyId, B64Url, Digest, Form, Many, Strict, Timestamp, Uri
from schemas.statement import PartId

ENVELOPE_TYPE = "application/vnd.interagency.alert+json"
"""The media type of an envelope."""

Salt = Annotated[str, Form("[A-Za-z0-9_-]{43}", "32 bytes in base64url without padding", 43)]


class SaltedPart(Strict):
    """The bytes of a part, and the salt without which its digest tells nothing. Both as they were posted."""

    salt: Salt
    data: B64Url


class Envelope(Strict):
    """What is posted as form D or E. How the statement and the bytes are framed is checked where they are read."""

    statement: str
    parts: Annotated[dict[PartId, SaltedPart], MaxLen(limits.PARTS)] = Field(default_factory=dict)
    cosignatures: Annotated[Many[str], MaxLen(limits.COSIGNATURES)] = ()
    """Detached signatures over the same payload, for the time when algorithms change."""
    hub: Any = None
    """Set by hubs alone; ignored when others post it."""


Marked = Literal["expired", "superseded", "cancelled"]


class HubBlock(Strict):
    """What the hub says beside the alert. Members that do not apply are left out."""

    id: AgencyId
    network: Uri
    accepted_at: Timestamp
    receipt: str | None = None
    """None for notices."""
    released: Literal["whole"] | Many[PartId]
    """`whole`, or the parts that were; the part `addressing` does not count."""
    marked: Many[Marked] = ()
    conditions: Many[str] = ()
    """What agreements ask of the reader."""
    path: Many[str] = ()
    """Receipts of the hubs that it came through."""
    trace: str | None = None
    """A W3C traceparent."""
    subscription: str | None = None
    delivery: str | None = None
    position: Annotated[int, Field(ge=1, le=limits.SAFE_INTEGER)] | None = None
    previous: Digest | None = None
    """Of the text at the position before; null at 1."""


class DeliveredEnvelope(Strict):
    """An envelope as released to a reader."""

    statement: str
    parts: dict[PartId, SaltedPart] = Field(default_factory=dict)
    cosignatures: Many[str] = ()
    hub: HubBlock
