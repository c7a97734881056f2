"""What a change of the directory would have meant for the alerts of the last days, by the function that decides."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from broker.judge import Hearing, Judge
from broker.policy.asking import Ask
from broker.policy.ways import Way
from broker.ports.alert_log import StoredAlert
from broker.ports.store import Store
from broker.trust.directory import Snapshot
from broker.trust.folder import snapshot_kept
from schemas.base import instant
from schemas.terms import Purpose, Status

PAGE: Final = 256


@dataclass(frozen=True, slots=True)
class Foreseen:
    """One alert and one agency for which the versions decide otherwise; `rule` is the one that withholds."""

    alert: str
    agency: str
    becomes: Literal["allowed", "withheld"]
    rule: int


@dataclass(frozen=True, slots=True)
class _Fixed:
    """The `Directory` port over one version, with the past of the store."""

    store: Store
    version: Snapshot

    def current(self) -> Snapshot:
        return self.version

    async def at(self, digest: str) -> Snapshot:
        document = await self.store.directories.document(digest)
        return self.version if document is None else snapshot_kept(document, digest)


async def foresee(
    store: Store, old: Snapshot, new: Snapshot, since: datetime, now: datetime
) -> AsyncIterator[Foreseen]:
    """Each alert accepted since then × each agency of either version, where old and new differ.

    As if it had been posted under the version, and were read now by the strongest way for every purpose: what ways and
    subscriptions withhold besides is not the directory's.
    """
    judge = Judge(_Fixed(store, new), store.log, store.dossiers)
    agencies = sorted({each.id for version in (old, new) for each in version.document.agencies})
    async for alert in _accepted_since(store, since):
        hearing = await judge.hear(alert)
        for agency in agencies:
            was, will = [await _withheld_by(hearing, version, agency, now) for version in (old, new)]
            if (was is None) != (will is None):
                becomes: Literal["allowed", "withheld"] = "allowed" if will is None else "withheld"
                yield Foreseen(alert.label.id, agency, becomes, (was if will is None else will) or 0)


async def _withheld_by(hearing: Hearing, version: Snapshot, agency: str, now: datetime) -> int | None:
    """The rule that decides; None if at least a part is released."""
    ask = Ask(agency, None, tuple(Status), tuple(Purpose), Way.READ_BOUND, delivering=False)
    judgement = await replace(hearing, d0=version, d1=version).decide(ask, now)
    return getattr(judgement.decision, "by_rule", None)


async def _accepted_since(store: Store, since: datetime) -> AsyncIterator[StoredAlert]:
    for partition in range(store.log.partitions):
        after = "0-0"
        while page := await store.log.read(partition, after, PAGE):
            for entry in page:
                alert = await store.log.find(entry.alert)
                if alert is not None and alert.label.notice is None and instant(alert.label.accepted_at) >= since:
                    yield alert
            after = page[-1].position
