"""Leases in Redis, by the server's clock."""

from broker.store import keys
from broker.store.link import Link


class RedisLeases:
    """See `ports.Leases`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        token: int | None = await self._link.script("acquire", [keys.lease(name)], (holder, int(seconds * 1000)))
        return token

    async def release(self, name: str, holder: str) -> None:
        await self._link.script("release", [keys.lease(name)], (holder,))

    async def present(self, group: str, member: str, seconds: float) -> int:
        there: int = await self._link.script("present", [keys.members(group)], (member, int(seconds * 1000)))
        return there
