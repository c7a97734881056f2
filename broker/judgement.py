"""A release decision together with what it was made from, as it is kept (protocol §6).

Kept is only what went in. What each rule said follows from that for ever, since `policy.release` is a pure function;
so a decision costs a few dozen bytes, and can be made again years later.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from pydantic import TypeAdapter

from broker.clock import told
from broker.label import Label
from broker.policy.asking import Ask, Situation, Source
from broker.policy.question import Question
from broker.policy.release import Decision, Released, Withheld
from broker.policy.ways import Way
from broker.ports.dossiers import Decided, Outcome
from schemas.terms import Purpose, Status


@dataclass(frozen=True, slots=True)
class Inputs:
    """Who asked and how the alert stood, without what differs for each subscription. Sources with their consents."""

    statuses: tuple[Status, ...]
    purposes: tuple[Purpose, ...]
    way: Way
    delivering: bool = True
    hub: str | None = None
    recalled: bool = False
    suspended: bool = False
    compromised: bool = False
    awaiting: bool = False
    cancelled: bool = False
    superseded: bool = False
    consents: tuple[str, ...] = ()
    direct_to: tuple[str, ...] = ()
    derived: Mapping[str, tuple[str, ...] | None] = field(default_factory=dict)

    @classmethod
    def of(cls, ask: Ask, situation: Situation) -> "Inputs":
        """In one way, so that equal ones are equal texts."""
        return cls(
            statuses=tuple(sorted(ask.statuses)),
            purposes=tuple(sorted(ask.purposes)),
            way=ask.way,
            delivering=ask.delivering,
            hub=ask.hub,
            recalled=situation.recalled,
            suspended=situation.suspended,
            compromised=situation.compromised,
            awaiting=situation.awaiting,
            cancelled=situation.cancelled,
            superseded=situation.superseded,
            consents=tuple(sorted(situation.consents)),
            direct_to=tuple(sorted(situation.direct_to)),
            derived={
                id_: None if source is None else tuple(sorted(source.consents))
                for id_, source in sorted(situation.derived.items())
            },
        )

    def ask(self, agency: str, subscription: str) -> Ask:
        """As it was asked by one subscription ("" for a read without one)."""
        return Ask(agency, subscription or None, self.statuses, self.purposes, self.way, self.delivering, self.hub)

    def situation(self, derived: Mapping[str, Source | None]) -> Situation:
        """How the alert stood; `derived` are the sources, each with the consents that stand here."""
        return Situation(
            recalled=self.recalled,
            suspended=self.suspended,
            compromised=self.compromised,
            awaiting=self.awaiting,
            cancelled=self.cancelled,
            superseded=self.superseded,
            consents=frozenset(self.consents),
            direct_to=frozenset(self.direct_to),
            derived=derived,
        )


TOLD_FATES: Final = frozenset({"expired", "superseded"})
"""What ends with a notice in place of an alert that was still owed (protocol §2.1)."""

_INPUTS: Final = TypeAdapter(Inputs)


def read_inputs(text: str) -> Inputs:
    """Of a decision that was kept."""
    return _INPUTS.validate_json(text)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was decided, for whom, from what; `directory` is the digest of D1."""

    label: Label
    decision: Decision
    ask: Ask
    situation: Situation
    directory: str
    at: datetime

    @classmethod
    def of(cls, question: Question) -> "Judgement":
        """The answer to it."""
        return cls(question.label, question.decide(), question.ask, question.situation, question.d1.digest, question.at)

    @property
    def outcome(self) -> Outcome:
        if isinstance(self.decision, Withheld):
            return "withheld"
        return "whole" if self.decision.whole else "part"

    @property
    def owed(self) -> bool:
        """Whether it goes into the outbox: released, withheld for now, or owed when it met a fate that is told."""
        return isinstance(self.decision, Released) or self.decision.stays_owed or self.decision.fate in TOLD_FATES

    def kept(self) -> Decided:
        """What went in, and what came out."""
        inputs = _INPUTS.dump_json(Inputs.of(self.ask, self.situation), exclude_defaults=True).decode()
        subscription = self.ask.subscription or ""
        return Decided(self.ask.agency, subscription, self.outcome, inputs, self.directory, told(self.at))
