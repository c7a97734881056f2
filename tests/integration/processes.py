"""Real processes: `broker serve`, and a Redis-compatible server that a test can stop."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import httpx2
import psutil

from broker.store.places import socket_path
from broker.store.server import program
from tests.integration.agencies import Json, World

PATIENCE_S = 40.0
Seen = TypeVar("Seen")


def until(look: Callable[[], Seen], seconds: float = PATIENCE_S) -> Seen:
    """What `look` sees, once that is true: for what another process does a moment later."""
    give_up = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < give_up, f"not seen within {seconds} s"
        time.sleep(0.05)
    return seen


@dataclass
class Hub:
    """A process of `broker serve` that has begun, and its HTTP side where it has one."""

    process: "subprocess.Popen[bytes]"
    told: Json
    """What it said when it began: `role`, `issuer`, `port`."""
    log: Path
    url: str
    http: httpx2.Client
    _read: int = field(default=0)

    @property
    def port(self) -> int:
        return int(self.told["port"])

    @property
    def seen(self) -> psutil.Process:
        """As the system sees it."""
        return psutil.Process(self.process.pid)

    def memory(self) -> int:
        """Resident bytes."""
        return int(self.seen.memory_info().rss)

    def connections(self) -> int:
        """How many TCP connections it holds."""
        return sum(each.status != psutil.CONN_LISTEN for each in self.seen.net_connections("tcp"))

    def lines(self) -> list[Json]:
        """Its log so far."""
        text = self.log.read_text("utf-8")
        return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]

    def figure(self, name: str, **labels: str) -> float:
        """One of its figures; 0 for one that is not told yet."""
        told = ",".join(f'{key}="{value}"' for key, value in labels.items())
        begin = f"{name}{{{told}}} " if told else f"{name} "
        lines = self.http.get("/metrics").text.splitlines()
        return sum(float(line.removeprefix(begin)) for line in lines if line.startswith(begin))

    def terminate(self) -> int:
        """Asks it to end: its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE_S)


@contextmanager
def serving(
    world: World,
    *options: str | Path,
    role: str = "all",
    data: str = "data",
    ca: Path | None = None,
    **env: str,
) -> Iterator[Hub]:
    """`broker serve`, ready, until the block ends. Its port is one that nobody had."""
    folder = world.folder
    command = [sys.executable, "-m", "broker", "serve", "--role", role, "--json", "--data", folder / data]
    command += ["--directory", world.directory, "--hub-keys", folder / "hub-keys", *options]
    if role in ("all", "ingress"):
        command += ["--port", "0"]
    name = f"{role}-{time.monotonic_ns()}"
    out, log = folder / f"{name}.out", folder / f"{name}.log"
    with out.open("wb") as output, log.open("wb") as errors:
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=os.environ | env)
    try:
        told = until(lambda: _told(process, out, log))
        scheme, port = "https" if "--tls-cert" in options else "http", told["port"] or 0
        url = f"{scheme}://127.0.0.1:{port}"
        with httpx2.Client(base_url=url, verify=_trust(ca), trust_env=False, timeout=PATIENCE_S) as http:
            yield Hub(process, told, log, url, http)
    finally:
        _end(process)


def _told(process: "subprocess.Popen[bytes]", out: Path, log: Path) -> Json:
    assert process.poll() is None, log.read_text()
    try:
        told: Json = json.loads(out.read_text() or "{}")
    except ValueError:
        return {}
    return told


def _trust(ca: Path | None) -> "bool | object":
    import ssl

    return ssl.create_default_context(cafile=ca) if ca else True


def _end(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass
class Engine:
    """A Redis-compatible server of the test's own, durable as a hub asks, which it can stop and start again."""

    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"unix://{self._socket}"

    @property
    def _socket(self) -> Path:
        return socket_path(self.folder.absolute())

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self._socket.parent.mkdir(parents=True, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        options = ["--port", "0", "--unixsocket", self._socket, "--dir", self.folder, "--save", ""]
        options += ["--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction"]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen([program(), *options], stdout=log, stderr=log)
        until(self._socket.exists)

    def stop(self) -> None:
        """Ends it; what it acknowledged is in its file."""
        if self.process is not None:
            self.go_on()
            _end(self.process)
            self.process = None

    def kill(self) -> None:
        """At once, by SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        """It answers nothing, and refuses nothing either."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """A running one until the block ends."""
    one = Engine(folder)
    one.start()
    try:
        yield one
    finally:
        one.stop()
