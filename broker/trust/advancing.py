"""From one trusted version of the directory to the next, in numbered steps.

The workflow is that of the root role of TUF (specification 1.0.33, §5.3), with one role in place of four: everything is
in one document, so nothing can be mixed with another version's.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from broker.trust import jws
from broker.trust.directory import Snapshot
from broker.trust.keys import load_public, verify_signature
from broker.trust.published import NotTaken, Published, Reason
from schemas.base import instant
from schemas.directory import KeyRecord
from schemas.terms import KeyUse

AHEAD_S = 300
"""How far ahead of this clock a version may have been proposed."""

_PIN = re.compile(r"sha256:[0-9a-f]{64}")
_KIDS = re.compile(r"([1-9][0-9]?):([A-Za-z0-9_-]{43}(?:,[A-Za-z0-9_-]{43})*)")


@dataclass(frozen=True, slots=True)
class FirstTrust:
    """By what the first signed version is known: its digest, or who must have signed it. An operator's word."""

    digest: str | None = None
    threshold: int = 0
    kids: frozenset[str] = frozenset()

    @classmethod
    def read(cls, text: str) -> Self:
        """`sha256:…`, or a threshold and kids: `2:kid,kid,kid`. ValueError for anything else."""
        if _PIN.fullmatch(text):
            return cls(digest=text)
        stated = _KIDS.fullmatch(text)
        kids = frozenset(stated[2].split(",")) if stated else frozenset()
        if stated is None or int(stated[1]) > len(kids):
            raise ValueError("the digest of a version (sha256:…), or a threshold and registrars' kids (2:kid,kid,kid)")
        return cls(threshold=int(stated[1]), kids=kids)


def begin(first: FirstTrust, new: Published, now: datetime) -> Snapshot:
    """The version that a hub begins with. NotTaken unless the operator's word, and its own registrars, stand for it."""
    # 1  the operator's word: this very version, or signatures of those whom the operator knows
    if first.digest is not None and new.digest != first.digest:
        raise NotTaken("first-trust", f"version {new.version} has the digest {new.digest}, not the one that was given")
    known = frozenset[str]()
    if first.digest is None:
        known = _check_signed(new, new.snapshot, first.kids, first.threshold, "first-trust")
    # 2  as for every version
    _check_by_itself(new, known, (new.snapshot,), now)
    return new.snapshot


def advance(trusted: Published, new: Published, now: datetime) -> Snapshot:
    """The next version. NotTaken says which step it did not pass. Whether it has expired is for `still_good`."""
    # 1  the same network, stated twice: in the document, and as the audience (no mix-and-match across networks)
    if new.snapshot.network != trusted.snapshot.network:
        raise NotTaken("other-network", f"it is for {new.snapshot.network}, not {trusted.snapshot.network}")
    # 2  exactly one higher (TUF §5.3.5): no rollback, no second text for one version, no gap
    if new.version < trusted.version:
        raise NotTaken("rollback", f"version {new.version} is older than {trusted.version}")
    if new.version == trusted.version:
        raise NotTaken("fork", f"version {new.version} with another digest: {new.digest}, not {trusted.digest}")
    if new.version > trusted.version + 1:
        raise NotTaken("gap", f"version {new.version} needs {trusted.version + 1} before it")
    # 3  made from the version that is trusted here, and not from another history
    if new.claims.previous != trusted.digest:
        raise NotTaken("chain", f"it follows {new.claims.previous}, not {trusted.digest}")
    # 4  proposed after it
    if new.claims.iat < trusted.claims.iat:
        raise NotTaken("chain", "it says that it was proposed before the version that it follows")
    # 5  signed by the threshold of the registrars of the version before (TUF §5.3.4)
    registrars = trusted.snapshot.document.registrars
    if registrars is None:
        raise NotTaken("threshold-before", f"version {trusted.version} has no registrars: nothing follows it")
    before = _check_signed(new, trusted.snapshot, registrars.keys, registrars.threshold, "threshold-before")
    # 6  and, by itself, as a first version would have to be: signed by its own registrars too (TUF §5.3.4)
    _check_by_itself(new, before, (new.snapshot, trusted.snapshot), now)
    return new.snapshot


