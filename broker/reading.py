"""What can be asked about an alert, and by whom (protocol §6): itself, its receipt, its decisions, its deliveries.

What is not the caller's looks like what does not exist: one `not-found` for both.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from broker import parcel
from broker.caller import Caller
from broker.clock import told
from broker.errors import Refused
from broker.explaining import Telling, tell
from broker.giving import ask_of, exchanged
from broker.judge import Judge
from broker.judgement import Judgement
from broker.policy.approval import unreleased
from broker.policy.asking import Ask
from broker.policy.lifecycle import ONWARD
from broker.policy.reasons import Language
from broker.policy.release import Released
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.ports.dossiers import Acknowledged, Dossiers, Ended, Given, State
from broker.ports.registers import Held, Subscriptions
from broker.workflows import Workflows
from schemas.answers import AckTold, DecisionsAnswer, DeliveriesAnswer, DeliveryTold, EntryTold, ReceiptAnswer
from schemas.subscription import SubscriptionState
from schemas.terms import Purpose, Status

FURTHEST: Sequence[State] = ("withheld", "expired", "superseded", "dead", "waiting", "delivered")
"""An agency with several subscriptions is told the state that got furthest."""

MOST_CHANGES = 32
"""Decisions of one answer for which it is worked out what would change them."""

TRIES = 16
"""How often it is decided anew where the alert's fate changes between the decision and the note that it was given: the
router may not have seen the note.
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Answers questions about alerts that are in the log."""

    log: AlertLog
    dossiers: Dossiers
    subscriptions: Subscriptions
    judge: Judge
    workflows: Workflows
    hub: parcel.Hub

    async def envelope(self, caller: Caller, id_: str, purpose: Purpose | None, now: datetime) -> bytes:
        """The alert as released to the caller: the widest result over its active subscriptions (protocol §6)."""
        await self._states_purpose(caller, id_, purpose)
        alert = await self._known(caller, id_)
        for _ in range(TRIES):
            standing = await self.dossiers.standing(id_)
            judgement, released = await self._widest(caller, alert, purpose, now)
            given = Given(caller.agency, "", told(now))
            counts = exchanged(alert.label, caller.agency, released, given.at)
            await self.dossiers.note(id_, given, judgement.kept(), *counts)
            if standing == await self.dossiers.standing(id_):
                return parcel.text(alert, released, self.hub)
        raise Refused("busy", "What became of this alert changes too fast.", retry_after=1)

    async def _widest(
        self, caller: Caller, alert: StoredAlert, purpose: Purpose | None, now: datetime
    ) -> tuple[Judgement, Released]:
        best: tuple[Judgement, Released] | None = None
        for ask in await self._asks(caller, purpose):
            judgement = await self.judge.decide(alert, ask, now)
            decision = judgement.decision
            if isinstance(decision, Released) and (best is None or _wider(decision, best[1])):
                best = judgement, decision
        if best is None:
            raise await self._absent(caller, alert.label.id)
        return best

    async def _states_purpose(self, caller: Caller, id_: str, purpose: Purpose | None) -> None:
        """Asked of who has no subscription, whether or not the alert exists; of its own alerts an issuer need not."""
        if purpose is not None or await self._active(caller):
            return
        alert = await self.log.find(id_)
        if alert is None or caller.agency != alert.label.issuer:
            raise Refused(
                "invalid-request",
                "An agency without an active subscription states the purpose of its reading: ?purpose=…",
            )

    async def _asks(self, caller: Caller, purpose: Purpose | None) -> list[Ask]:
        """As which subscription the caller may ask; without any, for the purpose that it stated."""
        held = [each for each in await self._active(caller) if purpose is None or purpose in each.subscription.purpose]
        asks = [ask_of(each, caller.way, delivering=False) for each in held]
        if asks or await self._active(caller):
            return asks
        purposes = () if purpose is None else (purpose,)
        return [Ask(caller.agency, None, (Status.ACTUAL,), purposes, caller.way, delivering=False)]

    async def _active(self, caller: Caller) -> list[Held]:
        return [
            held
            for held in await self.subscriptions.of(caller.agency)
            if held.subscription.state is SubscriptionState.ACTIVE
            and caller.subscription in (None, held.subscription.id)
        ]

    async def _absent(self, caller: Caller, id_: str) -> Refused:
        standing = await self.dossiers.standing(id_)
        if standing.recalled_by and await self.dossiers.was_given(id_, caller.agency):
            recalled = {"recall": standing.recalled_by[0]}
            return Refused("gone", "Its issuer has recalled this alert; erase what you were given.", more=recalled)
        return _not_found()

    async def receipt(self, caller: Caller, id_: str) -> ReceiptAnswer:
        """The hub's promise about the caller's own alert. The proof is null until the ledger is built."""
        alert = await self._own(caller, id_)
        if alert.receipt is None or alert.entry is None:
            raise _not_found()
        return ReceiptAnswer(
            receipt=alert.receipt, entry=EntryTold(salt=alert.entry.salt, payload=alert.entry.payload), proof=None
        )

    async def decisions(
        self,
        caller: Caller,
        id_: str,
        subscription: str | None,
        agency: str | None,
        *,
        language: Language = Language.EN,
        changes: bool = False,
    ) -> DecisionsAnswer:
        """What was decided for a subscription or an agency: to the originator, inspectors and the subscriber.

        `changes`: with what would alter it, to those who see all. They are worked out for as many as a person reads.
        """
        alert = await self._known(caller, id_)
        said = [
            each
            for each in await self.dossiers.decisions(id_)
            if (subscription is None or each.subscription == subscription) and (agency is None or each.agency == agency)
        ]
        sees_all = is_originator(caller, alert) or "inspect" in caller.scopes
        if not sees_all:
            said = [each for each in said if _is_told_of(caller, each.agency, each.subscription)]
            if all(each.outcome == "withheld" for each in said):
                raise _not_found()
        made = []
        for number, each in enumerate(said):
            telling = Telling(addressing=sees_all, language=language, changes=changes and number < MOST_CHANGES)
            made.append(tell(*await self.judge.again(alert, each), telling) | {"outcome": each.outcome})
        return DecisionsAnswer.model_validate({"decisions": made}, strict=False)

    async def deliveries(self, caller: Caller, id_: str, now: datetime) -> DeliveriesAnswer:
        """How it stands with each agency, of the withheld ones those that the originator addressed; and what others
        still have to do about it.
        """
        alert = await self._own(caller, id_)
        ends = [end for end in await self.dossiers.ends(id_) if self._may_be_told(alert, end)]
        acks = await self.dossiers.acknowledgements(id_)
        furthest: dict[str, Ended] = {}
        for end in ends:
            before = furthest.get(end.agency)
            if before is None or FURTHEST.index(end.state) > FURTHEST.index(before.state):
                furthest[end.agency] = end
        for given in await self.dossiers.given(id_):
            if given.agency not in furthest:  # it read the alert without a subscription
                furthest[given.agency] = Ended(given.agency, "", "delivered", given.at)
        return DeliveriesAnswer(
            deliveries=tuple(_told(end, acks) for end in furthest.values()),
            approval=await self.workflows.approval(alert, now),
            asked=await self.workflows.asked(alert, now),
            response=await self.workflows.response(alert, now),
            recall=await self.workflows.recall(alert, now),
        )

    def _may_be_told(self, alert: StoredAlert, end: Ended) -> bool:
        addressing, directory = alert.label.addressing, self.judge.directory.current()
        return end.state != "withheld" or any(
            directory.matches(selector, end.agency) for selector in (*addressing.to, *addressing.release_to)
        )

    async def _known(self, caller: Caller, id_: str) -> StoredAlert:
        """What waits for approval is there for nobody but its originator, whatever else one may see."""
        alert = await self.log.find(id_)
        if alert is None or alert.label.notice:
            raise _not_found()
        if alert.label.awaits_approval and not is_originator(caller, alert):
            standing = await self.dossiers.standing(id_)
            if unreleased(alert.label, approved=bool(standing.approved_by)):
                raise _not_found()
        return alert

    async def _own(self, caller: Caller, id_: str) -> StoredAlert:
        alert = await self._known(caller, id_)
        if not is_originator(caller, alert):
            raise _not_found()
        return alert


def is_originator(caller: Caller, alert: StoredAlert) -> bool:
    """The issuer, and the agency that signed for it; not who holds a token for one of its subscriptions."""
    return caller.subscription is None and caller.agency in (alert.label.issuer, alert.label.iss)


def _is_told_of(caller: Caller, agency: str, subscription: str) -> bool:
    """What was decided for its own subscriptions, or for the one that its token is for."""
    return caller.agency == agency and caller.subscription in (None, subscription)


def _wider(one: Released, other: Released) -> bool:
    return (one.whole, len(one.parts)) > (other.whole, len(other.parts))


def _told(end: Ended, acks: Sequence[Acknowledged]) -> DeliveryTold:
    return DeliveryTold(
        agency=end.agency,
        state=end.state,
        at=end.at,
        acks=tuple(
            AckTold(outcome=ack.outcome, at=ack.at)
            for ack in acks
            if ack.agency == end.agency and ack.outcome != ONWARD
        ),
    )


def _not_found() -> Refused:
    return Refused("not-found", "There is nothing here for you under that name.")
