"""Nine ways to build the engine wrongly, each a patch that a child applies to itself, with the run that shows it."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from broker import attempting, router
from broker.clock import told
from broker.ports.dossiers import Ended
from broker.ports.outbox import Attempt, Claim, Follows
from broker.share import Share
from broker.store import keys
from broker.store.facts import place_of
from broker.store.grouping import Record
from broker.store.in_redis import RedisStore
from broker.store.node import Node
from broker.store.redis_claims import RedisClaims
from broker.store.redis_log import RedisLog
from broker.store.redis_outbox import RedisOutbox, _lane


@dataclass(frozen=True)
class Mutant:
    """`apply` is the wrong engine; `only` and `weights` tell the run where to strike."""

    name: str
    wrong: str
    """What is done wrongly."""
    apply: Callable[[], None]
    points: tuple[str, ...] = ()
    """The only points at which processes die; none: as in any run."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """Of the disruptions; none: as in any run."""
    fsync: str = "always"
    rest_s: float = 0.5
    """Between disruptions."""
    pointed: float = 0.8
    """How many processes die at a point."""
    issuer_rest_s: float = 0.3
    """Between two alerts of an issuer."""


def _ack_before_fan_out() -> None:
    async def batch(self: router.Router, entries: Sequence[Any], token: int, share: Share) -> None:
        await self.planning.refresh()
        for entry in entries:
            ours = await self.log.routed(entry.partition, entry.position, token)
            await self._route_or_park(entry)
            if not ours or (await share.tokens()).get(entry.partition) != token:
                return

    router.Router._batch = batch  # type: ignore[method-assign]


def _ack_before_send() -> None:
    plain = attempting.Attempting.attempt

    async def attempt(self: attempting.Attempting, held: Any, sending: Any, endpoint: Any) -> None:
        opened, at = sending.opened, told(self.clock())
        made = Attempt(opened.delivery, opened.alert, opened.position, at, "delivered", 204, 1, None, None)
        ended = Ended(held.agency, held.subscription.id, "delivered", at)
        await self.dossiers.note(opened.alert, ended)
        await self.outbox.settle(held.subscription.id, made, "delivered")
        await plain(self, held, sending, endpoint)

    attempting.Attempting.attempt = attempt  # type: ignore[method-assign]


def _everysec() -> None:
    async def not_checked(self: RedisStore) -> None:
        return None

    RedisStore._check_durable = not_checked  # type: ignore[method-assign]


def _dedupe_apart() -> None:
    async def write(self: RedisLog, partition: keys.Partition, records: Sequence[Record]) -> Sequence[str | None]:
        async def one(record: Record) -> str | None:
            before: str | None = await self._link.command("GET", partition.alert(record.alert))
            if before is None:
                await self._link.command("SET", partition.alert(record.alert), record.text)
                await self._link.command("XADD", partition.log, "*", "a", record.alert)
                await self._link.command("PUBLISH", keys.APPENDED, partition.number)
            return before

        return await asyncio.gather(*(one(record) for record in records))

    RedisLog._write = write  # type: ignore[method-assign]


def _no_idempotency() -> None:
    async def put(
        self: RedisOutbox,
        subscription: str,
        partition: int,
        position: str,
        alerts: Sequence[str],
        *,
        urgent: bool = False,
    ) -> bool:
        taken, queue = keys.outbox(subscription, "taken", _lane(urgent))
        await self._link.command("HSET", taken, partition, "-".join(map(str, place_of(position))))
        for alert in alerts:
            await self._link.command("XADD", queue, "*", "a", alert)
        return True

    RedisOutbox.put = put  # type: ignore[method-assign]


def _no_fencing() -> None:
    plain = RedisLog.routed

    async def routed(self: RedisLog, partition: int, position: str, token: int) -> bool:
        newest = await self._link.command("HGET", self._partitions[partition].lease, "token")
        return await plain(self, partition, position, int(newest or token))

    async def renew(self: RedisClaims, worker: str, claim: Claim, seconds: float) -> Claim | None:
        (signals,) = keys.courier("signals")
        return replace(claim, signals=int(await self._link.command("HGET", signals, claim.subscription) or 0))

    RedisLog.routed = routed  # type: ignore[method-assign]
    RedisClaims.renew = renew  # type: ignore[method-assign]


def _trim() -> None:
    plain = RedisOutbox.put

    async def put(
        self: RedisOutbox,
        subscription: str,
        partition: int,
        position: str,
        alerts: Sequence[str],
        *,
        urgent: bool = False,
    ) -> bool:
        done = await plain(self, subscription, partition, position, alerts, urgent=urgent)
        (queue,) = keys.outbox(subscription, _lane(urgent))
        await self._link.command("XTRIM", queue, "MAXLEN", "=", 4)
        return done

    RedisOutbox.put = put  # type: ignore[method-assign]


def _retry_left_pending() -> None:
    plain = RedisOutbox.settle

    async def settle(
        self: RedisOutbox, subscription: str, attempt: Attempt, then: Follows, at: float | None = None
    ) -> None:
        await plain(self, subscription, attempt, then, at)
        if then == "retry":
            (due,) = keys.outbox(subscription, "due")
            await self._link.command("ZREM", due, attempt.position)

    RedisOutbox.settle = settle  # type: ignore[method-assign]


def _silent_retries() -> None:
    plain = Node._answers

    async def answers(self: Node, together: Sequence[Any]) -> Sequence[Any]:
        for _ in range(10):
            said = await plain(self, together)
            lost = said and isinstance(said[0], Exception) and "does not answer" in str(said[0])
            if not lost:
                return said
            await asyncio.sleep(0.02)
        return said

    Node._answers = answers  # type: ignore[method-assign]


MUTANTS = {
    mutant.name: mutant
    for mutant in (
        Mutant(
            "ack-before-fan-out",
            "the cursor moves before the alert is queued",
            _ack_before_fan_out,
            points=("router: after checkpoint", "router: before fan-out", "router: after read"),
        ),
        Mutant(
            "ack-before-send",
            "a delivery is settled before it is sent",
            _ack_before_send,
            points=("courier: before send", "courier: after settle"),
        ),
        Mutant(
            "everysec",
            "Redis answers before its fsync",
            _everysec,
            points=("ingress: before commit",),
            weights={"power cut": 1.0},
            fsync="everysec",
            rest_s=1.0,
            pointed=0.1,
        ),
        Mutant(
            "dedupe-apart",
            "an id is looked up, and appended afterwards",
            _dedupe_apart,
            points=("ingress: after commit, before 202",),
        ),
        Mutant(
            "no-idempotency",
            "an outbox does not remember which log positions it took",
            _no_idempotency,
            points=("router: in the middle of fan-out", "router: after fan-out, before checkpoint"),
        ),
        Mutant(
            "no-fencing",
            "whoever lost a lease or a claim goes on as if it were theirs",
            _no_fencing,
            points=("courier: after claim",),
            weights={"stop a process": 1.0},
            rest_s=1.0,
            pointed=0.0,
            issuer_rest_s=0.2,
        ),
        Mutant(
            "trim",
            "a long queue is cut at its beginning, delivered or not",
            _trim,
            points=("courier: after claim",),
            weights={"stop a process": 1.0},
            rest_s=1.5,
            pointed=0.5,
            issuer_rest_s=0.2,
        ),
        Mutant(
            "retry-left-pending",
            "a failed delivery is open, and due at no time",
            _retry_left_pending,
            points=("courier: after claim",),
            pointed=0.0,
        ),
        Mutant(
            "silent-retries",
            "the client of Redis repeats what got no reply",
            _silent_retries,
            points=("courier: after claim",),
            weights={"reply lost": 1.0},
            rest_s=0.1,
            pointed=0.0,
        ),
    )
}
