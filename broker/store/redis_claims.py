"""Who serves which push subscription, in Redis: claims that lapse, and signals that cannot be lost."""

from collections.abc import Sequence

from broker.ports.outbox import Claim
from broker.store import keys
from broker.store.bells import Bells
from broker.store.link import Link


class RedisClaims:
    """The claims of `ports.Outbox`. They lapse by the server's clock."""

    def __init__(self, link: Link, bells: Bells) -> None:
        self._link = link
        self._bells = bells

    async def signal(self, subscription: str, *, push: bool, owner: bool = False) -> None:
        if not push:
            await self._link.command("PUBLISH", keys.WOKEN, subscription)
            return
        names = keys.courier("ready", "claims", "signals", "count", "alone", "gone")
        await self._link.script("signal", names, (subscription, keys.WOKEN, int(owner)))

    async def claim(self, worker: str, now: float, seconds: float, limit: int) -> Sequence[Claim]:
        if limit < 1:
            return []
        words = (worker, now, int(seconds * 1000), limit)
        claimed = await self._link.script("claim", keys.courier(*keys.COURIER), words)
        return [Claim(subscription, token, signals=0) for subscription, token in claimed]

    async def renew(self, worker: str, claim: Claim, seconds: float) -> Claim | None:
        names = keys.courier("claims", "lapse", "signals")
        words = (claim.subscription, _owner(worker, claim), int(seconds * 1000))
        signals = await self._link.script("renew", names, words)
        return None if signals is None else Claim(claim.subscription, claim.token, signals)

    async def leave(self, worker: str, claim: Claim, next_due: float | None, *, alone: bool = False) -> None:
        when = "" if next_due is None else next_due
        words = (claim.subscription, _owner(worker, claim), claim.signals, when, keys.WOKEN, int(alone))
        await self._link.script("leave", keys.courier(*keys.COURIER), words)

    async def woken(self, subscription: str | None, seconds: float) -> None:
        await self._bells.wait(keys.WOKEN if subscription is None else subscription, seconds)

    async def forget(self, subscription: str) -> None:
        """Whoever serves it finds its claim lost, and nobody claims it again."""
        names = keys.courier("ready", "later", "claims", "lapse", "signals", "alone", "gone")
        await self._link.script("forget", names, (subscription, keys.GONE_S))


def _owner(worker: str, claim: Claim) -> str:
    return f"{claim.token} {worker}"
