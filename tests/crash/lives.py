"""What a forked child does: one role of the hub, as `broker serve` runs it, until it is killed or asked to end."""

import asyncio
import logging
import random
import time
import traceback
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from socket import socket

import uvloop

from broker import logs
from broker.cli import serving
from broker.cli.roles import Role
from broker.clock import Clock
from broker.settings import Settings
from broker.wiring import open_hub
from tests.crash import pace
from tests.crash.mutants.catalogue import MUTANTS
from tests.crash.points import POINTS

UNFIT = 71
"""Exit code of a child whose patches do not fit the product as it is now."""


@dataclass(frozen=True)
class Life:
    """One process from its fork to its end."""

    role: str
    folder: str
    redis_url: str
    port: int
    point: str | None = None
    passing: int = 1
    jump_s: float = 0.0
    """Its clock jumps by so much after a moment."""
    mutant: str | None = None
    plain: bool = False
    """With the product's own waits and leases."""


def live(life: Life, bound: socket) -> int:
    """The exit code. Whatever is patched here is patched in this process alone."""
    try:
        _patch(life)
    except Exception:
        traceback.print_exc()
        return UNFIT
    random.seed()  # else all children of one parent would throw the same dice
    serving._listen = lambda _: bound.dup()  # type: ignore[assignment]
    serving.open_hub = partial(open_hub, clock=_clock(life.jump_s))  # type: ignore[assignment]
    logs.configure(logging.WARNING)
    folder = Path(life.folder)
    settings = Settings(
        data=folder / "data",
        directory=folder / "directory",
        hub_keys=folder / "hub-keys",
        redis_url=life.redis_url,
        port=life.port,
        issuer=f"http://127.0.0.1:{life.port}",
        drain_s=5.0,
    )
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(serving.run(settings, Role(life.role), listens=False, as_json=True))


def _patch(life: Life) -> None:
    if not life.plain:
        pace.hasten()
    if life.mutant:
        MUTANTS[life.mutant].apply()
    if life.point:
        POINTS[life.point].arm(life.passing)


def _clock(jump_s: float) -> Clock:
    jumps_at = time.monotonic() + 0.4
    jump = timedelta(seconds=jump_s)
    return lambda: datetime.now(UTC) + (jump if time.monotonic() > jumps_at else timedelta())
