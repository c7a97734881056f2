"""What an alert that derives from others may still be told: the terms of its sources go with it (rule 14)."""

from collections.abc import Iterable

from broker.label import Label
from broker.policy.asking import PUBLIC, Source
from broker.policy.case import Case
from broker.policy.paths import excludes, names, paths, tlp_keeps
from broker.policy.terms import Terms
from broker.trust.directory import Snapshot
from schemas.base import instant
from schemas.terms import Onward, Tlp


def passes_on(source: Source, case: Case) -> bool:
    """Rules 4, 6, 10 and 11 for R, and `onward`; the source's own issuer may always have it."""
    label, terms = source.label, Terms.of_all(source.label)
    if case.reader == label.issuer:
        return True
    if source.d0 is None or _source_excludes(label, source.d0, case):
        return False
    consented = case.reader in source.consents
    return (
        _source_tlp_keeps(label, terms, source.d0, case, consented=consented)
        and terms.personal_data_in_order(case.now)
        and not refusing_caveats(terms.caveats, case)
        and _onward_allows(label, terms, case, consented=consented)
    )


def _source_excludes(label: Label, d0: Snapshot, case: Case) -> bool:
    not_to = label.addressing.not_to
    return bool(not_to) if case.ask.is_public else any(excludes(each, case.reader, d0, case.d1) for each in not_to)


def _source_tlp_keeps(label: Label, terms: Terms, d0: Snapshot, case: Case, *, consented: bool) -> bool:
    if terms.tlp in (Tlp.RED, Tlp.AMBER_STRICT):
        versions = [(d0, instant(label.accepted_at)), (case.d1, case.now)]
        found = paths(label.addressing.to, (), case.reader, versions)
        return consented or any(tlp_keeps(terms.tlp, path, case.reader) for path in found)
    return terms.tlp is Tlp.CLEAR or not case.ask.is_public


def _onward_allows(label: Label, terms: Terms, case: Case, *, consented: bool) -> bool:
    if terms.onward is Onward.ASK_ORIGINATOR:
        return consented
    if terms.onward is Onward.COMMUNITY:
        addressed = {*label.addressing.to, *label.addressing.release_to} - {PUBLIC}
        both = (case.reader, case.label.issuer)
        return any(
            each.startswith("@") and all(names(case.d1, each, agency, case.now) for agency in both)
            for each in addressed
        )
    return terms.onward is Onward.FREE


def refusing_caveats(caveats: Iterable[str], case: Case) -> list[str]:
    """Those without a rule in the directory that allows R (rule 11)."""

    def allows(code: str) -> bool:
        allowed = case.d1.caveat(code) or frozenset()
        return not case.ask.is_public and any(names(case.d1, each, case.reader, case.now) for each in allowed)

    return [code for code in sorted(caveats) if not allows(code)]
