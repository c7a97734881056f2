"""A router's share of the log's partitions: as many as are fair, and others get theirs within seconds."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from broker.ports.leases import Leases

LEASE_S = 6.0
"""After which the partitions of a router that died are another's."""
RENEW_S = 1.5
GROUP = "routers"


@dataclass
class Share:
    """The leases that one router holds. It gives up what is more than its share when another router comes."""

    leases: Leases
    partitions: int
    name: str
    _tokens: dict[int, int] = field(default_factory=dict)
    _renewed: float | None = None

    async def tokens(self) -> Mapping[int, int]:
        """Of each partition that is ours, the fencing token. Renewed while there is time, so ask before each batch."""
        now = asyncio.get_running_loop().time()
        if self._renewed is None or now - self._renewed >= RENEW_S:
            await self._renew()
            self._renewed = now
        return self._tokens

    async def give_back(self) -> None:
        """So that others need not wait until the leases lapse."""
        await self.leases.present(GROUP, self.name, 0)
        for partition in range(self.partitions):
            await self.leases.release(_lease(partition), self.name)

    async def _renew(self) -> None:
        routers = await self.leases.present(GROUP, self.name, LEASE_S)
        fair = -(-self.partitions // max(routers, 1))
        held, self._tokens = self._tokens, {}
        for partition in _first(held, self.partitions):
            if len(self._tokens) < fair:
                token = await self.leases.acquire(_lease(partition), self.name, LEASE_S)
                if token is not None:
                    self._tokens[partition] = token
            elif partition in held:
                await self.leases.release(_lease(partition), self.name)


def _first(held: Mapping[int, int], partitions: int) -> Iterator[int]:
    """What is ours already comes first, so that nothing moves without need."""
    yield from held
    yield from (partition for partition in range(partitions) if partition not in held)


def _lease(partition: int) -> str:
    return f"partition-{partition}"
