"""Release decisions: gathers what `policy.release` needs, asks it, and makes old decisions again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from broker.judgement import Judgement, read_inputs
from broker.label import Label
from broker.policy.approval import unreleased
from broker.policy.asking import Ask, Situation, Source
from broker.policy.lifecycle import Effects, effects
from broker.policy.question import Question
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.ports.dossiers import Decided, Dossiers, Standing
from broker.trust.directory import Directory, Snapshot
from schemas.base import instant
from schemas.terms import Kind

log_line = structlog.get_logger("judge")


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides on an alert for one who asks; keeps nothing."""

    directory: Directory
    log: AlertLog
    dossiers: Dossiers

    async def decide(self, alert: StoredAlert, ask: Ask, now: datetime) -> Judgement:
        """Protocol §9 with the directory at acceptance (D0), the one of now (D1), and the alert's standing of now."""
        return await (await self.hear(alert)).decide(ask, now)

    async def hear(self, alert: StoredAlert) -> "Hearing":
        """What does not depend on who asks, read once however many do."""
        label = alert.label
        direct = frozenset[str]()
        if label.references and not _to_all_given(label):
            direct = (await self.follows(label)).direct_to
        return Hearing(
            judge=self,
            alert=alert,
            standing=await self.dossiers.standing(label.id),
            derived=await self._derived(label),
            direct=direct,
            d0=await self.directory.at(label.directory),
            d1=self.directory.current(),
        )

    async def again(self, alert: StoredAlert, decided: Decided) -> tuple[Judgement, Question]:
        """The decision as it was made, and what it was made from: what was kept of it, and the directories of then."""
        label, inputs, at = alert.label, read_inputs(decided.inputs), instant(decided.at)
        ask = inputs.ask(decided.agency, decided.subscription)
        situation = inputs.situation(
            {
                id_: None if consents is None else await self._source(id_, frozenset(consents))
                for id_, consents in inputs.derived.items()
            }
        )
        d0, d1 = await self.directory.at(label.directory), await self.directory.at(decided.directory)
        question = Question(label, situation, ask, d0, d1, at)
        made = Judgement.of(question)
        if made.outcome != decided.outcome:  # the rules of another release said otherwise: an operator must know
            log_line.error("not reproduced", alert=label.id, subscription=decided.subscription, was=decided.outcome)
        return made, question

    async def follows(self, label: Label) -> Effects:
        """What the alert does, with what it references as that is known here."""
        return effects(label, await self._referenced(label), self.directory.current().inspectors)

    async def _referenced(self, label: Label) -> Mapping[str, Label]:
        """The labels of what it references; and of a challenge among these, that of the alert which it challenges."""
        found = await self._labels(label.references)
        challenged = [id_ for each in found.values() if each.kind is Kind.CHALLENGE for id_ in each.references]
        return found | await self._labels(challenged)

    async def _labels(self, ids: Sequence[str]) -> dict[str, Label]:
        found = [await self.log.label(id_) for id_ in ids]
        return {label.id: label for label in found if label}

    async def _derived(self, label: Label) -> Mapping[str, Source | None]:
        named = {*label.handling.derived_from}
        for part in label.parts:
            named.update(part.handling.derived_from if part.handling else ())
        return {id_: await self._source(id_) for id_ in named}

    async def _source(self, id_: str, consents: frozenset[str] | None = None) -> Source | None:
        """With the consents of now, unless those of another time are given."""
        label = await self.log.label(id_)
        if label is None:
            return None
        if consents is None:
            standing = await self.dossiers.standing(id_)
            if unreleased(label, approved=bool(standing.approved_by)):
                return None  # nobody but its issuer knows of it
            consents = standing.consents
        return Source(label, consents, await self.directory.at(label.directory))


@dataclass(frozen=True, slots=True)
class Hearing:
    """One alert and how it stands; then each who asks is decided for."""

    judge: Judge
    alert: StoredAlert
    standing: Standing
    derived: Mapping[str, Source | None]
    direct: frozenset[str]
    d0: Snapshot
    d1: Snapshot

    @property
    def label(self) -> Label:
        return self.alert.label

    async def decide(self, ask: Ask, now: datetime) -> Judgement:
        """At `now`, to the millisecond, so that the decision can be made again as it was."""
        return Judgement.of(await self.question(ask, now))

    async def question(self, ask: Ask, now: datetime) -> Question:
        """What is decided on."""
        at = now.replace(microsecond=now.microsecond // 1000 * 1000)
        situation = Situation(
            recalled=bool(self.standing.recalled_by),
            suspended=self.standing.suspended,
            compromised=self.d1.compromised(self.label.kid, self.label.iat, self.label.accepted_at),
            awaiting=unreleased(self.label, approved=bool(self.standing.approved_by)),
            cancelled=bool(self.standing.cancelled_by),
            superseded=await self._superseded_for(ask),
            consents=self.standing.consents,
            direct_to=await self._direct_to(ask),
            derived=self.derived,
        )
        return Question(self.label, situation, ask, self.d0, self.d1, at)

    async def _superseded_for(self, ask: Ask) -> bool:
        """Superseded is an alert for those alone to whom one of its updates was released."""
        for update in self.standing.superseded_by:
            if await self.judge.dossiers.released_to(update, ask.agency):
                return True
        return False

    async def _direct_to(self, ask: Ask) -> frozenset[str]:
        """Whom a direct kind goes to; notices and recalls go to whoever was given what they are about."""
        if not _to_all_given(self.label):
            return self.direct
        about = self.label.references[0]
        stands_in = self.label.notice in ("expired", "superseded")  # for what was still owed, and never given
        goes = stands_in or await self.judge.dossiers.was_given(about, ask.agency)
        return frozenset({ask.agency}) if goes else frozenset()


def _to_all_given(label: Label) -> bool:
    return label.notice is not None or label.kind is Kind.RECALL
