"""The connection to Redis: commands and named scripts, on one server, a cluster, or a primary named by sentinels."""

import asyncio
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from typing import Any, Final

from redis.exceptions import AskError, MovedError, NoScriptError

from broker.ports.failures import Unavailable
from broker.store.address import Address, address_of
from broker.store.cluster import Cluster
from broker.store.copies import Copies
from broker.store.node import Node
from broker.store.route import OneServer, Route
from broker.store.sentinel import BySentinel
from broker.store.words import Value, key_of

SENT_ON: Final = 5
"""How often one command follows a cluster from node to node."""


class Link:
    """Redis, whatever happens to it: a call after it came back, or after another took over, just works.

    `copies` replicas must have a write before it counts (`copies.py`). Nothing that may have run is repeated here;
    what a node of a cluster sends on, it did not run.
    """

    def __init__(self, url: str, copies: int | None = None) -> None:
        self._route = _route(address_of(url), copies)

    async def command(self, *words: Value) -> Any:
        node = await self._route.node(key_of(words))
        asking = False
        for _ in range(SENT_ON):
            try:
                return await node.ask(words, asking=asking)
            except AskError as why:
                node, asking = self._route.sent_on(node, why), not isinstance(why, MovedError)
        raise Unavailable("the cluster sends the command from node to node")

    async def everywhere(self, *words: Value) -> Sequence[Any]:
        """The answer of each server that can be written to."""
        return await asyncio.gather(*(node.ask(words) for node in await self._route.primaries()))

    async def anyone(self) -> Node:
        """One that hears what is published, wherever it was."""
        return await self._route.node(None)

    async def script(self, name: str, keys: Sequence[str], words: Sequence[Value] = ()) -> Any:
        """Runs `scripts/<name>.lua`; all keys must share a tag."""
        text, digest = _script(name)
        rest = (len(keys), *keys, *words)
        try:
            return await self.command("EVALSHA", digest, *rest)
        except NoScriptError:  # a new server, or one that was restarted; EVAL also keeps the script
            return await self.command("EVAL", text, *rest)

    async def close(self) -> None:
        await self._route.close()


def _route(address: Address, copies: int | None) -> Route:
    """By the scheme. Where another server may take over, one replica has every write unless told otherwise."""
    wanted = Copies((1 if address.several else 0) if copies is None else copies)
    match address.kind:
        case "one":
            return OneServer(address, wanted)
        case "cluster":
            return Cluster(address, wanted)
        case "sentinel":
            return BySentinel(address, wanted)


@cache
def _script(name: str) -> tuple[str, str]:
    text = (resources.files("broker.store") / "scripts" / f"{name}.lua").read_text(encoding="utf-8")
    return text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
