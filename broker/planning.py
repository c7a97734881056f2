"""What an accepted alert leads to: what it does to others, who may have it, and who hears of it otherwise.

Facts and decisions are noted on the way, each once however often it is planned.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from broker.clock import Clock, told
from broker.giving import ask_of
from broker.judge import Judge
from broker.label import Label
from broker.notices import HubVoice
from broker.policy.approval import may_be_approved, unreleased
from broker.policy.lanes import overtakes
from broker.policy.lifecycle import Acknowledges, Changes, Consents, Effects
from broker.policy.paths import names
from broker.ports.alert_log import AlertLog, LogEntry, StoredAlert
from broker.ports.dossiers import Acknowledged, Consented, Dossiers, Fact, Given, Matched, Stood
from broker.ports.failures import Unavailable
from broker.ports.registers import Held, Subscriptions
from broker.reminding import Reminding
from broker.routing.match import Index
from broker.ways import is_push, way_of
from schemas.base import instant
from schemas.terms import Kind

log_line = structlog.get_logger("router")


class Queued(defaultdict[str, list[str]]):
    """Alerts by the subscription that is to get them; and whether they overtake what waits there."""

    def __init__(self, *, overtakes: bool) -> None:
        super().__init__(list)
        self.overtakes = overtakes


@dataclass
class Planning:
    """Knows the subscriptions, and asks the judge."""

    log: AlertLog
    dossiers: Dossiers
    subscriptions: Subscriptions
    judge: Judge
    voice: HubVoice
    reminding: Reminding
    clock: Clock
    _index: Index[Held] = field(default_factory=Index)
    _held: dict[str, Held] = field(default_factory=dict)
    _revision: int = -1

    async def refresh(self) -> None:
        """The subscriptions as they were no earlier than the last entry read: one that was answered is known here."""
        revision = await self.subscriptions.revision()
        if revision == self._revision:
            return
        self._held = {held.subscription.id: held for held in await self.subscriptions.all()}
        self._index = Index(self._held.values())
        self._revision = revision

    def is_push(self, subscription: str) -> bool:
        """Whether a courier serves it."""
        return is_push(self._held[subscription])

    def urgent(self, subscription: str, queued: Queued) -> bool:
        """Nothing overtakes where the subscription asked for an order."""
        return queued.overtakes and self._held[subscription].subscription.order == "none"

    async def plan(self, entry: LogEntry) -> Queued:
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
            about, standing = await self.log.find(id_), await self.dossiers.standing(id_)
            if about is None:
                raise LookupError("what it cancels is not there any more")
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
