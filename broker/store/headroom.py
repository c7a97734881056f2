"""Whether there is room for more: nothing new is taken in before Redis has none, so that what was taken in goes on."""

import asyncio
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from redis.exceptions import RedisError

from broker.ports.failures import Full, Unavailable
from broker.store.link import Link

DISK: Final = 128 * 2**20
"""Bytes that must stay free: with `appendfsync always` a full disk ends Redis."""
MEMORY: Final = 32 * 2**20
"""Bytes below `maxmemory` that must stay free, …"""
MEMORY_PART: Final = 0.1
"""… or this part of a small one."""
LOOK_S: Final = 1.0


class Headroom:
    """Of the disk where it is ours to see (`folder`), and of the memory that Redis may use, as it told last."""

    def __init__(self, link: Link, folder: Path | None) -> None:
        self._link = link
        self._folder = folder
        self._memory_left = True

    def check(self) -> None:
        """Raises `Full`."""
        if self._folder and shutil.disk_usage(self._folder).free < DISK:
            raise Full("disk", f"less than {DISK >> 20} MiB are free for {self._folder}")
        if not self._memory_left:
            raise Full("memory", "Redis has used nearly all of its maxmemory")

    async def look(self) -> None:
        """Asks every server that can be written to."""
        told: Iterable[Mapping[str, Any]] = await self._link.everywhere("INFO", "memory")
        self._memory_left = all(_has_room(memory) for memory in told)

    async def watch(self) -> None:
        """Without end. While Redis does not tell, what it told last holds."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                await self.look()
            except (Unavailable, RedisError):
                continue


def _has_room(memory: Mapping[str, Any]) -> bool:
    most = int(memory.get("maxmemory", 0))
    used = int(memory.get("used_memory", 0)) - int(memory.get("mem_not_counted_for_evict", 0))
    return not most or most - used >= min(MEMORY, MEMORY_PART * most)
