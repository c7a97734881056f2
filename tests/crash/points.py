"""Named places at the ports where a process kills itself: nothing of them is in the product.

In a child that is to die at one, the method behind the port is wrapped before the role starts; in all others, and in
service, the method is as it was written.
"""

import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Literal

from adapters.webhook import Webhook
from broker.store.redis_claims import RedisClaims
from broker.store.redis_dossiers import RedisDossiers
from broker.store.redis_log import RedisLog
from broker.store.redis_outbox import RedisOutbox


@dataclass(frozen=True)
class Point:
    """Before or after a method of a port, in one role."""

    role: str
    name: str
    owner: type
    method: str
    when: Literal["before", "after"]

    def arm(self, passing: int) -> None:
        """From now on the so-manieth passing kills this process. An empty answer does not count as one."""
        left = passing

        def pass_by() -> None:
            nonlocal left
            left -= 1
            if left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)

        plain: Callable[..., Awaitable[Any]] = getattr(self.owner, self.method)

        @wraps(plain)
        async def armed(*args: Any, **named: Any) -> Any:
            if self.when == "before":
                pass_by()
            answer = await plain(*args, **named)
            if self.when == "after" and answer != []:
                pass_by()
            return answer

        setattr(self.owner, self.method, armed)


POINTS = {
    point.name: point
    for point in (
        Point("ingress", "ingress: before commit", RedisLog, "append", "before"),
        Point("ingress", "ingress: after commit, before the group's answers", RedisLog, "_write", "after"),
        Point("ingress", "ingress: after commit, before 202", RedisLog, "append", "after"),
        Point("ingress", "stream: after a position was taken", RedisOutbox, "open", "after"),
        Point("ingress", "stream: written, before it is settled", RedisOutbox, "settle", "before"),
        Point("ingress", "stream: after it was settled", RedisOutbox, "settle", "after"),
        Point("router", "router: after read", RedisLog, "read", "after"),
        Point("router", "router: after a fact was noted", RedisDossiers, "note", "after"),
        Point("router", "router: before fan-out", RedisOutbox, "put", "before"),
        Point("router", "router: in the middle of fan-out", RedisOutbox, "put", "after"),
        Point("router", "router: after fan-out, before checkpoint", RedisLog, "routed", "before"),
        Point("router", "router: after checkpoint", RedisLog, "routed", "after"),
        Point("router", "router: after a signal", RedisClaims, "signal", "after"),
        Point("courier", "courier: after claim", RedisOutbox, "claim", "after"),
        Point("courier", "courier: after read", RedisOutbox, "owed", "after"),
        Point("courier", "courier: after it was noted as given", RedisDossiers, "give", "after"),
        Point("courier", "courier: before a position is taken", RedisOutbox, "open", "before"),
        Point("courier", "courier: after a position was taken", RedisOutbox, "open", "after"),
        Point("courier", "courier: before send", Webhook, "deliver", "before"),
        Point("courier", "courier: after send", Webhook, "deliver", "after"),
        Point("courier", "courier: after its end was noted", RedisDossiers, "note", "after"),
        Point("courier", "courier: before settle", RedisOutbox, "settle", "before"),
        Point("courier", "courier: after settle", RedisOutbox, "settle", "after"),
        Point("courier", "courier: before it leaves a subscription", RedisOutbox, "leave", "before"),
        Point("courier", "courier: after it left a subscription", RedisOutbox, "leave", "after"),
    )
}


def of_role(role: str) -> list[str]:
    """The names of a role's points."""
    return [point.name for point in POINTS.values() if point.role == role]