def still_good(version: Snapshot, now: datetime) -> None:
    """NotTaken for one whose time is over: it may lead to a newer one, and is not taken itself (TUF §5.3.10)."""
    if version.expires is None or instant(version.expires) <= now:
        raise NotTaken("expired", f"version {version.version} expired {version.expires}")


def check_own(new: Published) -> frozenset[str]:
    """Whose signatures count among the version's own registrars. NotTaken below its own threshold."""
    registrars = new.snapshot.document.registrars
    if registrars is None:
        raise NotTaken("threshold-own", "it names no registrars: nothing could follow it")
    return _check_signed(new, new.snapshot, registrars.keys, registrars.threshold, "threshold-own")


def _check_by_itself(new: Published, others: frozenset[str], known: Sequence[Snapshot], now: datetime) -> None:
    """`others`: the kids whose signatures count for another reason than the version's own registrars; `known`: where
    the statement's own key stands.
    """
    if new.claims.aud != new.snapshot.network:
        raise NotTaken("other-network", f"it is signed for {new.claims.aud}, and is of {new.snapshot.network}")
    if new.claims.iat > now.timestamp() + AHEAD_S:
        raise NotTaken("future", "it was proposed later than now, by this clock")
    if new.snapshot.expires is None:
        raise NotTaken("malformed", "/directory/expires: expected a time: a signed version has an end")
    if new.framed.kid not in check_own(new) | others:
        raise NotTaken("threshold-own", "the statement's own signature does not count")
    if new.claims.iss not in {record.agency for each in known if (record := each.key(new.framed.kid)) is not None}:
        raise NotTaken("malformed", "/iss: expected the agency of the key that signs the statement")


def _check_signed(
    new: Published, by: Snapshot, kids: Collection[str], threshold: int, reason: Reason
) -> frozenset[str]:
    """Each key counts once; what does not count is told, with why."""
    counted, passed_over = tally(new, by, kids)
    if len(counted) < threshold:
        why = "".join(f"; {kid}: {what}" for kid, what in passed_over.items())
        raise NotTaken(reason, f"{len(counted)} of the {threshold} signatures that it needs{why}")
    return counted


def tally(new: Published, by: Snapshot, kids: Collection[str]) -> tuple[frozenset[str], Mapping[str, str]]:
    """The kids among these whose signatures count, by the records of that version; and why others do not."""
    found = {signature.kid: _why_not(signature, new, by, kids) for signature in _last_word(new)}
    counted = frozenset(kid for kid, why in found.items() if why is None)
    return counted, {kid: why for kid, why in found.items() if why is not None}


def _last_word(new: Published) -> Iterator[jws.Framed]:
    """Of each key one signature: the first there is. More of them are not more signers."""
    seen: set[str] = set()
    for signature in new.signatures:
        if signature.kid not in seen:
            seen.add(signature.kid)
            yield signature


def _why_not(signature: jws.Framed, new: Published, by: Snapshot, kids: Collection[str]) -> str | None:
    record = by.key(signature.kid)
    if signature.kid not in kids:
        return "no registrar" if record is None else f"a key of use {record.use}, and no registrar"
    if record is None or record.use is not KeyUse.REGISTRAR:
        return "its version does not list it as a key of use registrar"
    if not jws.fits(signature.alg, record.alg):
        return f"signed with {signature.alg}, and is a key of {record.alg}"
    if not _valid(record, new.claims.iat):
        return "not valid when the version was proposed, or revoked"
    if not verify_signature(load_public(record.jwk, record.alg), signature.signing_input, signature.signature):
        return "the signature does not hold"
    return None


def _valid(record: KeyRecord, iat: int) -> bool:
    """A revoked key counts nowhere: whoever stole it can write any time into what it signs."""
    begins, ends = instant(record.valid_from), instant(record.valid_until)
    return record.revoked is None and begins.timestamp() <= iat < ends.timestamp()
