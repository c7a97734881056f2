"""What others still have to do about an alert, as its originator is told: approve it, answer it, erase it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from broker.policy.approval import may_be_approved
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.ports.dossiers import Dossiers, Standing
from broker.trust.directory import Directory
from schemas.answers import ApprovalTold


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


def _ended(standing: Standing) -> Literal["recalled", "cancelled", "superseded", "expired"]:
    """What ended it before anybody approved it; nothing else but time does."""
    if standing.recalled_by:
        return "recalled"
    if standing.cancelled_by:
        return "cancelled"
    return "superseded" if standing.superseded_by else "expired"
