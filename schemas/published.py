"""A published version of the directory: the signed document, and what lies in a file."""

from typing import Annotated

from annotated_types import MaxLen

from schemas import limits
from schemas.base import AgencyId, Count, Digest, Many, Strict, Uri
from schemas.directory import DirectoryDocument


class DirectoryClaims(Strict):
    """The payload that registrars sign (`typ` `interagency-directory+jwt`)."""

    iss: AgencyId
    """The agency of the key that signs the statement; the other registrars cosign."""
    iat: Count
    """When it was proposed, in seconds."""
    aud: Uri
    """The network."""
    previous: Digest | None = None
    """The digest of the version before; null for the first that is signed."""
    directory: DirectoryDocument


class PublishedDirectory(Strict):
    """One version as it is published: its digest is that of its statement (protocol §2)."""

    statement: str
    cosignatures: Annotated[Many[str], MaxLen(limits.REGISTRARS)] = ()
    """Detached, each over the statement's payload (RFC 7515 appendix F)."""
