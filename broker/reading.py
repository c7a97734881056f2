"""What can be asked about an alert, and by whom (protocol §6): itself, its receipt, its decisions, its deliveries.

What is not the caller's looks like what does not exist: one `not-found` for both, after the same looks into the store.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from broker import parcel
from broker.caller import Caller
from broker.clock import told
from broker.errors import Refused
from broker.explaining import Telling, tell
from broker.giving import ask_of, exchanged
from broker.judge import Judge
from broker.judgement import Judgement
from broker.label import Label
from broker.policy.approval import unreleased
from broker.policy.asking import Ask, Situation
from broker.policy.lifecycle import ONWARD
from broker.policy.reasons import Language
from broker.policy.release import Released, release
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.ports.dossiers import Acknowledged, Decided, Dossiers, Ended, Given, Standing, State
from broker.ports.registers import Held, Subscriptions
from broker.workflows import Workflows
from schemas.answers import AckTold, DecisionsAnswer, DeliveriesAnswer, DeliveryTold, EntryTold, ReceiptAnswer
from schemas.subscription import SubscriptionState
from schemas.terms import Purpose, Status

FURTHEST: Sequence[State] = ("withheld", "expired", "superseded", "dead", "waiting", "delivered")
"""An agency with several subscriptions is told the state that got furthest."""

MOST_CHANGES = 32
"""Decisions of one answer for which it is worked out what would change them."""

OF_OTHERS = frozenset({14, 15})
"""Rules that cannot be answered without a look at other alerts; the last only says which parts go."""

TRIES = 16
"""How often it is decided anew where the alert's fate changes between the decision and the note that it was given: the
router may not have seen the note.
"""


_NOBODYS: Final = """{"id": "", "digest": "", "iss": "", "issuer": "", "kid": "", "kind": "alert", "status": "actual",
"product": "warning", "domain": "hub", "severity": "severe", "urgency": "immediate", "certainty": "observed",
"areas": [{"iso": "VN"}], "languages": ["vi", "en"], "handling": {"tlp": "red", "onward": "none",
"purpose": ["prevention"], "personal_data": "none"}, "addressing": {"to": [], "release_to": [], "not_to": []},
"iat": 0, "expires": "2000-01-01T00:00:00Z", "accepted_at": "2000-01-01T00:00:00.000Z", "directory": ""}"""
"""A label as it is kept. Its issuer is no agency, and it is for nobody: no rule lets anybody have it."""


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
        active, label = await self._active(caller), await self._outside(id_)
        if purpose is None and not active and caller.agency != label.issuer:  # of its own an issuer states none
            raise Refused(
                "invalid-request",
                "An agency without an active subscription states the purpose of its reading: ?purpose=…",
            )
        asks = _asks(caller, purpose, active)
        for _ in range(TRIES):
            standing = await self.dossiers.standing(id_)
            hopeful = [ask for ask in asks if await self._could(label, ask, standing, now)]
            judgement, released = await self._widest(caller, label, hopeful, now)
            given = Given(caller.agency, "", told(now))
            counts = exchanged(label, caller.agency, released, given.at)
            await self.dossiers.note(id_, given, judgement.kept(), *counts)
            if standing == await self.dossiers.standing(id_):
                return parcel.text(await self._known(caller, id_), released, self.hub)
        raise Refused("busy", "What became of this alert changes too fast.", retry_after=1)

    async def _widest(
        self, caller: Caller, label: Label, asks: Sequence[Ask], now: datetime
    ) -> tuple[Judgement, Released]:
        best: tuple[Judgement, Released] | None = None
        if not asks:
            raise await self._absent(caller, label.id)
        hearing = await self.judge.hear(StoredAlert(label, ""))  # nothing but the label is looked at
        for ask in asks:
            judgement = await hearing.decide(ask, now)
            decision = judgement.decision
            if isinstance(decision, Released) and (best is None or _wider(decision, best[1])):
                best = judgement, decision
        if best is None:
            raise await self._absent(caller, label.id)
        return best

    async def _could(self, label: Label, ask: Ask, standing: Standing, now: datetime) -> bool:
        """Whether the alert's own outside lets it go, before anything around it is looked at.

        So a refusal takes no more looks for an alert that has sources and updates than for one that never was.
        """
        directory = self.judge.directory
        awaiting = unreleased(label, approved=bool(standing.approved_by))
        hoped = Situation(awaiting=awaiting, consents=standing.consents, direct_to=frozenset({ask.agency}))
        decision = release(label, hoped, ask, await directory.at(label.directory), directory.current(), now)
        return {said.rule for said in decision.rules if said.said == "fail"} <= OF_OTHERS

    async def _active(self, caller: Caller) -> list[Held]:
        return [
            held
            for held in await self.subscriptions.of(caller.agency)
            if held.subscription.state is SubscriptionState.ACTIVE
            and caller.subscription in (None, held.subscription.id)
        ]

    async def _absent(self, caller: Caller, id_: str) -> Refused:
        released, standing = await self._was_released(caller, id_), await self.dossiers.standing(id_)
        if released and standing.recalled_by and await self.dossiers.was_given(id_, caller.agency):
            recalled = {"recall": standing.recalled_by[0]}
            return Refused("gone", "Its issuer has recalled this alert; erase what you were given.", more=recalled)
        return _not_found()

    async def _was_released(self, caller: Caller, id_: str) -> bool:
        """Whether the caller's agency may know of it. At the same cost however many were told of it, or nobody."""
        return await self.dossiers.released_to(id_, caller.agency)

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
        sees_all = is_originator(caller, await self._outside(id_)) or "inspect" in caller.scopes
        if not sees_all and not await self._was_released(caller, id_):
            raise _not_found()
        alert = await self._known(caller, id_)
        said = [
            each
            for each in await self.dossiers.decisions(id_)
            if (subscription is None or each.subscription == subscription) and (agency is None or each.agency == agency)
        ]
        if not sees_all:
            said = [each for each in said if _is_told_of(caller, each.agency, each.subscription)]
            if not await self._may_know(caller, id_, said):
                raise _not_found()
        made = []
        for number, each in enumerate(said):
            telling = Telling(addressing=sees_all, language=language, changes=changes and number < MOST_CHANGES)
            made.append(tell(*await self.judge.again(alert, each), telling) | {"outcome": each.outcome})
        return DecisionsAnswer.model_validate({"decisions": made}, strict=False)

    async def _may_know(self, caller: Caller, id_: str, said: Sequence[Decided]) -> bool:
        """What was released and then withheld before any of it was given, or recalled, is not told of either."""
        if all(each.outcome == "withheld" for each in said):
            return False
        if await self.dossiers.was_given(id_, caller.agency):
            return True
        last = {each.subscription: each.outcome for each in said}  # each subscription's in their order
        return set(last.values()) != {"withheld"} and not (await self.dossiers.standing(id_)).recalled_by

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

    async def _outside(self, id_: str) -> Label:
        """The label; where there is no such alert, one that is for nobody, read and then decided on like any other.

        So what is not the caller's takes as long as what does not exist, and one way through the code answers both.
        """
        label = await self.log.label(id_)
        if label is not None and label.notice is None:
            return label
        directory = self.judge.directory.current().digest
        return Label.model_validate_json(_NOBODYS).model_copy(update={"id": id_, "directory": directory})

    async def _known(self, caller: Caller, id_: str) -> StoredAlert:
        """What waits for approval is there for nobody but its originator, whatever else one may see."""
        alert = await self.log.find(id_)
        if alert is None or alert.label.notice:
            raise _not_found()
        if alert.label.awaits_approval and not is_originator(caller, alert.label):
            standing = await self.dossiers.standing(id_)
            if unreleased(alert.label, approved=bool(standing.approved_by)):
                raise _not_found()
        return alert

    async def _own(self, caller: Caller, id_: str) -> StoredAlert:
        if not is_originator(caller, await self._outside(id_)):
            raise _not_found()
        return await self._known(caller, id_)


def is_originator(caller: Caller, label: Label) -> bool:
    """The issuer, and the agency that signed for it; not who holds a token for one of its subscriptions."""
    return caller.subscription is None and caller.agency in (label.issuer, label.iss)


def _asks(caller: Caller, purpose: Purpose | None, active: Sequence[Held]) -> Sequence[Ask]:
    """As which subscription the caller may ask; without any, for the purpose that it stated."""
    if active:
        held = [each for each in active if purpose is None or purpose in each.subscription.purpose]
        return [ask_of(each, caller.way, delivering=False) for each in held]
    purposes = () if purpose is None else (purpose,)
    return [Ask(caller.agency, None, (Status.ACTUAL,), purposes, caller.way, delivering=False)]


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
