"""What others still have to do about an alert, as its originator is told: approve it, answer it, erase it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from broker.clock import told
from broker.policy.approval import may_be_approved
from broker.policy.lifecycle import GRANTED, ONWARD, REFUSED
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.ports.dossiers import Acknowledged, Dossiers, Standing
from broker.trust.directory import Directory
from schemas.answers import ApprovalTold, AskedTold, ErasureTold, RecallTold, ResponseTold
from schemas.base import instant
from schemas.directory import Profile
from schemas.terms import Kind, ReplyOutcome

ANSWERS = {GRANTED, REFUSED, *ReplyOutcome}
"""What a request is answered by: a consent, or any reply."""
NO_PROFILE = Profile()


@dataclass(frozen=True, slots=True)
class Workflows:
    """Reads from the dossiers how far these are; keeps nothing."""

    log: AlertLog
    dossiers: Dossiers
    directory: Directory

    async def approval(self, alert: StoredAlert, now: datetime) -> ApprovalTold | None:
        """None for what needed no second officer."""
        label = alert.label
        if not label.awaits_approval and label.break_glass is None:
            return None
        standing = await self.dossiers.standing(label.id)
        if standing.approved_by:
            approval = await self.log.find(standing.approved_by[0])
            at = approval.label.accepted_at if approval else None
            return ApprovalTold(state="approved", approval=standing.approved_by[0], at=at)
        if label.break_glass is not None:
            return ApprovalTold(state="glass-broken")
        waits = may_be_approved(label, approved=False, ended=standing.ended, now=now)
        return ApprovalTold(state="awaiting" if waits else _ended(standing))

    async def asked(self, alert: StoredAlert, now: datetime) -> tuple[AskedTold, ...] | None:
        """The `onward` requests about it, oldest first; None without any."""
        asking = [each for each in await self.dossiers.acknowledgements(alert.label.id) if each.outcome == ONWARD]
        return tuple([await self._asked(each, alert.label.issuer, now) for each in asking]) or None

    async def _asked(self, asking: Acknowledged, issuer: str, now: datetime) -> AskedTold:
        """The issuer's last answer counts, however late it came."""
        request = await self.log.find(asking.ack)
        respond_by = request.label.respond_by if request else None
        said = await self.dossiers.acknowledgements(asking.ack)
        answers = [each for each in said if each.agency == issuer and each.outcome in (GRANTED, REFUSED)]
        state: Literal["open", "late", "granted", "refused"] = "late" if _over(respond_by, now) else "open"
        if answers:
            state = "granted" if answers[-1].outcome == GRANTED else "refused"
        return AskedTold(
            request=asking.ack,
            agency=asking.agency,
            onward_to=request.label.onward_to if request else (),
            respond_by=respond_by,
            state=state,
            at=answers[-1].at if answers else None,
        )

    async def response(self, alert: StoredAlert, now: datetime) -> ResponseTold | None:
        """None for what is no request."""
        label = alert.label
        if label.kind is not Kind.REQUEST:
            return None
        said = await self.dossiers.acknowledgements(label.id)
        answers = [each for each in said if each.agency != label.issuer and each.outcome in ANSWERS]
        if answers:
            return ResponseTold(respond_by=label.respond_by, state="answered", at=answers[-1].at)
        return ResponseTold(respond_by=label.respond_by, state="late" if _over(label.respond_by, now) else "open")

    async def recall(self, alert: StoredAlert, now: datetime) -> RecallTold | None:
        """Asked of a recall, or of what was recalled; None for what was not."""
        about: StoredAlert | None = alert
        if alert.label.kind is Kind.RECALL:
            about = await self.log.find(alert.label.references[0])
        recalled_by = (await self.dossiers.standing(about.label.id)).recalled_by if about else ()
        first = await self.log.find(recalled_by[0]) if recalled_by else None
        return None if about is None or first is None else await self._recall(about, first, recalled_by, now)

    async def _recall(
        self, about: StoredAlert, first: StoredAlert, recalled_by: Sequence[str], now: datetime
    ) -> RecallTold:
        """Counted from the first recall, by the domain's profile of then; each of several recalls may be answered."""
        directory = await self.directory.at(first.label.directory)
        hours = (directory.profile(about.label.domain) or NO_PROFILE).erase_within_hours
        erase_by = instant(first.label.accepted_at) + timedelta(hours=hours)
        given = {each.agency for each in await self.dossiers.given(about.label.id)} - {about.label.issuer}
        told_at: dict[str, str] = {}
        erased_at: dict[str, str] = {}
        for recall in recalled_by:
            for each in await self.dossiers.given(recall):
                told_at[each.agency] = min(each.at, told_at.get(each.agency, each.at))
            for ack in await self.dossiers.acknowledgements(recall):
                if ack.outcome == Kind.ERASED:
                    erased_at[ack.agency] = min(ack.at, erased_at.get(ack.agency, ack.at))
        return RecallTold(
            recall=first.label.id,
            at=first.label.accepted_at,
            erase_by=told(erase_by),
            agencies=tuple(
                _erasure(agency, told_at.get(agency), erased_at.get(agency), late=erase_by <= now)
                for agency in sorted(given)
            ),
        )


def _erasure(agency: str, told_at: str | None, erased_at: str | None, *, late: bool) -> ErasureTold:
    state: Literal["not-told", "told", "late", "erased"] = "told" if told_at else "not-told"
    if erased_at:
        state = "erased"
    elif late:
        state = "late"
    return ErasureTold(agency=agency, state=state, told_at=told_at, erased_at=erased_at)


def _over(until: str | None, now: datetime) -> bool:
    return until is not None and instant(until) <= now


def _ended(standing: Standing) -> Literal["recalled", "cancelled", "superseded", "expired"]:
    """What ended it before anybody approved it; nothing else but time does."""
    if standing.recalled_by:
        return "recalled"
    if standing.cancelled_by:
        return "cancelled"
    return "superseded" if standing.superseded_by else "expired"
