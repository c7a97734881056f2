"""What a rule rests on: the clause of the protocol, and the agreement, charter, law or mandate that it went by."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from broker.policy.case import Case
from schemas.directory import Agreement
from schemas.handling import Handling, PartHandling

ClauseKind = Literal["protocol", "directory", "agreement", "charter", "law", "caveat", "mandate", "third-party-rule"]


@dataclass(frozen=True, slots=True)
class Clause:
    """`reference` is the legal one, as the directory or the handling has it; `covers`: whether it covers this alert."""

    kind: ClauseKind
    name: str
    reference: str | None = None
    covers: bool | None = None


def clauses(case: Case, rule: int) -> tuple[Clause, ...]:
    """Those of one rule, the protocol's own first. They name nobody but issuer and reader, and their communities."""
    return (Clause("protocol", f"§9.{rule}"), *(found(case) if (found := _RESTS_ON.get(rule)) else ()))


def _directory(case: Case) -> Iterator[Clause]:
    yield Clause("directory", str(case.d1.version), case.d1.digest)


def _charters(case: Case) -> Iterator[Clause]:
    """Of the communities through which it could come."""
    held = {path.selector for path in case.held_paths}
    for path in case.kept_paths:
        if path.is_community:
            yield Clause("charter", path.selector, covers=path.selector in held)


def _agreements(case: Case) -> Iterator[Clause]:
    """All that there are between the two, so that it is seen what one lacks."""
    covering = [id(each) for each in case.agreements]
    issuer, reader = case.label.issuer, case.reader
    for agreement in case.d1.agreements(issuer, reader):
        yield Clause("agreement", _name(agreement), agreement.reference, id(agreement) in covering)
    for name in sorted(case.d1.communities_of(issuer) & case.d1.communities_of(reader)):
        community = case.d1.community(name)
        if community is not None:
            yield Clause("charter", name, covers=id(community.charter) in covering)


def _law(case: Case) -> Iterator[Clause]:
    """As the sender states it, of the whole and of parts."""
    of_parts = (part.handling for part in case.label.parts if part.handling)
    handlings: list[Handling | PartHandling] = [case.label.handling, *of_parts]
    stated = dict.fromkeys(each.legal_basis for each in handlings if each.legal_basis)
    for basis in stated:
        yield Clause("law", basis.instrument, basis.article)


def _caveats(case: Case) -> Iterator[Clause]:
    for code in sorted(case.terms.caveats):
        yield Clause("caveat", code, covers=case.d1.caveat(code) is not None)


def _mandates(case: Case) -> Iterator[Clause]:
    hub = case.ask.hub or ""
    yield from (Clause("mandate", hub) for mandate in case.d1.mandates(hub) if mandate.relay)


def _sources(case: Case) -> Iterator[Clause]:
    for id_ in sorted(case.terms.derived_from):
        source = case.situation.derived.get(id_)
        yield Clause("third-party-rule", id_, None if source is None else source.label.handling.onward)


def _name(agreement: Agreement) -> str:
    return f"{agreement.from_} → {agreement.to}"


_RESTS_ON: Mapping[int, Callable[[Case], Iterator[Clause]]] = {
    1: _directory,
    7: _charters,
    8: _agreements,
    9: _agreements,
    10: _law,
    11: _caveats,
    13: _mandates,
    14: _sources,
}
