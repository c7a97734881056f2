"""The release decision with everything it must look at fetched: the one function that decides, for every stage.

`policy.release` is pure; here its inputs come together: the directories, the alert's standing, what it derives from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.policy.release import Ask, Derived, Released, Situation, Withheld, release
from broker.ports import AlertLog, Decided, Dossiers, Standing, StoredAlert
from broker.trust.directory import Directory


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides on an alert for one who asks; keeps nothing."""

    directory: Directory
    log: AlertLog
    dossiers: Dossiers

    async def decide(self, alert: StoredAlert, ask: Ask, now: datetime) -> Released | Withheld:
        """Protocol §9 with the directory at acceptance (D0), the one of now (D1), and the alert's standing of now."""
        label = alert.label
        situation = await self._situation(alert, ask)
        d0 = await self.directory.at(label.directory)
        return release(label, situation, ask, d0, self.directory.current(), now)

    async def _situation(self, alert: StoredAlert, ask: Ask) -> Situation:
        standing = await self.dossiers.standing(alert.label.id)
        return Situation(
            recalled=bool(standing.recalled_by),
            suspended=standing.suspended,
            cancelled=bool(standing.cancelled_by),
            superseded=await self._superseded_for(ask, standing),
            consents=standing.consents,
            derived=await self._derived(alert),
        )

    async def _superseded_for(self, ask: Ask, standing: Standing) -> bool:
        """Superseded is an alert for those alone to whom one of its updates was released."""
        for update in standing.superseded_by:
            if any(_released_to(ask, said) for said in await self.dossiers.decisions(update)):
                return True
        return False

    async def _derived(self, alert: StoredAlert) -> Mapping[str, Derived | None]:
        sources = alert.label.handling.derived_from or ()
        return {source: await self._source(source) for source in sources}

    async def _source(self, id_: str) -> Derived | None:
        source = await self.log.find(id_)
        if source is None:
            return None
        standing = await self.dossiers.standing(id_)
        return Derived(source.label, standing.consents, await self.directory.at(source.label.directory))


def _released_to(ask: Ask, said: Decided) -> bool:
    return said.agency == ask.agency and said.outcome != "withheld"
