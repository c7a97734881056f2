"""The step before every sending: decide again, write down that it is given, and take a position (protocol §5, §9).

Couriers and streams both go through here, so that what is owed ends the same way whoever carries it.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from broker import parcel
from broker.clock import told
from broker.judge import Hearing, Judge
from broker.judgement import Judgement
from broker.label import Label
from broker.notices import HubVoice
from broker.policy.asking import Ask
from broker.policy.lifecycle import goes_by_release
from broker.policy.release import Released, Withheld
from broker.policy.ways import Way
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.ports.dossiers import Dossiers, Ended, Exchanged, Given
from broker.ports.outbox import Attempt, Opened, Outbox, Owed
from broker.ports.registers import Held
from broker.recent import Recent
from schemas.terms import Status


@dataclass(frozen=True, slots=True)
class Sending:
    """A delivery at its position, with the bytes to send."""

    alert: StoredAlert
    opened: Opened
    text: bytes


Instead = Literal["stays", "ended", "moved"]
"""It stays owed and must wait; it ended without being sent; somebody else took it, so look again."""


@dataclass(frozen=True, slots=True)
class Giving:
    """Turns what is owed into what may be sent now."""

    judge: Judge
    log: AlertLog
    outbox: Outbox
    dossiers: Dossiers
    voice: HubVoice
    hub: parcel.Hub
    recent: Recent = field(default_factory=Recent)

    async def prepare(
        self, held: Held, way: Way, what: Owed | Opened, now: datetime, *, again: bool = False
    ) -> Sending | Instead:
        """`again` is for what stands after a reader's cursor; that, and what was asked for again, is given even when
        marked, where a delivery would end.
        """
        asked_again = again or (isinstance(what, Opened) and what.again)
        ask = ask_of(held, way, delivering=not asked_again)
        heard = await self._remembered(ask, what, now) or await self._heard(ask, what, now)
        if heard is None:  # never while the log keeps what is owed; ending it is better than a loop
            await self.outbox.drop(held.subscription.id, what)
            return "ended"
        hearing, judgement = heard
        decision = judgement.decision
        if isinstance(decision, Withheld):
            return await self._withhold(held, what, hearing.alert, judgement, decision, again=again)
        if asked_again and _narrower(what, decision, hearing.alert):
            return "stays"
        return await self._give(held, what, hearing, judgement, decision, again=again)

    async def _remembered(self, ask: Ask, what: Owed | Opened, now: datetime) -> tuple[Hearing, Judgement] | None:
        """A release of what was heard a moment ago; the giving finds out whether its standing has changed since. What
        is kept back, unless it was heard just now, or goes out again at its position, is heard anew.
        """
        if isinstance(what, Opened):
            return None
        hearing, fresh = await self.recent.hearing(what.alert, self.judge.directory.current(), self._hear)
        if hearing is None:
            return None
        judgement = await _judge(hearing, ask, what, now)
        return (hearing, judgement) if fresh or isinstance(judgement.decision, Released) else None

    async def _heard(self, ask: Ask, what: Owed | Opened, now: datetime) -> tuple[Hearing, Judgement] | None:
        hearing = await self._hear(what.alert)
        return None if hearing is None else (hearing, await _judge(hearing, ask, what, now))

    async def _hear(self, alert: str) -> Hearing | None:
        found = await self.log.find(alert)
        return None if found is None else await self.judge.hear(found)

    async def may_have(self, held: Held, way: Way, opened: Opened, now: datetime) -> bool:
        """Whether a reader that asks again for this delivery would get it."""
        heard = await self._heard(ask_of(held, way, delivering=False), opened, now)
        if heard is None:
            return False
        hearing, judgement = heard
        decision = judgement.decision
        return isinstance(decision, Released) and not _narrower(opened, decision, hearing.alert)

    async def _give(
        self,
        held: Held,
        what: Owed | Opened,
        hearing: Hearing,
        judgement: Judgement,
        released: Released,
        *,
        again: bool,
    ) -> Sending | Instead:
        alert = hearing.alert
        if isinstance(what, Opened) and _unchanged(what, released):
            return Sending(alert, what, self._text_at(held, alert, what, released))
        if isinstance(what, Owed) and what.given is not None and set(released.parts) <= set(what.given):
            return "stays"  # for a way that may carry the rest (protocol §5)
        at = told(judgement.at)
        given = Given(held.agency, held.subscription.id, at)
        more = exchanged(alert.label, held.agency, released, at)
        if not await self.dossiers.give(alert.label.id, given, judgement.kept(), hearing.standing, *more):
            self.recent.forget(alert.label.id)
            return "moved"  # its fate has changed since it was heard
        sending = await self._open(held, what, alert, released, at, settled=again)
        if sending is not None and not alert.label.notice and "superseded" not in released.marked:
            for update in hearing.standing.superseded_by:  # not released to this reader, or the decision had been no
                await self._tell(held, alert, "updated", update, judgement.at)
        return sending or "moved"

    async def _open(
        self, held: Held, what: Owed | Opened, alert: StoredAlert, released: Released, at: str, *, settled: bool
    ) -> Sending | None:
        subscription = held.subscription.id
        head = await self.outbox.head(subscription)
        place = parcel.place(subscription, alert.label.id, head.position + 1, head.digest)
        text = parcel.text(alert, released, self.hub, place)
        opened = Opened(
            position=place.position,
            alert=alert.label.id,
            delivery=place.delivery,
            released=None if released.whole else tuple(released.parts),
            marked=tuple(released.marked),
            conditions=tuple(released.conditions),
            previous=head.digest,
            digest=parcel.digest(text),
            opened_at=at,
        )
        rest = bool(released.owed) and (isinstance(what, Owed) or _narrower(what, released, alert))
        done = await self.outbox.open(subscription, what, opened, rest=rest, settled=settled)
        return Sending(alert, opened, text) if done else None

    def _text_at(self, held: Held, alert: StoredAlert, opened: Opened, released: Released) -> bytes:
        place = parcel.Place(held.subscription.id, opened.position, opened.previous, opened.delivery)
        return parcel.text(alert, released, self.hub, place)

    async def _withhold(
        self,
        held: Held,
        what: Owed | Opened,
        alert: StoredAlert,
        judgement: Judgement,
        decision: Withheld,
        *,
        again: bool,
    ) -> Instead:
        if decision.stays_owed:
            return "stays"
        if not again:
            await self._end(held, what, alert, judgement, decision)
        return "ended"

    async def _end(
        self, held: Held, what: Owed | Opened, alert: StoredAlert, judgement: Judgement, decision: Withheld
    ) -> None:
        """Writes down why, lets a notice stand in where the protocol has one, and takes it out of the outbox."""
        id_, subscription = alert.label.id, held.subscription.id
        if isinstance(what, Opened) and (done := await self._delivered(held, what)):
            await self.outbox.settle(subscription, done, "delivered")
            return
        state = _state(decision)
        ended = Ended(held.agency, subscription, state, told(judgement.at))
        await self.dossiers.note(id_, judgement.kept(), ended)
        if state != "withheld" and not alert.label.notice:
            await self._tell(held, alert, state, id_, judgement.at)
        await self.outbox.drop(subscription, what)

    async def _delivered(self, held: Held, opened: Opened) -> Attempt | None:
        """The attempt of a delivery that was noted, and not settled, when its sender died: it is on record too."""
        for each in await self.dossiers.ends(opened.alert):
            if each.subscription == held.subscription.id and each.state == "delivered" and not opened.again:
                return Attempt(
                    opened.delivery, opened.alert, opened.position, each.at, "delivered", None, 0, None, None
                )
        return None

    async def _tell(
        self,
        held: Held,
        alert: StoredAlert,
        fate: Literal["updated", "expired", "superseded"],
        cause: str,
        now: datetime,
    ) -> None:
        notice = await self.voice.notice(alert.label, fate, cause, now)
        await self.outbox.add(held.subscription.id, notice)


async def _judge(hearing: Hearing, ask: Ask, what: Owed | Opened, now: datetime) -> Judgement:
    """What was given in part stays that part by a better way too: the rest has, or gets, a position of its own.
    Else two readers of one subscription would open it anew in turn.
    """
    judgement = await hearing.decide(ask, now)
    if isinstance(what, Opened) and what.released is not None and ask.way is Way.READ_BOUND:
        narrow = await hearing.decide(replace(ask, way=Way.READ_UNBOUND), now)
        if (
            isinstance(narrow.decision, Released)
            and narrow.decision.owed
            and _parts(what, hearing.alert) == set(narrow.decision.parts)
        ):
            return narrow
    return judgement


def ask_of(held: Held, way: Way, *, delivering: bool) -> Ask:
    """Who asks, when it is a subscription that does."""
    subscription = held.subscription
    return Ask(
        agency=held.agency,
        subscription=subscription.id,
        statuses=subscription.filter.status,
        purposes=subscription.purpose,
        way=way,
        delivering=delivering,
    )


def exchanged(label: Label, agency: str, released: Released, at: str) -> tuple[Exchanged, ...]:
    """What counts as given from issuer to reader: what goes by release and is actual; no notice, answer or drill."""
    counts = goes_by_release(label) and label.notice is None and label.status is Status.ACTUAL
    if not counts or agency == label.issuer:
        return ()
    return (Exchanged(label.issuer, agency, label.accepted_at[:7], released.whole, at),)


def _state(decision: Withheld) -> Literal["expired", "superseded", "withheld"]:
    """How a delivery ends that may not be made any more."""
    return decision.fate if decision.fate in ("expired", "superseded") else "withheld"


def _parts(opened: Opened, alert: StoredAlert) -> set[str]:
    return {part.id for part in alert.label.parts} if opened.released is None else set(opened.released)


def _narrower(what: Owed | Opened, released: Released, alert: StoredAlert) -> bool:
    """Whether this way carries less than stands at the position. What is asked for again is not narrowed by it: who
    comes by a better way may still ask for the whole.
    """
    return isinstance(what, Opened) and bool(released.owed) and not _parts(what, alert) <= set(released.parts)


def _unchanged(opened: Opened, released: Released) -> bool:
    return (
        opened.released == (None if released.whole else tuple(released.parts))
        and opened.marked == tuple(released.marked)
        and opened.conditions == tuple(released.conditions)
    )
