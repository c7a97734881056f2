"""The smallest change that would alter a decision: each single thing is tried, by the function that decides.

Nothing here knows what a rule says. A change is told only if release, asked again with it, says otherwise. They come
from the smallest to the largest: what the reader can do, what the issuer can, what takes a new directory.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from broker.policy.asking import Source
from broker.policy.paths import excludes
from broker.policy.question import Question, width
from broker.policy.reasons import CHANGES, ChangeCode, Language
from broker.policy.terms import Terms
from broker.policy.ways import Way
from schemas.base import instant
from schemas.directory import PUBLIC, Agreement, Charter, Community
from schemas.handling import LegalBasis
from schemas.terms import PersonalData, Severity, Tlp, tlp_rank

FAR = "9999-12-31T00:00:00Z"
HELD = LegalBasis(instrument="-", article="-")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that could be otherwise."""

    code: ChangeCode
    about: Mapping[str, str]

    def told(self, language: Language) -> str:
        """As a sentence."""
        return CHANGES[self.code].told(language, **self.about)


Candidate = tuple[Change, Question]


def smallest_changes(question: Question) -> tuple[Change, ...]:
    """Every single change that would widen what was withheld, or narrow what was released whole; none when it takes
    more than one. What goes to all who were given something has none: it follows the alert.
    """
    if question.case.is_broadcast:
        return ()
    before = width(question.decide())
    tried = _narrowing(question) if before == 2 else _widening(question)
    flips = [(change, width(other.decide())) for change, other in tried]
    found = [change for change, after in flips if (after < before if before == 2 else after > before)]
    return tuple(_least(found))


def _least(found: list[Change]) -> Iterator[Change]:
    """Of what differs only in degree, the smallest degree: it was tried first."""
    seen: set[ChangeCode] = set()
    for change in found:
        in_degrees = change.code in (ChangeCode.TLP, ChangeCode.WAY, ChangeCode.AGREEMENT)
        lesser_is_there = change.code is ChangeCode.TO and ChangeCode.RELEASE_TO in seen
        if not lesser_is_there and not (in_degrees and change.code in seen):
            seen.add(change.code)
            yield change


def _widening(question: Question) -> Iterator[Candidate]:
    for tries in (_by_reader, _by_issuer, _by_sources, _by_communities, _by_directory, _by_agreements):
        yield from tries(question)


def _narrowing(question: Question) -> Iterator[Candidate]:
    """What it hangs by: a selector, an agreement; and the exclusion that always holds."""
    addressing, d1, reader = question.label.addressing, question.d1, question.ask.agency
    for selector in dict.fromkeys((*addressing.to, *addressing.release_to)):
        without = {
            name: tuple(each for each in getattr(addressing, name) if each != selector) for name in ("to", "release_to")
        }
        yield Change(ChangeCode.NO_SELECTOR, {"selector": selector}), question.addressing(**without)
    for agreement in question.case.agreements:
        if isinstance(agreement, Agreement):
            name = f"{agreement.from_} → {agreement.to}" + (f" ({agreement.reference})" if agreement.reference else "")
            yield Change(ChangeCode.AGREEMENT_ENDS, {"name": name}), question.under(d1.without_agreement(agreement))
    for community in _shared(question):
        without_reader = community.model_copy(update={"members": tuple(m for m in community.members if m != reader)})
        other = question.under(d1.with_community(without_reader))
        yield Change(ChangeCode.AGREEMENT_ENDS, {"name": f"{reader} ∈ {community.name}"}), other
    if question.label.handling.tlp is not Tlp.CLEAR:  # there, nobody may be excluded
        excluded = question.addressing(not_to=(*addressing.not_to, reader))
        yield Change(ChangeCode.NOT_TO, {"agency": reader}), excluded


def _by_reader(question: Question) -> Iterator[Candidate]:
    """What it could do by itself: ask otherwise, or come by another way."""
    ask, label = question.ask, question.label
    if ask.way.is_read:
        yield Change(ChangeCode.BOUND_TOKEN, {}), question.asked(way=Way.READ_BOUND)
    elif ask.way is not Way.FEED:
        stronger = (way for way in (Way.WEBHOOK_HTTPS, Way.READ_BOUND) if way is not ask.way)
        yield from ((Change(ChangeCode.WAY, {"way": way}), question.asked(way=way)) for way in stronger)
    yield Change(ChangeCode.STATUS, {"status": label.status}), question.asked(statuses=(*ask.statuses, label.status))
    for purpose in sorted(question.case.terms.purposes - frozenset(ask.purposes)):
        other = question.asked(purposes=(*ask.purposes, purpose))
        yield Change(ChangeCode.PURPOSE_ASKED, {"purpose": purpose}), other
    if ask.delivering:
        yield Change(ChangeCode.READ, {}), question.asked(delivering=False)


def _by_issuer(question: Question) -> Iterator[Candidate]:
    """Its addressing and its handling."""
    label, reader = question.label, question.ask.agency
    addressing, handling = label.addressing, label.handling
    if reader != PUBLIC:
        consented = question.standing(consents=question.situation.consents | {reader})
        yield (
            Change(ChangeCode.RELEASE_TO, {"agency": reader}),
            question.addressing(release_to=(*addressing.release_to, reader)),
        )
        yield Change(ChangeCode.TO, {"agency": reader}), question.addressing(to=(*addressing.to, reader))
        yield Change(ChangeCode.CONSENT, {"agency": reader}), consented
    for selector in addressing.not_to:
        if excludes(selector, reader, question.d0, question.d1):
            left = tuple(each for each in addressing.not_to if each != selector)
            yield Change(ChangeCode.NOT_NOT_TO, {"selector": selector}), question.addressing(not_to=left)
    if question.situation.suspended:
        yield Change(ChangeCode.SUSPENSION, {}), question.standing(suspended=False)
    for tlp in sorted(Tlp, key=tlp_rank, reverse=True):
        if tlp_rank(tlp) < tlp_rank(handling.tlp):
            yield Change(ChangeCode.TLP, {"tlp": tlp.upper()}), question.handling(tlp=tlp)
    for purpose in sorted(frozenset(question.ask.purposes) - question.case.terms.purposes):
        allowed = question.handling(purpose=(*handling.purpose, purpose))
        yield Change(ChangeCode.PURPOSE_ALLOWED, {"purpose": purpose}), allowed
    yield from _by_declaration(question)


