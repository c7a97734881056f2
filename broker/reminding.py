"""Who asked for an answer, or took something back, is told once its time is over and somebody has not answered."""

from dataclasses import dataclass
from datetime import datetime

import structlog

from broker.clock import Clock
from broker.label import Label
from broker.notices import HubVoice, Late
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.ports.deadlines import Deadlines
from broker.ports.failures import Unavailable
from broker.ports.outbox import Outbox
from broker.ports.registers import Subscriptions
from broker.trust.directory import Directory
from broker.ways import is_push
from broker.workflows import Workflows
from schemas.base import instant
from schemas.terms import Kind

AT_ONCE = 16
AGAIN_S = 3_600.0
log_line = structlog.get_logger("reminding")


@dataclass(frozen=True, slots=True)
class Reminding:
    """Sets deadlines as alerts are routed, and looks at those that have passed. Each step can be repeated: an agency
    is told of one deadline once.
    """

    deadlines: Deadlines
    workflows: Workflows
    log: AlertLog
    outbox: Outbox
    subscriptions: Subscriptions
    voice: HubVoice
    directory: Directory
    clock: Clock

    async def watch(self, alert: StoredAlert) -> None:
        """A request with its `respond_by`, a recall with the time to confirm that it is erased; nothing else waits."""
        until = await self._until(alert)
        if until is not None:
            await self.deadlines.set(alert.label.id, until.timestamp())

    async def _until(self, alert: StoredAlert) -> datetime | None:
        label = alert.label
        if label.kind is Kind.REQUEST and label.respond_by is not None:
            return instant(label.respond_by)
        if label.kind is Kind.RECALL and (recall := await self.workflows.recall(alert, self.clock())) is not None:
            return instant(recall.erase_by)
        return None

    async def remind(self, partition: int) -> None:
        """Whoever waits for what was due in this partition is told who is late."""
        now = self.clock()
        for id_ in await self.deadlines.over(partition, now.timestamp(), AT_ONCE):
            try:
                await self._look(id_, now)
            except Unavailable:
                raise
            except Exception:  # it is tried again later, and the others are told
                log_line.exception("cannot remind", alert=id_)
                await self.deadlines.put_off(id_, now.timestamp() + AGAIN_S)

    async def _look(self, id_: str, now: datetime) -> None:
        alert = await self.log.find(id_)
        if alert is not None:
            for agency, late in await self._late(alert, now):
                await self._tell(agency, late, now)
        await self.deadlines.done(id_)

    async def _late(self, alert: StoredAlert, now: datetime) -> list[tuple[str, Late]]:
        """Each agency that is to know, with what. Of an `onward` request the alert's issuer is told as well."""
        label = alert.label
        if label.kind is Kind.RECALL:
            recall = await self.workflows.recall(alert, now)
            missing = tuple(each.agency for each in recall.agencies if each.state == "late") if recall else ()
            return [(label.issuer, Late(label.id, label.references[0], missing))] if missing else []
        response = await self.workflows.response(alert, now)
        if response is None or response.state != "late":
            return []
        asked = await self._asked(label)
        about = label.references[0] if label.references else None
        return [(agency, Late(label.id, about, asked)) for agency in (label.issuer, *asked)]

    async def _asked(self, label: Label) -> tuple[str, ...]:
        """Whose answer an `onward` request waits for; who else was given a request, the requester sees itself."""
        about = await self.log.find(label.references[0]) if "onward" in label.wants else None
        return (about.label.issuer,) if about else ()

    async def _tell(self, agency: str, late: Late, now: datetime) -> None:
        """Each of its subscriptions, whatever its filter says."""
        notice = await self.voice.late(late, agency, self.directory.current().digest, now)
        for held in await self.subscriptions.of(agency):
            await self.outbox.add(held.subscription.id, notice)
            await self.outbox.signal(held.subscription.id, push=is_push(held))
        log_line.info("late", alert=late.alert, told=agency, missing=len(late.missing))
