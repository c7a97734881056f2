"""Who may have an alert: the fifteen rules of protocol §9, in their order.

Default is withhold; a missing input withholds; a restriction never adds a recipient. Every rule is heard, so that a
decision says what each of them said; the first that fails is the one that decides. Nothing here sees a body.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from broker.label import Label
from broker.policy.asking import Ask, Situation
from broker.policy.case import Case, Mark
from broker.policy.reasons import Reason
from broker.policy.rules import RuleSaid, Verdict, hear, skip
from broker.policy.terms import Terms
from broker.trust.directory import Snapshot
from schemas.handling import PartHandling
from schemas.statement import Part
from schemas.terms import Kind, ReplyOutcome

PART_RULES = (6, 7, 8, 9, 10, 11, 12, 14)
"""Rules 6 to 12 for each part with its own handling, and 14 for what the part derives from."""

CONFIRM = (
    "Confirm with the source: a hit is no authority to arrest. / "
    "Xác minh lại với nguồn: kết quả trùng khớp không phải là căn cứ để bắt giữ."
)


@dataclass(frozen=True, slots=True)
class Released:
    """It may go: `parts` with it, and no others. `owed` are parts that a better way could carry."""

    parts: tuple[str, ...]
    whole: bool
    marked: tuple[Mark, ...]
    conditions: tuple[str, ...]
    rules: tuple[RuleSaid, ...]
    owed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Withheld:
    """It may not go. `fate` is what became of the alert where that is why."""

    by_rule: int
    rules: tuple[RuleSaid, ...]
    stays_owed: bool
    fate: Literal["recalled", "expired", "cancelled", "superseded"] | None = None


Decision = Released | Withheld


def release(label: Label, situation: Situation, ask: Ask, d0: Snapshot | None, d1: Snapshot, now: datetime) -> Decision:
    """Whether, and how much of, an alert may go to who asks. D0 is the directory at acceptance, D1 that of now."""
    case = Case(label, situation, ask, d0, d1, now, Terms.of(label.handling))
    said = [hear(case, number) for number in range(1, 15)]
    failed = [each for each in said if each.said == "fail"]
    if failed:
        return Withheld(failed[0].rule, (*said, skip(15)), all(each.passing for each in failed), _fate(case, failed))
    fifteenth, kept, owed = _rule_15(case)
    return Released(
        parts=tuple(kept),
        whole=len(kept) == len(label.parts),
        marked=tuple(case.marks) if case.applies(2) else (),
        conditions=_conditions(case, kept),
        rules=(*said, fifteenth),
        owed=tuple(owed),
    )


def _fate(case: Case, failed: Sequence[RuleSaid]) -> Literal["recalled", "expired", "cancelled", "superseded"] | None:
    """What ended it, suspended or not: a suspension alone ends nothing. None for who may not have it anyway."""
    if [each.rule for each in failed] != [2] or case.situation.awaiting:
        return None
    if case.situation.recalled:
        return "recalled"
    if case.situation.compromised:
        return None  # nobody is told the fate of what its issuer may never have said
    marks = case.marks
    return marks[-1] if marks else None  # cancelled before superseded before expired


def _rule_15(case: Case) -> tuple[RuleSaid, list[str], list[str]]:
    """Rules 6 to 12 again for each part with terms of its own: what is kept, and what a better way could carry."""
    kept: list[str] = []
    owed: list[str] = []
    withheld: dict[str, int] = {}
    for part in case.label.parts:
        failed = _hear_part(case, part)
        if not failed:
            kept.append(part.id)
            continue
        withheld[part.id] = failed[0].rule
        if all(each.passing for each in failed):
            owed.append(part.id)
    looked = {"withheld": withheld}
    if not any(part.handling for part in case.label.parts) or not case.applies(15):
        return RuleSaid(15, "not-applicable", looked, Reason.NO_PART_TERMS), kept, owed
    verdict: Verdict = "fail" if withheld else "pass"
    return RuleSaid(15, verdict, looked, Reason.PART_TERMS), kept, owed


def _hear_part(case: Case, part: Part) -> list[RuleSaid]:
    """The rules that keep this part back."""
    if part.handling is None:
        return []
    heard = [hear(_of_part(case, part.handling, part), number) for number in PART_RULES]
    return [each for each in heard if each.said == "fail"]


def _of_part(case: Case, handling: PartHandling, part: Part) -> Case:
    """The same, by the terms of a part that states some of its own."""
    return replace(case, terms=case.terms.stricter(handling), sealed=part.sealed)


def _conditions(case: Case, kept: Sequence[str]) -> tuple[str, ...]:
    """Those of the alert, and of what its parts go under: an agreement may cover their terms alone.

    On every hit stands what no agreement has to say.
    """
    parts = [_of_part(case, part.handling, part) for part in case.label.parts if part.handling and part.id in kept]
    under = [condition for each in (case, *parts) for condition in each.conditions]
    return tuple(dict.fromkeys([CONFIRM, *under] if _is_hit(case.label) else under))


def _is_hit(label: Label) -> bool:
    return label.kind is Kind.REPLY and label.outcome in (ReplyOutcome.HIT, ReplyOutcome.PARTIAL)
