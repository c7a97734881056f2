"""What of the directory concerns one agency: itself, its agreements, its communities, and whom these name.

Nobody learns from it which other agreements there are, who else has an agreement with whom, or that somebody exists
with whom they share nothing: who is enrolled is nobody's business without terms between the two (protocol §6).
"""

from datetime import datetime

from broker.trust.directory import Snapshot
from schemas.directory import Agency, DirectoryDocument


def concerns(snapshot: Snapshot, asker: str, other: str, at: datetime) -> bool:
    """Whether `asker` may be told of `other`; of itself it always may."""
    if asker == other:
        return True
    between = (*snapshot.agreements(asker, other), *snapshot.agreements(other, asker))
    shared = snapshot.communities_of(asker) & snapshot.communities_of(other)
    communities = [snapshot.community(name) for name in shared]
    return any(each.in_force(at) for each in between) or any(
        each is not None and each.in_force(at) for each in communities
    )


def concerning(snapshot: Snapshot, agency: str) -> DirectoryDocument:
    """The document with all else left out; others by name, country and tier alone."""
    whole = snapshot.document
    communities = tuple(each for each in whole.communities if agency in each.members)
    agreements = tuple(each for each in whole.agreements if agency in (each.from_, each.to))
    delegations = tuple(each for each in whole.delegations if agency in (each.from_, each.to))
    known = {agency, snapshot.hub}
    known.update(member for each in communities for member in each.members)
    known.update(end for each in agreements for end in (each.from_, each.to))
    known.update(end for each in delegations for end in (each.from_, each.to))
    return whole.model_copy(
        update={
            "agencies": tuple(
                each if each.id == agency else _from_outside(each) for each in whole.agencies if each.id in known
            ),
            "communities": communities,
            "agreements": agreements,
            "delegations": delegations,
            "caveats": _caveats(snapshot, agency),
            "registrars": None,
        }
    )


def sees_all(snapshot: Snapshot, agency: str) -> bool:
    """Registrars: who holds a key that may sign the next version."""
    registrars = snapshot.document.registrars
    kids = registrars.keys if registrars else ()
    return any((record := snapshot.key(kid)) is not None and record.agency == agency for kid in kids)


def _from_outside(agency: Agency) -> Agency:
    return Agency(id=agency.id, tier=agency.tier, active=agency.active, names=agency.names, country=agency.country)


def _caveats(snapshot: Snapshot, agency: str) -> dict[str, tuple[str, ...]]:
    """The codes that allow this agency, by the selectors that say so."""
    found = {
        code: tuple(each for each in selectors if snapshot.matches(each, agency))
        for code, selectors in snapshot.document.caveats.items()
    }
    return {code: selectors for code, selectors in found.items() if selectors}
