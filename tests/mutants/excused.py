"""Mutants that nothing can notice, each with the reason: another line says the same, or nothing is decided there."""

from collections.abc import Mapping

EXCUSED: Mapping[tuple[str, str, str], str] = {
    ("label_of", "left-out", "references"): "kinds that take something over have a reference by their schema",
    ("Case.is_issuer", "left-out", "not self.is_broadcast"): "`applies` asks whether it is a broadcast before",
    ("Case.held_paths", "left-out", "version is not None"): "without D0 the one path is a consent, and no community",
    ("Case.agreements", "left-out", "(community := self.d1.community(name))"): (
        "a name from `communities_of` is one of the same directory's"
    ),
    ("_may_pass", "left-out", "case.situation.suspended"): "rule 2 fails for a recall, a mark, or else a suspension",
    ("_rule_13", "left-out", "hub is None"): "no agency has an empty id: the operator of no hub is None",
    ("verify", "left-out", "record is None"): "`_holds` says no without a record; this tells the type checker",
    ("check_parts", "left-out", "part.id != ADDRESSING_PART"): "the schema fixes its type, and that type is not asked",
    ("_check_cap", "left-out", "event.refs.ours"): "None beside the id: a document without identifier has no None",
}
"""By function, change and source text; a test holds that each of them is still there."""
