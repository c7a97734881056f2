"""Whether the directory is signed, by whom, and whether a next version could be."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from broker.cli.findings import SOON, Finding, Grade, now, some
from broker.trust.advancing import FirstTrust, advance, begin, tally
from broker.trust.directory import DirectoryFault, Snapshot
from broker.trust.published import NotTaken, Published
from broker.trust.versions import read_version, versions_in
from schemas.base import instant
from schemas.directory import KeyRecord, Registrars


def look_at_versions(place: Path, trust: str | None) -> Published | None:
    """The last of the folder's signed versions; None where there are none. DirectoryFault where one is not to be taken.

    The first is checked by the word that the hub was given, or else by itself; each other one by that before it.
    """
    refused: list[NotTaken] = []
    last: Published | None = None
    for path in versions_in(place).values():
        new = read_version(path)
        if last is not None:
            advance(last, new, now())
        elif (why := _why_not_first(new, _first(trust))) is not None:
            refused.append(why)
            continue
        last = new
    if last is None and refused:
        raise refused[0]
    if last is None and trust is not None:
        raise NotTaken("unsigned", f"{place} holds no signed version, and --directory-trust asks for one")
    return last


def _why_not_first(new: Published, first: FirstTrust | None) -> NotTaken | None:
    """Without a word that was given, the lowest version is the first."""
    try:
        begin(first or FirstTrust(digest=new.digest), new, now())
    except NotTaken as why:
        return why
    return None


def _first(trust: str | None) -> FirstTrust | None:
    try:
        return FirstTrust.read(trust) if trust else None
    except ValueError as why:
        raise DirectoryFault(f"--directory-trust: expected {why}") from None


def look_at_signatures(signed: Published | None, trust: str | None) -> Iterator[Finding]:
    """Signed by whom; or that it is not signed at all."""
    if signed is None:
        found = "not signed: whoever can write to the folder decides who is who"
        yield Finding("signatures", Grade.WARNING, found, "broker directory export, sign, publish (docs/directory.md)")
        return
    registrars = signed.snapshot.document.registrars
    counted = tally(signed, signed.snapshot, registrars.keys)[0] if registrars else frozenset()
    found = f"signed by {len(counted)} of {len(registrars.keys) if registrars else 0} registrars"
    if trust is None:
        mend = "give --directory-trust: without it no new hub can begin with this folder"
        yield Finding("signatures", Grade.WARNING, f"{found}; nothing says by what the first one is known", mend)
    else:
        yield Finding("signatures", Grade.OK, found)


def look_at_registrars(snapshot: Snapshot) -> Iterator[Finding]:
    """Whether enough registrars could sign the next version, and too few could not."""
    registrars = snapshot.document.registrars
    if registrars is None:
        return
    records = [record for kid in registrars.keys if (record := snapshot.key(kid)) is not None]
    usable = [record for record in records if record.revoked is None and _valid_now(record)]
    if len(usable) < registrars.threshold:
        found = f"{len(usable)} registrars' keys are valid, and {registrars.threshold} must sign: no version can follow"
        yield Finding("registrars", Grade.ERROR, found, "list keys that are valid, before this one is signed")
        return
    yield from _weak(registrars, usable)
    ending = [f"{record.kid} {record.valid_until}" for record in usable if instant(record.valid_until) <= now() + SOON]
    if ending:
        mend = "publish a version with the next key beside it: broker keygen --use registrar"
        yield Finding("registrars", Grade.WARNING, f"end within {SOON.days} days: {some(ending)}", mend)


def _weak(registrars: Registrars, usable: Sequence[KeyRecord]) -> Iterator[Finding]:
    if registrars.threshold == 1:
        found = "one signature is enough: one stolen key decides who is who"
        yield Finding("registrars", Grade.WARNING, found, "raise the threshold")
    if registrars.threshold == len(usable):
        found = f"all {len(usable)} valid keys must sign: one that is lost ends the directory"
        yield Finding("registrars", Grade.WARNING, found, "list one key more than must sign")
    if len(usable) > 1 and len({record.agency for record in usable}) == 1:
        found = f"all of them are keys of {usable[0].agency}"
        yield Finding("registrars", Grade.WARNING, found, "let another agency hold one")


def _valid_now(record: KeyRecord) -> bool:
    return instant(record.valid_from) <= now() < instant(record.valid_until)
