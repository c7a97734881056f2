"""From the log to the outboxes: what an accepted alert does, who may have it, and who hears of it otherwise.

Every step can be repeated: facts are noted once, notices are the same each time, and an outbox takes a log position
once. So a router that dies anywhere is followed by one that begins at the cursor, and nothing is lost or doubled.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog

from broker.clock import Clock, told
from broker.giving import ask_of
from broker.judge import Judge
from broker.label import Label
from broker.metrics import Metrics
from broker.notices import HubVoice
from broker.policy.approval import may_be_approved, unreleased
from broker.policy.lanes import overtakes
from broker.policy.lifecycle import Acknowledges, Changes, Consents, Effects
from broker.policy.paths import names
from broker.ports.alert_log import AlertLog, LogEntry, StoredAlert
from broker.ports.dossiers import Acknowledged, Consented, Dossiers, Fact, Given, Matched, Stood
from broker.ports.failures import Unavailable
from broker.ports.leases import Leases
from broker.ports.outbox import Outbox
from broker.ports.registers import Held, Subscriptions
from broker.reminding import Reminding
from broker.routing.match import Index
from broker.share import Share
from broker.ways import is_push, way_of
from schemas.base import instant
from schemas.terms import Kind

BATCH = 128
REST_S = 1.0
REMIND_S = 5.0


class Queued(defaultdict[str, list[str]]):
    """Alerts by the subscription that is to get them; and whether they overtake what waits there."""

    def __init__(self, *, overtakes: bool) -> None:
        super().__init__(list)
        self.overtakes = overtakes


log_line = structlog.get_logger("router")


@dataclass
class Router:
    """Routes the partitions that it holds a lease on, each in the order of its log."""

    log: AlertLog
    leases: Leases
    outbox: Outbox
    dossiers: Dossiers
    subscriptions: Subscriptions
    judge: Judge
    voice: HubVoice
    reminding: Reminding
    clock: Clock
    name: str
    metrics: Metrics = field(default_factory=Metrics)
    _index: Index[Held] = field(default_factory=Index)
    _held: dict[str, Held] = field(default_factory=dict)
    _revision: int = -1
    _reminded: float | None = None
    _taken_over: dict[int, int] = field(default_factory=dict)
    """Partitions whose parked alerts were tried again, with the newest token of the lease under which they were."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then the partitions are free for another at once."""
        share = Share(self.leases, self.log.partitions, self.name)
        try:
            while not stop.is_set():
                await self._round(share)
        finally:
            with suppress(Unavailable):  # then they lapse
                await share.give_back()

    async def _round(self, share: Share) -> None:
        try:
            cursors = await self._step(share)
            if cursors is not None:
                await self.log.wait(cursors, REST_S)
        except Unavailable as why:
            log_line.warning("store away", why=str(why))
            await asyncio.sleep(REST_S)

    async def _step(self, share: Share) -> Mapping[int, str] | None:
        """One batch of each partition that is ours. None when there was something, else where to wait."""
        cursors: dict[int, str] = {}
        moved = False
        await self._remind(share)
        for partition, token in dict(await share.tokens()).items():
            if self._taken_over.get(partition) != token:
                await self._try_parked(partition)
                self._taken_over[partition] = token
            cursor = await self.log.cursor(partition)
            entries = await self.log.read(partition, cursor, BATCH)
            cursors[partition] = cursor
            if entries:
                moved = True
                await self._batch(entries, token, share)
        return None if moved else cursors

    async def _remind(self, share: Share) -> None:
        """Now and then, what was to be answered by now in a partition of ours."""
        now = asyncio.get_running_loop().time()
        if self._reminded is not None and now - self._reminded < REMIND_S:
            return
        self._reminded = now
        for partition in tuple(await share.tokens()):
            await self.reminding.remind(partition)

    async def _batch(self, entries: Sequence[LogEntry], token: int, share: Share) -> None:
        """Routes them in their order, for as long as the partition is ours."""
        await self._refresh()
        for entry in entries:
            await self._route_or_park(entry)
            ours = await self.log.routed(entry.partition, entry.position, token)
            if not ours or (await share.tokens()).get(entry.partition) != token:
                return

    async def _route_or_park(self, entry: LogEntry) -> None:
        """What an alert leads to is put where it is owed. One that cannot be worked out is set aside with its reason,
        and its partition goes on.
        """
        try:
            queued = await self._plan(entry)
        except Unavailable:
            raise
        except Exception as why:
            log_line.exception("parked", alert=entry.alert, partition=entry.partition, position=entry.position)
            await self.log.park(entry, type(why).__name__, told(self.clock()))
            self.metrics.parked.inc()
            return
        await asyncio.gather(*(self._put(entry, subscription, queued) for subscription in queued))
        await self._routed(entry, queued)

    async def _put(self, entry: LogEntry, subscription: str, queued: Queued) -> None:
        urgent = self._urgent(subscription, queued)
        await self.outbox.put(subscription, entry.partition, entry.position, queued[subscription], urgent=urgent)

    def _urgent(self, subscription: str, queued: Queued) -> bool:
        """Nothing overtakes where the subscription asked for an order."""
        return queued.overtakes and self._held[subscription].subscription.order == "none"

    async def _try_parked(self, partition: int) -> None:
        """When a partition is taken over, by a newer release perhaps, what was set aside in it is tried again."""
        for parked in await self.log.parked():
            if parked.entry.partition != partition:
                continue
            await self._refresh()
            try:
                queued = await self._plan(parked.entry)
            except Unavailable:
                raise
            except Exception:
                log_line.exception("still parked", alert=parked.entry.alert, since=parked.at)
                continue
            for subscription, alerts in queued.items():
                for alert in alerts:  # the outbox took later positions meanwhile, so it would pass over this one
                    await self.outbox.add(subscription, alert, urgent=self._urgent(subscription, queued))
            await self._routed(parked.entry, queued)
            await self.log.unpark(parked.entry.alert)

    async def _routed(self, entry: LogEntry, queued: Queued) -> None:
        told = (self.outbox.signal(each, push=is_push(self._held[each])) for each in queued)
        await asyncio.gather(*told)
        self.metrics.routed.inc()
        self.metrics.queued.inc(sum(map(len, queued.values())))
        log_line.info(
            "routed", alert=entry.alert, partition=entry.partition, position=entry.position, queued=len(queued)
        )

    async def _plan(self, entry: LogEntry) -> Queued:
        """What is owed to whom because of one accepted alert. Facts and decisions are noted on the way."""
        alert = await self._record(entry.alert)
        if alert.label.awaits_approval:
            log_line.info("waits for approval", alert=entry.alert)
            return Queued(overtakes=False)  # nothing follows from it until its approval comes by
        if alert.label.kind is Kind.APPROVE:
            return await self._approve(entry, alert)
        return await self._lead_on(entry, alert)

    async def _record(self, id_: str) -> StoredAlert:
        alert = await self.log.find(id_)
        if alert is None:
            raise Unavailable(f"{id_} stands in the log, but its record does not answer")
        return alert

    async def _approve(self, entry: LogEntry, approval: StoredAlert) -> Queued:
        """What waits goes on as if it came now, by the first approval that finds it waiting; a repeated step finds the
        approval noted, and does the same again.
        """
        about = await self._record(approval.label.references[0])
        standing = await self.dossiers.standing(about.label.id)
        approved, accepted = bool(standing.approved_by), instant(approval.label.accepted_at)
        open_ = may_be_approved(about.label, approved=approved, ended=standing.ended, now=accepted)
        if not open_ and standing.approved_by[:1] != (approval.label.id,):
            log_line.info("approved in vain", alert=about.label.id, approval=approval.label.id)
            return Queued(overtakes=False)
        await self._note(approval, await self.judge.follows(approval.label))
        log_line.info("approved", alert=about.label.id, approval=approval.label.id, kid=approval.label.kid)
        if not about.label.awaits_approval:
            return Queued(overtakes=False)  # the glass was broken: it went before, and the approval is on record
        return await self._lead_on(entry, about)

    async def _lead_on(self, entry: LogEntry, alert: StoredAlert) -> Queued:
        """`entry` is where it is routed: its own place, or that of its approval."""
        label = alert.label
        follows = await self.judge.follows(label)
        await self._note(alert, follows)
        await self.reminding.watch(alert)
        queued = Queued(overtakes=overtakes(label))
        if label.kind is Kind.CANCEL and not await self._was_released(label.references):
            return queued  # nobody was let see what it cancels
        wanting = [held for held in await self._wanting(label, follows) if held.hears_of(entry)]
        await self._decide(alert, wanting, queued)
        await self._notices(label.id, follows, queued)
        if label.break_glass is not None:
            await self._tell_inspectors(label, queued)
        return queued

    async def _was_released(self, alerts: Sequence[str]) -> bool:
        """Whether any of these was let go, and so may be known to others than its issuer."""
        for id_ in alerts:
            about, standing = await self._record(id_), await self.dossiers.standing(id_)
            if not unreleased(about.label, approved=bool(standing.approved_by)):
                return True
        return False

    async def _tell_inspectors(self, label: Label, queued: Queued) -> None:
        """Each subscription of each inspector is told, whatever its filter says and whoever issued the alert."""
        now, directory = self.clock(), self.judge.directory.current()
        log_line.warning("glass broken", alert=label.id, kid=label.kid, inspectors=len(directory.inspectors))
        for held in self._held.values():
            if held.agency in directory.inspectors:
                told_by = await self.voice.glass_broken(label, held.agency, directory, now)
                queued[held.subscription.id].append(told_by)

    async def _note(self, alert: StoredAlert, follows: Effects) -> None:
        """What the alert does to others, before anybody is told: a delivery that is decided from now on knows it."""
        at = told(self.clock())
        for effect in follows.facts:
            await self.dossiers.note(effect.alert, _fact(effect, alert.label, at))

    async def _wanting(self, label: Label, follows: Effects) -> Sequence[Held]:
        """The subscriptions that it is decided for."""
        if follows.by_release:
            given = await self._given_subscriptions(label.references)
            return list(self._index.matching(label, given, self._selects))
        if follows.to_all_given is not None:
            return await self._of_all_given(follows.to_all_given, label.issuer)
        return [held for held in self._held.values() if held.agency in follows.direct_to and takes_direct(held, label)]

    def _selects(self, selector: str, agency: str) -> bool:
        return names(self.judge.directory.current(), selector, agency, self.clock())

    async def _decide(self, alert: StoredAlert, wanting: Sequence[Held], queued: Queued) -> None:
        if not wanting:
            return
        hearing, now = await self.judge.hear(alert), self.clock()
        judgements = [await hearing.decide(ask_of(held, way_of(held), delivering=True), now) for held in wanting]
        owed = [held.subscription.id for held, made in zip(wanting, judgements, strict=True) if made.owed]
        await self.dossiers.note(alert.label.id, Matched(tuple(made.kept() for made in judgements), frozenset(owed)))
        for subscription in owed:
            queued[subscription].append(alert.label.id)

    async def _notices(self, cause: str, follows: Effects, queued: Queued) -> None:
        """A notice for each subscription that was given the alert and does not get what changed it."""
        for each in follows.notices:
            for subscription in await self._given_subscriptions((each.about.id,)):
                if subscription not in self._held or cause in queued.get(subscription, ()):
                    continue
                notice = await self.voice.notice(each.about, each.fate, cause, self.clock())
                if notice not in queued[subscription]:
                    queued[subscription].append(notice)

    async def _of_all_given(self, alert: str, issuer: str) -> Sequence[Held]:
        """The subscriptions of every agency that was given it, in whatever way; the issuer's own where they were."""
        agencies = {each.agency for each in await self.dossiers.given(alert)} - {issuer}
        given = await self._given_subscriptions((alert,))
        return [held for id_, held in self._held.items() if held.agency in agencies or id_ in given]

    async def _given_subscriptions(self, alerts: Sequence[str]) -> frozenset[str]:
        """The subscriptions that were given any of these; a read without one is in none."""
        given: list[Given] = []
        for id_ in alerts:
            given += await self.dossiers.given(id_)
        return frozenset(each.subscription for each in given if each.subscription)

    async def _refresh(self) -> None:
        """The subscriptions as they were no earlier than the last entry read: one that was answered is known here."""
        revision = await self.subscriptions.revision()
        if revision == self._revision:
            return
        self._held = {held.subscription.id: held for held in await self.subscriptions.all()}
        self._index = Index(self._held.values())
        self._revision = revision


def takes_direct(held: Held, label: Label) -> bool:
    """The only parts of a filter that count for direct kinds: its status, and its kinds when it names some."""
    wanted = held.subscription.filter
    return label.status in wanted.status and (not wanted.kinds or label.kind in wanted.kinds)


def _fact(effect: Changes | Acknowledges | Consents, label: Label, at: str) -> Fact:
    """The effect, as the dossier of the alert that it changes keeps it."""
    if isinstance(effect, Changes):
        return Stood(effect.change, effect.cause, label.issuer, at)
    if isinstance(effect, Acknowledges):
        return Acknowledged(label.issuer, label.id, effect.outcome, at)
    return Consented(label.id, effect.agencies, effect.granted)
