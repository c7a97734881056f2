"""Who a hub is and what it takes: `GET /.well-known/interagency-hub` (protocol §6)."""

from schemas.base import AgencyId, Count, Digest, Many, Strict, Uri
from schemas.directory import KeyRecord
from schemas.terms import Alg


class HubLimits(Strict):
    """The most that the hub reads: characters of a statement, bytes of the rest, lines of form E."""

    statement: Count
    statement_header: Count
    part: Count
    envelope: Count
    lines: Count
    batch: Count
    headers: Count


class DirectoryVersion(Strict):
    """Which directory the hub goes by: the digest is of its signed statement."""

    version: Count
    digest: Digest


class Discovery(Strict):
    """Everything a reader needs to begin."""

    hub: AgencyId
    network: Uri
    issuer: Uri
    versions: Many[Count]
    algorithms: Many[Alg]
    limits: HubLimits
    directory: DirectoryVersion
    keys: Many[KeyRecord]
    log: str
    """The C2SP verifier key of the ledger's checkpoints."""
    token_endpoint: Uri
