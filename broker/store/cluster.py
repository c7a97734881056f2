"""Redis Cluster: the node of each slot, looked up again whenever one fails or sends a command on."""

import asyncio
import random
from collections.abc import Mapping, Sequence

import structlog
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError, RedisError

from broker.ports.failures import Unavailable
from broker.store.address import Address, Place
from broker.store.copies import Copies
from broker.store.ending import end
from broker.store.node import Node
from broker.store.route import LOOK_S, Nodes, ask_once

log_line = structlog.get_logger("store")


class Cluster:
    """See `Route`. The slots of a node that failed are looked up beside the traffic: others wait for nobody."""

    def __init__(self, address: Address, copies: Copies) -> None:
        self._address = address
        self._nodes = Nodes(address, copies)
        self._slots: dict[int, Node] = {}
        self._primaries: Sequence[Node] = ()
        self._looking: asyncio.Task[None] | None = None
        self._looked_at = -LOOK_S
        self._told: Mapping[Place, int] = {}

    async def node(self, key: str | None) -> Node:
        if not self._slots:
            self._look_soon()
            await self._looked()
        if key is None:
            return random.choice(self._primaries)  # noqa: S311 - any will do
        try:
            return self._slots[key_slot(key.encode())]
        except KeyError:
            self._look_soon()
            raise Unavailable("no node of the cluster has that slot") from None

    async def primaries(self) -> Sequence[Node]:
        await self.node(None)
        return self._primaries

    def sent_on(self, by: Node, why: AskError) -> Node:
        host, port = why.node_addr
        node = self._at((host or self._nodes.place_of(by)[0], port))  # no host: the one that was asked
        if isinstance(why, MovedError):
            self._slots[why.slot_id] = node
            self._look_soon()
        return node

    async def close(self) -> None:
        if self._looking is not None:
            await end(self._looking)
        await self._nodes.close()

    def _at(self, place: Place) -> Node:
        return self._nodes.at(place, self._look_soon)

    def _look_soon(self) -> None:
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def _looked(self) -> None:
        if self._looking is not None:
            await asyncio.wait([self._looking])
        if not self._slots:
            raise Unavailable("no node of the cluster answers")

    async def _look(self) -> None:
        """From the first that tells, of the known ones and the seeds in any order; else the old map stays."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(self._looked_at + LOOK_S - loop.time())
        self._looked_at = loop.time()
        known = list({*self._nodes.places(), *self._address.seeds})
        random.shuffle(known)
        for place in known:
            try:
                found = await self._ask(place)
            except (RedisError, OSError, ValueError):
                continue
            if found:
                self._take(found)
                break

    def _take(self, found: Mapping[int, Place]) -> None:
        self._slots = {slot: self._at(place) for slot, place in found.items()}
        self._primaries = tuple(dict.fromkeys(self._slots.values()))
        served: dict[Place, int] = {}
        for place in found.values():
            served[place] = served.get(place, 0) + 1
        if served != self._told:
            self._told = served
            log_line.info("cluster", nodes=sorted(f"{host}:{port}" for host, port in served), slots=len(found))

    async def _ask(self, place: Place) -> Mapping[int, Place]:
        """The primary of each slot, as the node there sees it. `CLUSTER SLOTS` is in every release that we serve."""
        ranges = await ask_once(self._address.node(place), "CLUSTER", "SLOTS")
        return {
            slot: (host or place[0], port)
            for first, last, (host, port, *_), *_ in ranges
            for slot in range(first, last + 1)
        }
