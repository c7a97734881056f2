"""The release decision with everything it must look at fetched: the one function that decides, for every stage.

`policy.release` is pure; here its inputs come together: the directories, the alert's standing, what it derives from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.label import Label
from broker.policy.asking import Ask, Situation, Source
from broker.policy.lifecycle import effects
from broker.policy.release import Decision, release
from broker.ports import AlertLog, Decided, Dossiers, Standing, StoredAlert
from broker.trust.directory import Directory
from schemas.terms import Kind


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides on an alert for one who asks; keeps nothing."""

    directory: Directory
    log: AlertLog
    dossiers: Dossiers

    async def decide(self, alert: StoredAlert, ask: Ask, now: datetime) -> Decision:
        """Protocol §9 with the directory at acceptance (D0), the one of now (D1), and the alert's standing of now."""
        label = alert.label
        situation = await self._situation(label, ask)
        d0 = await self.directory.at(label.directory)
        return release(label, situation, ask, d0, self.directory.current(), now)

    async def referenced(self, label: Label) -> Mapping[str, Label]:
        """The labels of what it references, as far as they are known here."""
        found = [await self.log.find(id_) for id_ in label.references]
        return {alert.label.id: alert.label for alert in found if alert}

    async def _situation(self, label: Label, ask: Ask) -> Situation:
        standing = await self.dossiers.standing(label.id)
        return Situation(
            recalled=bool(standing.recalled_by),
            suspended=standing.suspended,
            cancelled=bool(standing.cancelled_by),
            superseded=await self._superseded_for(ask, standing),
            consents=standing.consents,
            direct_to=await self._direct_to(label, ask),
            derived=await self._derived(label),
        )

    async def _superseded_for(self, ask: Ask, standing: Standing) -> bool:
        """Superseded is an alert for those alone to whom one of its updates was released."""
        for update in standing.superseded_by:
            if any(_released_to(ask, said) for said in await self.dossiers.decisions(update)):
                return True
        return False

    async def _direct_to(self, label: Label, ask: Ask) -> frozenset[str]:
        """Whom a direct kind goes to; notices and recalls go to whoever was given what they are about."""
        if label.notice is not None or label.kind is Kind.RECALL:
            about = label.references[0]
            owed = label.notice in ("expired", "superseded")  # stands in for what was still owed, and never given
            return frozenset({ask.agency}) if owed or await self.dossiers.was_given(about, ask.agency) else frozenset()
        return effects(label, await self.referenced(label)).direct_to if label.references else frozenset()

    async def _derived(self, label: Label) -> Mapping[str, Source | None]:
        named = {*label.handling.derived_from}
        for part in label.parts:
            named.update(part.handling.derived_from if part.handling else ())
        return {id_: await self._source(id_) for id_ in named}

    async def _source(self, id_: str) -> Source | None:
        source = await self.log.find(id_)
        if source is None:
            return None
        standing = await self.dossiers.standing(id_)
        return Source(source.label, standing.consents, await self.directory.at(source.label.directory))


def _released_to(ask: Ask, said: Decided) -> bool:
    return said.agency == ask.agency and said.outcome != "withheld"