def _by_declaration(question: Question) -> Iterator[Candidate]:
    handling = question.label.handling
    if handling.personal_data is not PersonalData.NONE:
        if handling.legal_basis is None:
            yield Change(ChangeCode.LEGAL_BASIS, {}), question.handling(legal_basis=HELD)
        yield Change(ChangeCode.ERASE_LATER, {}), question.handling(erase_after=FAR)
    for caveat in handling.caveats:
        left = tuple(each for each in handling.caveats if each != caveat)
        yield Change(ChangeCode.NO_CAVEAT, {"caveat": caveat}), question.handling(caveats=left)


def _by_sources(question: Question) -> Iterator[Candidate]:
    """Consents of those whose alerts it derives from."""
    reader = question.ask.agency
    for id_, source in sorted(question.situation.derived.items()):
        if source is not None:
            consented: dict[str, Source | None] = dict(question.situation.derived)
            consented[id_] = replace(source, consents=source.consents | {reader})
            change = Change(ChangeCode.SOURCE_CONSENT, {"alert": id_, "agency": reader})
            yield change, question.standing(derived=consented)


def _by_communities(question: Question) -> Iterator[Candidate]:
    """A charter that does not admit the reader: by moderation, tier or country."""
    d1, reader = question.d1, question.ask.agency
    entry = d1.agency(reader)
    for path in question.case.kept_paths:
        community = d1.community(path.selector) if path.is_community else None
        if community is None or entry is None:
            continue
        for code, about, changed in _admitting(community, reader, entry.tier, entry.country):
            yield Change(code, {"community": community.name} | about), question.under(d1.with_community(changed))


def _admitting(
    community: Community, reader: str, tier: str, country: str | None
) -> Iterator[tuple[ChangeCode, dict[str, str], Community]]:
    if community.moderation is not None:
        admitted = (*community.moderation.admitted, reader)
        moderation = community.moderation.model_copy(update={"admitted": admitted})
        yield ChangeCode.ADMIT, {"agency": reader}, community.model_copy(update={"moderation": moderation})
    yield ChangeCode.TIER, {"tier": tier}, community.model_copy(update={"tiers": (*community.tiers, tier)})
    if community.nationality is not None and country is not None:
        wider = community.model_copy(update={"nationality": (*community.nationality, country)})
        yield ChangeCode.COUNTRY, {"country": country}, wider


def _by_directory(question: Question) -> Iterator[Candidate]:
    d1, reader = question.d1, question.ask.agency
    entry = d1.agency(reader)
    if entry is not None and not entry.acts(question.at):
        active = entry.model_copy(update={"active": True, "valid_from": None, "valid_until": None})
        yield Change(ChangeCode.ACTIVE, {"agency": reader}), question.under(d1.with_agency(active))
    if d1.expires is not None and instant(d1.expires) <= question.at:
        yield Change(ChangeCode.DIRECTORY, {}), question.under(d1.without_end())
    for caveat in question.label.handling.caveats:
        allowed = question.under(d1.with_caveat(caveat, (*(d1.caveat(caveat) or ()), reader)))
        yield Change(ChangeCode.CAVEAT_RULE, {"caveat": caveat, "agency": reader}), allowed


def _by_agreements(question: Question) -> Iterator[Candidate]:
    """A new agreement for exactly this: what the whole asks for, and what parts ask for beyond it."""
    reader = question.ask.agency
    if reader == PUBLIC:
        return
    label, case = question.label, question.case
    stricter = (case.terms.stricter(part.handling) for part in label.parts if part.handling is not None)
    for terms in dict.fromkeys((case.terms, *stricter)):
        purposes = tuple(sorted(terms.purposes & frozenset(question.ask.purposes)) or sorted(terms.purposes))
        severity = Severity.EXTREME if label.severity is Severity.UNKNOWN else label.severity
        agreement = Agreement(
            from_=label.issuer,
            to=reader,
            domains=(label.domain,),
            statuses=(label.status,),
            tlps=(terms.tlp,),
            severity=severity,
            personal=(terms.personal,),
            purposes=purposes,
        )
        change = Change(
            ChangeCode.AGREEMENT,
            {"issuer": label.issuer, "agency": reader, "covering": _covering(agreement, terms)},
        )
        yield change, question.under(question.d1.with_agreement(agreement))


def _covering(agreement: Agreement, terms: Terms) -> str:
    personal = "" if terms.personal is PersonalData.NONE else f", personal data {terms.personal}"
    return (
        f"{agreement.domains[0]}, {agreement.statuses[0]}, {agreement.severity}, TLP:{terms.tlp.upper()}{personal}, "
        f"{' '.join(agreement.purposes)}"
    )


def _shared(question: Question) -> list[Community]:
    """Communities of issuer and reader whose charter it goes under."""
    d1 = question.d1
    under: list[Agreement | Charter] = question.case.agreements
    names = sorted(d1.communities_of(question.label.issuer) & d1.communities_of(question.ask.agency))
    found = [community for name in names if (community := d1.community(name))]
    return [community for community in found if any(each is community.charter for each in under)]
