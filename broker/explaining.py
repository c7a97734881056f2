"""A decision as it is told: what each rule said and rests on, in the reader's language, and what would change it.

Told twice over: whole, to those who may see the addressing; and to a subscriber without whom else an alert is for, and
so without what would change it.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from broker.clock import told
from broker.judgement import Judgement
from broker.policy.changes import smallest_changes
from broker.policy.clauses import clauses
from broker.policy.question import Question
from broker.policy.reasons import REASONS, Language
from broker.policy.release import Released
from broker.policy.rules import RuleSaid

ADDRESSING: Final = frozenset({"to", "release_to", "not_to", "excluded_by"})
"""What rules look at of an alert's addressing."""
NOT_THEIRS: Final = frozenset({"third-party-rule"})
"""Clauses that say something of other alerts."""


@dataclass(frozen=True, slots=True)
class Telling:
    """To whom: `addressing` says whether whom the alert is for may be told, which may stand in a part that no reader is
    given (protocol §2); `changes` whether it was asked what would alter the outcome.
    """

    addressing: bool
    language: Language = Language.EN
    changes: bool = False


def tell(judgement: Judgement, question: Question, telling: Telling) -> dict[str, Any]:
    """One of `/v1/decisions`."""
    decision = judgement.decision
    answer: dict[str, Any] = {
        "alert": judgement.label.id,
        "subscription": judgement.ask.subscription or "",
        "at": told(judgement.at),
        "outcome": judgement.outcome,
        "parts": list(decision.parts) if isinstance(decision, Released) else [],
        "rules": [_rule(said, question, telling) for said in decision.rules],
    }
    if telling.addressing:
        answer["agency"] = judgement.ask.agency
    if telling.addressing and telling.changes:
        answer["changes"] = tell_changes(question, telling.language)
    return answer


def tell_changes(question: Question, language: Language) -> list[dict[str, Any]]:
    """Single changes that would alter the outcome, the smallest first; empty when one is not enough."""
    return [
        {"code": change.code, "about": dict(change.about), "change": change.told(language)}
        for change in smallest_changes(question)
    ]


def _rule(said: RuleSaid, question: Question, telling: Telling) -> dict[str, Any]:
    looked_at = {name: value for name, value in said.looked_at.items() if telling.addressing or name not in ADDRESSING}
    rests_on = clauses(question.case, said.rule) if said.said != "not-applicable" else ()
    return {
        "rule": said.rule,
        "said": said.said,
        "looked_at": looked_at,
        "because": REASONS[said.reason].told(telling.language),
        "code": said.reason,
        "rests_on": [asdict(each) for each in rests_on if telling.addressing or each.kind not in NOT_THEIRS],
    }
