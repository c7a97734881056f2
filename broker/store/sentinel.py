"""Redis Sentinel: the primary is whom a sentinel names and who says so itself; asked again whenever it fails."""

import asyncio
import random
from collections.abc import Sequence

import structlog
from redis.exceptions import AskError, RedisError

from broker.errors import Broken
from broker.ports.failures import Unavailable
from broker.store.address import Address, Place
from broker.store.copies import Copies
from broker.store.node import Node
from broker.store.route import LOOK_S, Nodes, ask_once

log_line = structlog.get_logger("store")


class BySentinel:
    """See `Route`."""

    def __init__(self, address: Address, copies: Copies) -> None:
        self._address = address
        self._nodes = Nodes(address, copies)
        self._primary: Node | None = None
        self._told: Place | None = None
        self._looking = asyncio.Lock()
        self._in_vain = -LOOK_S
        """When nobody was found for the last time."""

    async def node(self, key: str | None) -> Node:
        if self._primary is None:
            async with self._looking:
                if self._primary is None:
                    self._primary = await self._find()
        return self._primary

    async def primaries(self) -> Sequence[Node]:
        return [await self.node(None)]

    def sent_on(self, by: Node, why: AskError) -> Node:
        raise Broken("This Redis is a node of a cluster: give its address as redis+cluster://host:port.") from why

    async def close(self) -> None:
        await self._nodes.close()

    def _lost(self) -> None:
        self._primary = None

    async def _find(self) -> Node:
        """The first sentinel's word is enough if the server it names takes writes: a late one names the old primary."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._in_vain + LOOK_S:
            raise Unavailable("no sentinel names a primary that answers")
        for sentinel in random.sample(self._address.seeds, len(self._address.seeds)):
            try:
                place = await self._named_by(sentinel)
                if place is None or not await self._serves(place):
                    continue
            except (RedisError, OSError):
                continue
            if place != self._told:
                self._told = place
                log_line.info("primary", server=f"{place[0]}:{place[1]}")
            return self._nodes.at(place, self._lost)
        self._in_vain = loop.time()
        raise Unavailable("no sentinel names a primary that answers")

    async def _named_by(self, sentinel: Place) -> Place | None:
        asked = ("SENTINEL", "GET-MASTER-ADDR-BY-NAME", self._address.primary)
        named = await ask_once(self._address.sentinel(sentinel), *asked)
        return (named[0], int(named[1])) if named else None

    async def _serves(self, place: Place) -> bool:
        role: str = (await ask_once(self._address.node(place), "ROLE"))[0]
        return role == "master"
