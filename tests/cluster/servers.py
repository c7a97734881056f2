"""Several servers on this machine: a cluster of three primaries with a replica each, and a pair under sentinels."""

import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from redis import Redis
from redis.crc import key_slot
from redis.exceptions import RedisError

from broker.store.server import program

PATIENCE_S = 40.0
NODE_TIMEOUT_MS = 1_500
BUS = 10_000
"""The port of a node's bus is this much above that of its clients."""
FIRST, LAST = 21_000, 31_000
SHARES = ((0, 5_460), (5_461, 10_922), (10_923, 16_383))
DURABLE = ("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction", "--save", "")
PRIMARY_NAME = "hub"
Seen = TypeVar("Seen")


def until(look: Callable[[], Seen], seconds: float = PATIENCE_S) -> Seen:
    """What `look` sees, once that is true; a server that does not answer yet is nothing seen."""
    give_up = time.monotonic() + seconds
    while True:
        with suppress(RedisError, OSError):
            if seen := look():
                return seen
        assert time.monotonic() < give_up, f"not seen within {seconds} s"
        time.sleep(0.05)


def free_ports(count: int, above: int = BUS) -> list[int]:
    """Ports that nobody has, nor that of their bus."""
    found: list[int] = []
    for port in range(FIRST + time.monotonic_ns() // 1_000_000 % (LAST - FIRST - 200), LAST):
        if _free(port) and _free(port + above):
            found.append(port)
            if len(found) == count:
                return found
    raise AssertionError("no free ports")


def _free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


@dataclass
class Server:
    """A process that can be killed, frozen and started again with the same files."""

    folder: Path
    port: int
    options: Sequence[str | Path]
    process: "subprocess.Popen[bytes] | None" = None

    def start(self) -> None:
        self.folder.mkdir(exist_ok=True)
        words = [program(), *self.options, "--port", str(self.port), "--bind", "127.0.0.1", "--dir", self.folder]
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)

    def kill(self) -> None:
        """At once, by SIGKILL."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def asks(self) -> "Redis[str]":
        """A client of this server alone."""
        return Redis(port=self.port, decode_responses=True, socket_timeout=5)

    def says(self, *words: str | int) -> Any:
        with self.asks() as client:
            return client.execute_command(*words)

    def info(self, section: str = "replication") -> dict[str, Any]:
        with self.asks() as client:
            return dict(client.info(section))

    def replicas(self) -> int:
        """How many follow it, up to date."""
        told = self.info()
        rows = [told[f"slave{number}"] for number in range(told["connected_slaves"])]
        return sum(row["state"] == "online" for row in rows) if told["role"] == "master" else 0


@contextmanager
def running(servers: Sequence[Server]) -> Iterator[None]:
    """All of them, until the block ends."""
    with ExitStack() as stack:
        for server in servers:
            server.start()
            stack.callback(server.kill)
        for server in servers:
            until(lambda server=server: server.says("PING"))  # type: ignore[misc] # a lambda with a default
        yield


@dataclass
class ClusterOf6:
    """Primaries first, then the replica of each, in the same order; by their state at the start."""

    servers: list[Server]
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers[:2])

    def make(self) -> None:
        """Slots, replicas, and a view that all share."""
        primaries, replicas = self.servers[:3], self.servers[3:]
        for epoch, (server, (first, last)) in enumerate(zip(primaries, SHARES, strict=True), 1):
            server.says("CLUSTER", "SET-CONFIG-EPOCH", epoch)
            server.says("CLUSTER", "ADDSLOTSRANGE", first, last)
        for other in self.servers[1:]:
            self.servers[0].says("CLUSTER", "MEET", "127.0.0.1", other.port)
        for replica, primary in zip(replicas, primaries, strict=True):
            name = primary.says("CLUSTER", "MYID")
            until(lambda replica=replica, name=name: replica.says("CLUSTER", "REPLICATE", name))  # type: ignore[misc] # as above
        self.well()

    def well(self) -> None:
        """Returns when every slot is served and every primary has its replica."""
        until(lambda: all(_sees_all(server) for server in self.servers))
        until(lambda: sum(server.replicas() >= 1 for server in self.servers) == 3)

    def primary_of(self, key: str) -> Server:
        """The one that serves it now."""
        slot = key_slot(key.encode())
        return until(lambda: next((each for each in self.servers if _serves(each, slot)), None))

    def emptied(self) -> str:
        """Its URL, after everything was removed."""
        for server in self.servers:
            if server.info()["role"] == "master":
                server.says("FLUSHALL")
        return self.url


def _sees_all(server: Server) -> bool:
    with server.asks() as client:
        told = client.execute_command("CLUSTER INFO")
        return told["cluster_state"] == "ok" and told["cluster_known_nodes"] == "6"


def _serves(server: Server, slot: int) -> bool:
    """As it says itself."""
    if server.process is None or server.info()["role"] != "master":
        return False
    with server.asks() as client:
        client.set_response_callback("CLUSTER SLOTS", lambda response, **_: response)
        ranges = client.execute_command("CLUSTER SLOTS")
    return any(first <= slot <= last and row[0][1] == server.port for first, last, *row in ranges)


@contextmanager
def cluster(folder: Path) -> Iterator[ClusterOf6]:
    """One that serves, until the block ends."""
    options = ["--cluster-enabled", "yes", "--cluster-node-timeout", str(NODE_TIMEOUT_MS), *DURABLE]
    options += ["--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"]
    ports = free_ports(6)
    made = ClusterOf6([Server(folder / str(port), port, options) for port in ports])
    with running(made.servers):
        made.make()
        yield made


@dataclass
class Watched:
    """A primary and its replica as they were at the start, and three sentinels."""

    primary: Server
    replica: Server
    sentinels: list[Server]

    @property
    def url(self) -> str:
        seeds = ",".join(f"127.0.0.1:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{seeds}/{PRIMARY_NAME}"

    def named(self) -> int:
        """The port of the primary that the first sentinel names."""
        return int(self.sentinels[0].says("SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY_NAME)[1])


@contextmanager
def watched(folder: Path) -> Iterator[Watched]:
    """A pair that follows one another, watched by three who know of each other."""
    ports = free_ports(5)
    quick = ("--repl-diskless-sync-delay", "0")
    primary = Server(folder / "one", ports[0], (*DURABLE, *quick))
    replica = Server(folder / "two", ports[1], (*DURABLE, *quick, "--replicaof", f"127.0.0.1 {ports[0]}"))
    sentinels = [_sentinel(folder / f"sentinel-{port}", port, ports[0]) for port in ports[2:]]
    made = Watched(primary, replica, sentinels)
    with running([primary, replica]):
        until(primary.replicas)
        with running(sentinels):
            until(lambda: all(_knows(each) for each in sentinels))
            yield made


def _sentinel(folder: Path, port: int, watches: int) -> Server:
    folder.mkdir()
    settings = folder / "sentinel.conf"
    settings.write_text(
        f"sentinel monitor {PRIMARY_NAME} 127.0.0.1 {watches} 2\n"
        f"sentinel down-after-milliseconds {PRIMARY_NAME} {NODE_TIMEOUT_MS}\n"
        f"sentinel failover-timeout {PRIMARY_NAME} 5000\n"
    )
    return Server(folder, port, (settings, "--sentinel"))


def _knows(sentinel: Server) -> bool:
    """Both others, and the replica."""
    rows = sentinel.says("SENTINEL", "MASTER", PRIMARY_NAME)
    told = rows if isinstance(rows, dict) else dict(zip(rows[::2], rows[1::2], strict=True))
    return int(told["num-other-sentinels"]) == 2 and int(told["num-slaves"]) == 1
