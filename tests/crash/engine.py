"""The Redis of a run: started by its command, killed, paused, cut off from power, filled up, without a disk.

A power cut keeps what was fsynced and, of what came after it, as many bytes as it likes. With `appendfsync always`
Redis answers after its fsync: whatever stood in the file when the last answer went out had been fsynced. So answers are
held back, the file's size is taken, Redis goes on for a moment, is killed, and the file is cut at a random byte between
that size and its end. With `everysec` the thread that fsyncs runs each second: what is younger may be lost.

On a full disk a write fails, in whole or in part. With `appendfsync always` Redis takes its part back and exits with 1,
before it answers.
"""

import asyncio
import os
import random
import signal
import subprocess
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from broker.store.server import program
from tests.crash import disk
from tests.crash.proxy import Proxy

EVERYSEC_S = 1.0
LOOK_S = 0.05
UNTIL_IT_WRITES_S = 3.0
FAILED_WRITE = 1
"""Its exit code when it cannot append."""


@dataclass
class Engine:
    """One server on a unix socket in `folder`."""

    folder: Path
    fsync: str = "always"
    process: "subprocess.Popen[bytes] | None" = None
    lost_bytes: int = 0
    """What power cuts took from the file: never anything that was acknowledged."""
    _sizes: deque[tuple[float, Path, int]] = field(default_factory=lambda: deque(maxlen=60))

    @property
    def socket(self) -> Path:
        return self.folder / "redis.sock"

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    async def start(self) -> None:
        """Returns when it serves."""
        self.folder.mkdir(exist_ok=True)
        settings = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(self.folder), "--save", ""]
        settings += ["--appendonly", "yes", "--appendfsync", self.fsync, "--maxmemory-policy", "noeviction"]
        settings += ["--stream-node-max-bytes", "1024", "--stream-node-max-entries", "64"]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen([program(), *settings], stdout=log, stderr=log, start_new_session=True)
        for _ in range(2_000):
            if await self._serves():
                return
            await asyncio.sleep(0.005)
        raise RuntimeError(f"Redis does not start: see {self.folder / 'redis.log'}")

    def client(self) -> "Redis":
        return Redis(
            unix_socket_path=str(self.socket), decode_responses=True, socket_timeout=5, retry=Retry(NoBackoff(), 0)
        )

    def kill(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """It writes everything and ends."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None

    async def pause(self, seconds: float) -> None:
        """It answers nothing, and refuses nothing either."""
        process = self.process
        assert process is not None
        process.send_signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(seconds)
        finally:
            process.send_signal(signal.SIGCONT)

    async def fill(self, seconds: float) -> None:
        """As if `maxmemory` were reached."""
        with suppress(RedisError, OSError):
            async with self.client() as client:
                await client.config_set("maxmemory", 1_048_576)
        await asyncio.sleep(seconds)
        with suppress(RedisError, OSError):  # one that was started again has no bound
            async with self.client() as client:
                await client.config_set("maxmemory", 0)

    async def fill_disk(self, seconds: float) -> bool:
        """Its disk, a small one of its own, has not a byte left for so long, or until its next write has failed, which
        may fit into the last page of its file. Whether that ended it: it is down then.
        """
        assert self.process is not None
        began = time.monotonic()
        try:
            while (full_s := time.monotonic() - began) < seconds or (
                full_s < seconds + UNTIL_IT_WRITES_S and self.process.poll() is None
            ):
                disk.fill(self.folder)  # again: a rewrite that fails gives its room back
                await asyncio.sleep(LOOK_S)
        finally:
            disk.empty(self.folder)
        for _ in range(2_000):
            if (code := self.process.poll()) is not None or await self._serves():
                break
            await asyncio.sleep(0.005)
        else:
            raise RuntimeError("Redis neither serves nor ends after its disk was full")
        if code is None:
            return False
        if code != FAILED_WRITE:
            raise RuntimeError(f"Redis ended with {code} on a full disk: see {self.folder / 'redis.log'}")
        self.process = None
        return True

    async def rewrite(self) -> None:
        """It begins its file anew, beside what it does."""
        with suppress(RedisError, OSError):
            async with self.client() as client:
                await client.bgrewriteaof()

    async def power_cut(self, proxies: Sequence[Proxy], dice: random.Random) -> None:
        """See above. Redis is down afterwards."""
        for proxy in proxies:
            proxy.held = True
        file, safe = self._fsynced()
        await asyncio.sleep(dice.uniform(0.0, 0.05))
        self.kill()
        for proxy in proxies:
            proxy.cut()
        if file is not None and file == self._file() and safe < file.stat().st_size:
            end = dice.randint(safe, file.stat().st_size)
            self.lost_bytes += file.stat().st_size - end
            os.truncate(file, end)

    async def _serves(self) -> bool:
        with suppress(RedisError, OSError):
            async with self.client() as client:
                await client.ping()
                return True
        return False

    async def watch(self) -> None:
        """Remembers how the file grew: needed where not every answer waits for an fsync."""
        while True:
            if file := self._file():
                self._sizes.append((asyncio.get_running_loop().time(), file, file.stat().st_size))
            await asyncio.sleep(LOOK_S)

    def _fsynced(self) -> tuple[Path | None, int]:
        file = self._file()
        if file is None:
            return None, 0
        if self.fsync == "always":
            return file, file.stat().st_size
        before = asyncio.get_running_loop().time() - EVERYSEC_S
        older = [size for at, seen, size in self._sizes if seen == file and at <= before]
        return file, older[-1] if older else 0

    def _file(self) -> Path | None:
        """The one that is appended to now."""
        folder = self.folder / "appendonlydir"
        with suppress(OSError):
            for line in reversed((folder / "appendonly.aof.manifest").read_text().splitlines()):
                words = line.split()
                if words[-1] == "i" and (folder / words[1]).exists():
                    return folder / words[1]
        return None
