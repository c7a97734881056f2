"""Which server a command goes to: the one place that knows whether there are several."""

from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AskError

from broker.errors import Broken
from broker.store.address import Address, Place
from broker.store.copies import Copies
from broker.store.node import Node

LOOK_S: Final = 0.2
"""Between two looks at where the servers are, at least."""
PATIENCE_S: Final = 1.0
"""For the answer of one who is asked where the servers are."""


class Route(Protocol):
    """Every method may raise `Unavailable`: nobody says where the server is, or there is none now."""

    async def node(self, key: str | None) -> Node:
        """The one that serves this key; any, for None."""
        ...

    async def primaries(self) -> Sequence[Node]:
        """All that can be written to."""
        ...

    def sent_on(self, by: Node, why: AskError) -> Node:
        """Where `by` sent a command that it did not run."""
        ...

    async def close(self) -> None: ...


class OneServer:
    """Always the same."""

    def __init__(self, address: Address, copies: Copies) -> None:
        self._node = Node(address.url, copies, lambda: None)

    async def node(self, key: str | None) -> Node:
        return self._node

    async def primaries(self) -> Sequence[Node]:
        return [self._node]

    def sent_on(self, by: Node, why: AskError) -> Node:
        raise Broken("This Redis is one node of a cluster: give its address as redis+cluster://host:port.") from why

    async def close(self) -> None:
        await self._node.close()


class Nodes:
    """The servers that were met, each with its connections."""

    def __init__(self, address: Address, copies: Copies) -> None:
        self._address = address
        self._copies = copies
        self._met: dict[Place, Node] = {}

    def at(self, place: Place, on_loss: Callable[[], None]) -> Node:
        """The one there."""
        if place not in self._met:
            self._met[place] = Node(self._address.node(place), self._copies, on_loss)
        return self._met[place]

    def place_of(self, node: Node) -> Place:
        """Where one of these is."""
        return next(place for place, each in self._met.items() if each is node)

    def places(self) -> Sequence[Place]:
        """All of them."""
        return list(self._met)

    async def close(self) -> None:
        """After what was asked has its answers."""
        for node in self._met.values():
            await node.close()


async def ask_once(url: str, *words: str) -> Any:
    """What the server there answers, as it answers it; the errors of redis-py, soon."""
    async with Redis.from_url(
        url,
        socket_timeout=PATIENCE_S,
        socket_connect_timeout=PATIENCE_S,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
    ) as client:
        ask: Callable[..., Any] = client.execute_command
        client.response_callbacks.clear()
        return await ask(*words)
