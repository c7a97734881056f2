"""The HTTP server around the application: uvicorn with bounded connections, TLS, and a graceful end."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn

from broker.api.connection import Bounds, Counts, guarded


@dataclass
class Server:
    """Serves until `stop`; then finishes what is under way within `drain_s` and ends."""

    app: Callable[..., Any]
    host: str = "127.0.0.1"
    port: int = 8080
    tls_cert: Path | None = None
    tls_key: Path | None = None
    trusted_proxies: tuple[str, ...] = ()
    """Whose `X-Forwarded-For` and `X-Forwarded-Proto` are believed; nobody's by default."""
    drain_s: float = 10.0
    bounds: Bounds = field(default_factory=Bounds)
    counts: Counts = field(default_factory=Counts)
    bound: socket.socket | None = None
    """What `listen` made before; None: host and port are bound when it runs."""

    async def run(self, stop: asyncio.Event, listening: Callable[[int], None] = lambda _: None) -> None:
        """`listening` is told the port once connections are accepted (port 0: any free one)."""
        with self.bound or listen(self.host, self.port) as bound:
            server = _Uvicorn(self._config())
            serving = asyncio.create_task(server.serve(sockets=[bound]))
            stopping = asyncio.create_task(stop.wait())
            listening(bound.getsockname()[1])
            await asyncio.wait({serving, stopping}, return_when=asyncio.FIRST_COMPLETED)
            server.should_exit = True
            stopping.cancel()
            await serving

    def _config(self) -> uvicorn.Config:
        return uvicorn.Config(
            self.app,
            http=guarded(self.bounds, self.counts),
            ws="none",
            loop="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=bool(self.trusted_proxies),
            forwarded_allow_ips=list(self.trusted_proxies),
            timeout_keep_alive=30,
            timeout_graceful_shutdown=max(1, int(self.drain_s)),
            ssl_certfile=self.tls_cert,
            ssl_keyfile=self.tls_key,
        )


def listen(host: str, port: int) -> socket.socket:
    """A socket that takes connections from now on; port 0 is any free one. OSError when it cannot be had."""
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        bound.listen(2_048)
    except OSError:
        bound.close()
        raise
    bound.setblocking(False)
    return bound


class _Uvicorn(uvicorn.Server):
    """Leaves signals to the process that runs it."""

    def capture_signals(self) -> Any:
        return nullcontext()
