"""From a post to a receipt: protocol §4, in its order.

Before `append` every failure is the poster's; after it, the alert is ours.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

import structlog

from broker.clock import Clock, told
from broker.errors import Refused
from broker.known import known_alerts
from broker.ledger.receipts import equivocation, promise
from broker.metrics import Metrics
from broker.pace import Pace
from broker.policy.authorise import Authorised, authorise
from broker.policy.mandate import Known
from broker.ports.alert_log import AlertLog, StoredAlert
from broker.ports.dossiers import Dossiers
from broker.ports.registers import Ledger
from broker.trust.directory import Directory
from broker.trust.hubkeys import HubKeys
from broker.trust.jws import claimed_issuer
from broker.trust.posted import Posted
from broker.trust.verify import VerifiedEnvelope, addressed, check_parts, fresh, read, still_valid, verify
from schemas.statement import Claims

log_line = structlog.get_logger("ingress")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a poster is told: the same whenever the same bytes come again."""

    alert: StoredAlert
    repeated: bool = False

    @property
    def receipt(self) -> str:
        """The hub's signed promise (protocol §11)."""
        return self.alert.receipt or ""

    def body(self) -> bytes:
        """The JSON of a 202."""
        label, entry = self.alert.label, self.alert.entry
        assert entry is not None  # noqa: S101 - every accepted alert has its entry
        answer = {
            "id": label.id,
            "statement": label.digest,
            "accepted_at": label.accepted_at,
            "state": "awaiting-approval" if label.awaits_approval else "accepted",
            "receipt": self.receipt,
            "entry": {"salt": entry.salt, "payload": entry.payload},
        }
        return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


@contextmanager
def _claimed(token: str) -> Iterator[None]:
    """A refusal says who the token says it is from."""
    try:
        yield
    except Refused as refused:
        refused.claimed = claimed_issuer(token)
        raise


@dataclass(frozen=True, slots=True)
class Accepting:
    """The first stage: nothing gets past it unverified, unauthorised or not durable."""

    log: AlertLog
    dossiers: Dossiers
    ledger: Ledger
    directory: Directory
    keys: HubKeys
    hub: str
    clock: Clock
    metrics: Metrics
    posts: Pace
    """By who signed. What is known already is not counted, so that no replay costs an agency its own posts."""

    async def accept(self, posted: Posted) -> Answer:
        """The answer of before for bytes that were accepted before; `Refused` with a code of protocol §4 otherwise."""
        return await self.accept_verified(self.verify(posted))

    def verify(self, posted: Posted) -> VerifiedEnvelope:
        """The first four steps, for whom must know what it refers to before it goes on."""
        with _claimed(posted.token):
            return verify(posted, self.directory.current())  # 1-4   size, framing, key known, signature

    async def accept_verified(self, verified: VerifiedEnvelope) -> Answer:
        """The others."""
        with _claimed(verified.token):
            return await self._accept(verified)

    async def _accept(self, verified: VerifiedEnvelope) -> Answer:
        started, now = perf_counter(), self.clock()
        try:
            alert = await self._judge(verified, now)  # 6-13  everything that only counts for what is new
            self.posts.check(alert.label.iss)
        except Refused:
            if earlier := await self.log.find(verified.id):  # 5     seen before comes ahead of freshness …
                return await self._again(earlier, verified)
            raise
        appended = await self.log.append(alert)  # durable from here on; … and is asked here for those that pass
        if not appended.fresh:
            return await self._again(appended.alert, verified)
        self.posts.spend(alert.label.iss)
        self.metrics.accepted.inc()
        self.metrics.accept_seconds.observe(perf_counter() - started)
        label = alert.label
        log_line.info(
            "accepted", alert=label.id, kid=label.kid, kind=label.kind, status=label.status, domain=label.domain
        )
        return Answer(alert)

    async def _judge(self, verified: VerifiedEnvelope, now: datetime) -> StoredAlert:
        directory = self.directory.current()
        still_valid(verified, now)  # 6  key valid, at iat and now
        fresh(verified, now)  # 7
        addressed(verified)  # 8  audience
        claims = read(verified)  # 9  schema
        authorised = authorise(
            verified, claims, await self._known(claims), directory, now
        )  # 10-12 mandate, addressing, terms
        check_parts(verified, claims, authorised.addressing)  # 13 other parts
        return self._stored(authorised, verified, now)

    async def _known(self, claims: Claims) -> Mapping[str, Known]:
        """What is known here of the alerts that this one references."""
        references = getattr(claims.event, "references", None) or ()
        return await known_alerts(self.log, self.dossiers, references)

    def _stored(self, authorised: Authorised, verified: VerifiedEnvelope, now: datetime) -> StoredAlert:
        receipt, entry = promise(self.keys, self.hub, authorised.label, now)
        return StoredAlert(
            label=authorised.label,
            statement=verified.token,
            parts=verified.kept_parts,
            cosignatures=verified.posted.cosignatures,
            receipt=receipt,
            entry=entry,
        )

    async def _again(self, earlier: StoredAlert, verified: VerifiedEnvelope) -> Answer:
        """The same bytes: the same answer. Other bytes under the same id: a conflict, and proof of it in the ledger."""
        if earlier.label.digest == verified.digest:
            self.metrics.repeated.inc()
            log_line.info("repeated", alert=earlier.label.id)
            return Answer(earlier, repeated=True)
        await self.ledger.add(equivocation(earlier.statement, verified.token, told(self.clock())))
        raise Refused("conflict", "Another statement was accepted under this id before.")
