"""One question to release, with all that it looks at: so that it can be asked again with one thing otherwise."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from broker.label import Label
from broker.policy.asking import Ask, Situation
from broker.policy.case import Case
from broker.policy.release import Decision, Released, release
from broker.policy.terms import Terms
from broker.trust.directory import Snapshot


@dataclass(frozen=True, slots=True)
class Question:
    """Who asks for what, how it stands, and the directories at acceptance and at the time of deciding."""

    label: Label
    situation: Situation
    ask: Ask
    d0: Snapshot | None
    d1: Snapshot
    at: datetime

    def decide(self) -> Decision:
        """Protocol §9."""
        return release(self.label, self.situation, self.ask, self.d0, self.d1, self.at)

    @property
    def case(self) -> Case:
        """As the rules see it."""
        return Case(self.label, self.situation, self.ask, self.d0, self.d1, self.at, Terms.of(self.label.handling))

    def handling(self, **members: Any) -> "Question":
        """With other handling."""
        return replace(
            self, label=self.label.model_copy(update={"handling": self.label.handling.model_copy(update=members)})
        )

    def addressing(self, **members: Any) -> "Question":
        """With another addressing."""
        changed = self.label.addressing.model_copy(update=members)
        return replace(self, label=self.label.model_copy(update={"addressing": changed}))

    def standing(self, **members: Any) -> "Question":
        """With something else having become of it."""
        return replace(self, situation=replace(self.situation, **members))

    def asked(self, **members: Any) -> "Question":
        """As somebody else would ask, or by another way."""
        return replace(self, ask=replace(self.ask, **members))

    def under(self, d1: Snapshot) -> "Question":
        """Under another directory of now."""
        return replace(self, d1=d1)


def width(decision: Decision) -> int:
    """0 for withheld, 1 for in part, 2 for whole."""
    if not isinstance(decision, Released):
        return 0
    return 2 if decision.whole else 1
