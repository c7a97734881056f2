"""Whether the directory can be used, what people get wrong in it, and whether the hub holds the keys that it lists."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from broker.cli.findings import SOON, Finding, Grade, now, some
from broker.cli.looking_at_entries import look_at_entries
from broker.cli.looking_at_signatures import look_at_registrars, look_at_signatures, look_at_versions
from broker.settings import Settings
from broker.trust.directory import DirectoryFault, Snapshot
from broker.trust.folder import read_folder
from broker.trust.hubkeys import USES, held_keys
from schemas.base import instant
from schemas.directory import PUBLIC, Agency, Agreement, Charter, KeyRecord
from schemas.terms import KeyUse

OTHERS = 0o077


def look_at_directory(settings: Settings) -> tuple[list[Finding], Snapshot | None]:
    """What is wrong with a hub's folder; the snapshot where it loads."""
    return look_at_place(settings.directory, settings.directory_trust)


def look_at_place(place: Path, trust: str | None = None) -> tuple[list[Finding], Snapshot | None]:
    """What is wrong with a directory; the snapshot where it loads. `trust`: what a hub is told of its first version."""
    try:
        signed = look_at_versions(place, trust)
        snapshot = read_folder(place) if signed is None else signed.snapshot
    except DirectoryFault as why:
        mend = "give the folder with --directory; correct the entry that is named"
        return [Finding("directory", Grade.ERROR, str(why), mend)], None
    told = f"version {snapshot.version}, {len(snapshot.document.agencies)} agencies, {snapshot.digest}"
    found = [Finding("directory", Grade.OK, told), *look_at_signatures(signed, trust), *_expiry(snapshot)]
    found += [*_unknown_names(snapshot), *_terms_that_cover_nothing(snapshot), *_agency_keys(snapshot)]
    found += [*look_at_registrars(snapshot), *look_at_entries(snapshot)]
    return found, snapshot


def _expiry(snapshot: Snapshot) -> Iterator[Finding]:
    if snapshot.expires is None or instant(snapshot.expires) > now() + SOON:
        return
    mend = "publish a version with a later date"
    if instant(snapshot.expires) <= now():
        yield Finding("directory", Grade.ERROR, f"expired {snapshot.expires}: nothing is released", mend)
    else:
        yield Finding("directory", Grade.WARNING, f"expires {snapshot.expires}", mend)


def _unknown_names(snapshot: Snapshot) -> Iterator[Finding]:
    """Names that nothing stands behind: whoever wrote them means somebody who gets nothing."""
    document = snapshot.document
    known = {agency.id for agency in document.agencies}
    named: list[tuple[str, str]] = []
    for community in document.communities:
        named += [(f"community {community.name}", member) for member in community.members]
    for agreement in document.agreements:
        named += [(f"agreement {agreement.from_} → {agreement.to}", end) for end in (agreement.from_, agreement.to)]
    for delegation in document.delegations:
        named += [
            (f"delegation {delegation.from_} → {delegation.to}", end) for end in (delegation.from_, delegation.to)
        ]
    for agency in document.agencies:
        named += [(f"agency {agency.id}, served_by", agency.served_by)] if agency.served_by else []
    wrong = [f"{where} names {name}" for where, name in named if name not in known]
    communities = {community.name for community in document.communities} | {PUBLIC}
    for code, selectors in document.caveats.items():
        wrong += [f"caveat {code} names {each}" for each in selectors if not _stands_for(each, known, communities)]
    if wrong:
        yield Finding("directory", Grade.WARNING, f"unknown names: {some(wrong)}", "correct them, or add the entries")


def _stands_for(selector: str, agencies: set[str], communities: set[str]) -> bool:
    if selector.startswith("@"):
        return selector in communities
    if selector.endswith(".*"):
        return any(agency.startswith(selector[:-1]) for agency in agencies)
    return selector in agencies


