"""Entries that cannot do what was meant: members who are not admitted, terms of agencies that are mute."""

from collections.abc import Iterator, Sequence

from broker.cli.findings import Finding, Grade, now, some
from broker.trust.directory import Snapshot
from schemas.base import instant
from schemas.directory import Agency, Community, Mandate
from schemas.terms import KeyUse
from schemas.vocabulary import within


def look_at_entries(snapshot: Snapshot) -> Iterator[Finding]:
    """One finding a kind of mistake, each with the first few places."""
    kinds = (
        (_left_out(snapshot), "left out by their own community", "correct tiers, nationality or moderation"),
        (_mute(snapshot), "terms for what the sender may not say", "give it a mandate, or take the terms out"),
        (_delegated(snapshot), "delegations that neither's mandate covers", "the mandates of both must hold"),
        (_alone(snapshot), "need a second officer, and have no two officers' keys", "enrol keys with `officer`"),
        (_strangers(snapshot), "names that nothing stands behind", "correct them, or add the entries"),
        (_closed(snapshot), "no longer active, and still named", "take them out, or name the successor"),
        (_doubled(snapshot), "stand twice", "join them: whatever one of them covers is allowed"),
    )
    for places, what, mend in kinds:
        if named := list(places):
            yield Finding("directory", Grade.WARNING, f"{what}: {some(named)}", mend)


def _left_out(snapshot: Snapshot) -> Iterator[str]:
    """Rule 7 keeps a member out whose tier, country or admission its charter does not hold for."""
    for community in snapshot.document.communities:
        for member in community.members:
            agency = snapshot.agency(member)
            if agency is not None and (why := _why_left_out(community, agency)):
                yield f"{member} in {community.name} ({why})"


def _why_left_out(community: Community, agency: Agency) -> str | None:
    if agency.tier not in community.tiers:
        return f"tier {agency.tier}"
    if community.nationality is not None and agency.country not in community.nationality:
        return f"country {agency.country or 'not stated'}"
    if community.moderation is not None and agency.id not in community.moderation.admitted:
        return "not admitted"
    return None


def _mute(snapshot: Snapshot) -> Iterator[str]:
    for each in snapshot.document.agreements:
        if snapshot.agency(each.from_) is not None:
            for domain in each.domains:
                if not _speaks(snapshot.mandates(each.from_), domain):
                    yield f"agreement {each.from_} → {each.to}, {domain}"


def _speaks(mandates: Sequence[Mandate], domain: str) -> bool:
    """Whether something of the domain, or all of it, is the agency's to say."""
    return any(within(domain, mine) or within(mine, domain) for mandate in mandates for mine in mandate.domains)


def _delegated(snapshot: Snapshot) -> Iterator[str]:
    for each in snapshot.document.delegations:
        for domain in each.domains:
            ends = [end for end in (each.from_, each.to) if snapshot.agency(end) is not None]
            if mute := [end for end in ends if not _speaks(snapshot.mandates(end), domain)]:
                yield f"{each.from_} → {each.to}, {domain} (none of {mute[0]})"


def _alone(snapshot: Snapshot) -> Iterator[str]:
    approved = [domain for domain, profile in snapshot.document.profiles.items() if profile.approval]
    for agency in snapshot.document.agencies:
        officers = {key.officer for key in agency.keys if key.use is KeyUse.STATEMENT and key.officer is not None}
        needed = [domain for domain in approved if _speaks(agency.mandates, domain)]
        if agency.active and needed and len(officers) < 2 and agency.id != snapshot.hub:
            yield f"{agency.id} ({needed[0]})"


def _strangers(snapshot: Snapshot) -> Iterator[str]:
    for agency in snapshot.document.agencies:
        if agency.parent is not None and snapshot.agency(agency.parent) is None:
            yield f"agency {agency.id}, parent {agency.parent}"
        if any(each.id == agency.id for each in agency.predecessors):
            yield f"agency {agency.id} is its own predecessor"
    for community in snapshot.document.communities:
        if community.moderation is not None:
            named = (*community.moderation.moderators, *community.moderation.admitted)
            yield from (
                f"moderation of {community.name}: {each}" for each in named if each not in set(community.members)
            )


def _closed(snapshot: Snapshot) -> Iterator[str]:
    gone = {agency.id for agency in snapshot.document.agencies if not agency.acts(now())}
    for community in snapshot.document.communities:
        yield from (f"{member} in {community.name}" for member in community.members if member in gone)
    for each in snapshot.document.agreements:
        if each.valid_until is None or instant(each.valid_until) > now():
            yield from (f"{end} in {each.from_} → {each.to}" for end in (each.from_, each.to) if end in gone)


def _doubled(snapshot: Snapshot) -> Iterator[str]:
    seen: set[str] = set()
    for each in snapshot.document.agreements:
        text = each.model_dump_json(exclude={"reference", "conditions"})
        if text in seen:
            yield f"agreement {each.from_} → {each.to}"
        seen.add(text)
