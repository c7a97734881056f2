"""Mutants that nothing can notice, each with the reason: another line says the same, or nothing is decided there."""

from collections.abc import Mapping

_LIBRARY = "the library refuses r and s out of range too; the check stays, so that nothing leans on that"

EXCUSED: Mapping[tuple[str, str, str], str] = {
    ("label_of", "left-out", "references"): "kinds that take something over have a reference by their schema",
    ("Case.is_issuer", "left-out", "not self.is_broadcast"): "`applies` asks whether it is a broadcast before",
    ("Case.held_paths", "left-out", "version is not None"): "without D0 the one path is a consent, and no community",
    ("Case.agreements", "left-out", "(community := self.d1.community(name))"): (
        "a name from `communities_of` is one of the same directory's"
    ),
    ("_may_pass", "left-out", "situation.suspended"): "rule 2 fails for a wait, a recall, a mark, or else a suspension",
    ("verify_signature", "left-out", "not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER)"): _LIBRARY,
    ("verify_signature", "left-out", "0 < r < _P256_ORDER"): _LIBRARY,
    ("verify_signature", "left-out", "0 < s < _P256_ORDER"): _LIBRARY,
    ("_may_pass", "left-out", "Way.READ_BOUND.carries(case.terms.tlp, sealed=case.sealed)"): (
        "a bound token carries every level there is"
    ),
    ("names", "left-out", "agency == PUBLIC"): "no agency has that name, so the directory knows none",
    ("still_valid", "left-out", "agency is not None"): "a key's record is of an agency of the same directory",
    ("_rule_13", "left-out", "hub is None"): "no agency has an empty id: the operator of no hub is None",
    ("verify", "left-out", "record is None"): "`_holds` says no without a record; this tells the type checker",
    ("check_parts", "left-out", "part.id != ADDRESSING_PART"): "the schema fixes its type, and that type is not asked",
    ("_check_cap", "left-out", "event.refs.ours"): "None beside the id: a document without identifier has no None",
}
"""By function, change and source text; a test holds that each of them is still there."""