def _terms_that_cover_nothing(snapshot: Snapshot) -> Iterator[Finding]:
    """Empty means none: an agreement without purposes lets nothing through."""
    document = snapshot.document
    terms: list[tuple[str, Charter | Agreement]] = [
        (f"community {each.name}", each.charter) for each in document.communities
    ]
    terms += [(f"agreement {each.from_} → {each.to}", each) for each in document.agreements]
    listed = ("domains", "statuses", "tlps", "personal", "purposes")
    empty = [f"{where} has no {name}" for where, each in terms for name in listed if not getattr(each, name)]
    for agency in document.agencies:
        for mandate in agency.mandates:
            lists = ("domains", "areas", "statuses")
            empty += [f"a mandate of {agency.id} has no {name}" for name in lists if not getattr(mandate, name)]
    ended = [
        f"agreement {each.from_} → {each.to} {each.valid_until}"
        for each in document.agreements
        if each.valid_until is not None and instant(each.valid_until) <= now()
    ]
    if empty:
        yield Finding("directory", Grade.WARNING, f"covers nothing: {some(empty)}", "fill the list, or take it out")
    if ended:
        yield Finding("directory", Grade.WARNING, f"ended: {some(ended)}", "renew them, or take them out")


def _agency_keys(snapshot: Snapshot) -> Iterator[Finding]:
    """Agencies that may speak but cannot, and keys that end soon with none after them."""
    mute: list[str] = []
    ending: list[str] = []
    for agency in snapshot.document.agencies:
        if not agency.active or agency.id == snapshot.hub:
            continue
        for use in (KeyUse.STATEMENT, KeyUse.AUTH, KeyUse.SEAL):
            records = [record for record in snapshot.keys_of(agency.id) if record.use is use and in_force(record)]
            if not records and _needs(agency, use):
                mute.append(f"{agency.id} (use {use})")
            elif records and all(_ends_soon(record) for record in records):
                ending.append(f"{agency.id} (use {use}) {max(record.valid_until for record in records)}")
    if mute:
        mend = "enrol one: broker keygen --agency …"
        yield Finding("agency keys", Grade.WARNING, f"no key in force: {some(mute)}", mend)
    if ending:
        mend = "ask for their next keys: broker keygen --agency …"
        yield Finding("agency keys", Grade.WARNING, f"end within {SOON.days} days: {some(ending)}", mend)


def _needs(agency: Agency, use: KeyUse) -> bool:
    """Who has a mandate speaks; whoever has neither key nor mandate may be there to be named alone. Nobody needs to be
    sealed for; a key for it that ends is told all the same.
    """
    if use is KeyUse.SEAL:
        return False
    return bool(agency.mandates) if use is KeyUse.STATEMENT else bool(agency.keys)


def look_at_hub_keys(settings: Settings, snapshot: Snapshot) -> Iterator[Finding]:
    """Whether the hub holds, for each use, a key that the directory gives it, and nobody else can read them."""
    folder = settings.hub_keys or settings.data / "hub-keys"
    held = {key.kid for key in held_keys(folder)} if folder.is_dir() else set()
    records = snapshot.keys_of(snapshot.hub)
    for use in USES:
        usable = [record for record in records if record.use is use and record.kid in held and in_force(record)]
        yield _hub_key(f"hub key {use}", use, usable, folder)
    if folder.is_dir():
        yield from _files(folder)


def _hub_key(about: str, use: KeyUse, usable: Sequence[KeyRecord], folder: Path) -> Finding:
    if not usable:
        found = "none that the directory lists is held: the hub uses one of its own, which no other directory knows"
        mend = f"put the private key into {folder}, and its record into the directory"
        return Finding(about, Grade.WARNING, found, mend)
    if all(_ends_soon(record) for record in usable):
        last = max(record.valid_until for record in usable)
        return Finding(about, Grade.WARNING, f"ends {last}", f"make the next one: broker keygen --use {use} …")
    return Finding(about, Grade.OK, usable[0].kid)


def _files(folder: Path) -> Iterator[Finding]:
    if folder.stat().st_mode & OTHERS:
        yield Finding("hub keys", Grade.WARNING, f"others can look into {folder}", f"chmod 700 {folder}")
    for path in sorted(path for path in folder.iterdir() if path.is_file()):
        if path.stat().st_mode & OTHERS:
            yield Finding("hub keys", Grade.ERROR, f"others can read {path}", f"chmod 600 {path}")
        elif b"BEGIN ENCRYPTED PRIVATE KEY" in path.read_bytes()[:100]:
            found = f"{path} is encrypted, and passed over: a hub starts without a person"
            mend = f"openssl pkey -in {path} -out {path}.open, and move that in its place"
            yield Finding("hub keys", Grade.WARNING, found, mend)


def in_force(record: KeyRecord) -> bool:
    """Whether the key can be used now."""
    return record.revoked is None and instant(record.valid_from) <= now() < instant(record.valid_until)


def _ends_soon(record: KeyRecord) -> bool:
    return instant(record.valid_until) <= now() + SOON
