"""The life of a serving process: its parts start together, end together, and none ends unnoticed."""

import asyncio
import errno
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp

from broker.api.errors import watched
from broker.api.operations import operations
from broker.api.server import Server, listen
from broker.cli.output import show_json
from broker.cli.roles import Role
from broker.errors import Broken
from broker.settings import Settings
from broker.wiring import Hub, open_hub

log_line = structlog.get_logger("process")

Part = Callable[[asyncio.Event], Awaitable[None]]
GRACE_S = 5.0
"""How much longer than its own drain a part may take before it is cut off."""


async def run(settings: Settings, role: Role, *, listens: bool, as_json: bool) -> int:
    """Serves until a signal: 0; or until a part of it fails: 1. Broken when it cannot begin."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    with ExitStack() as stack:
        bound: socket.socket | None = None
        if listens or role in (Role.ALL, Role.INGRESS):  # a worker is watched on a port only where one was asked for
            bound = stack.enter_context(_listen(settings))
            settings = replace(settings, port=bound.getsockname()[1])
        async with open_hub(settings) as hub:
            parts = _parts(settings, role, hub, bound)
            _announce(settings, role, hub, listening=bound is not None, as_json=as_json)
            return await _together(parts, stop, settings.drain_s + GRACE_S)


def _listen(settings: Settings) -> socket.socket:
    """Before anything else starts, so that a port that cannot be had is told at once; port 0 is any free one."""
    where = f"{settings.host} port {settings.port}"
    try:
        return listen(settings.host, settings.port)
    except OSError as why:
        told = "another program has it" if why.errno == errno.EADDRINUSE else why.strerror or str(why)
        raise Broken(f"Cannot listen on {where}: {told}. Give another --port or --host.") from None


def _parts(settings: Settings, role: Role, hub: Hub, bound: socket.socket | None) -> dict[str, Part]:
    parts: dict[str, Part] = {name: work for name, work in hub.workers.items() if role in (Role.ALL, name)}
    if bound is not None:
        app = hub.app if role in (Role.ALL, Role.INGRESS) else _watched(hub)
        parts["http"] = _server(settings, hub, app, bound).run
    return parts


def _server(settings: Settings, hub: Hub, app: ASGIApp, bound: socket.socket) -> Server:
    return Server(
        app,
        bound=bound,
        counts=watched(hub.services.metrics),
        tls_cert=settings.tls_cert,
        tls_key=settings.tls_key,
        trusted_proxies=tuple(map(str, settings.trusted_proxies)),
        drain_s=settings.drain_s,
    )


def _watched(hub: Hub) -> FastAPI:
    """Health, readiness and figures alone: what a monitor asks of a worker."""
    app = FastAPI(title="Interagency alert broker, a worker", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(operations(hub.services))
    return app


async def _together(parts: dict[str, Part], stop: asyncio.Event, within_s: float) -> int:
    """All parts until `stop`, or until one ends by itself: then the others stop too, and the exit code is 1."""
    tasks = {asyncio.create_task(_part(part, stop), name=name) for name, part in parts.items()}
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({*tasks, stopping}, return_when=asyncio.FIRST_COMPLETED)
    asked = stop.is_set()
    stop.set()
    log_line.info("stopping", asked=asked)
    _, late = await asyncio.wait(tasks, timeout=within_s)
    for task in late:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    clean = [_ended_well(task, asked=asked) for task in tasks]
    log_line.info("stopped", cut_off=[task.get_name() for task in late])
    return 0 if asked and all(clean) else 1


async def _part(part: Part, stop: asyncio.Event) -> None:
    await part(stop)


def _ended_well(task: asyncio.Task[None], *, asked: bool) -> bool:
    if task.cancelled():
        return True  # cut off after its time: what it had not finished is owed, and taken up at the next start
    error = task.exception()
    if error is not None:
        log_line.error("failed", part=task.get_name(), exc_info=error)
    return error is None and asked


def _announce(settings: Settings, role: Role, hub: Hub, *, listening: bool, as_json: bool) -> None:
    """One line that a person understands, or a program."""
    snapshot = hub.directory.current()
    entry = snapshot.document.agencies
    listed = {key.kid for agency in entry if agency.id == snapshot.hub for key in agency.keys}
    unlisted = [str(record.use) for record in hub.services.keys.records if record.kid not in listed]
    where = settings.origin() if listening else None
    store = "the Redis of REDIS_URL" if settings.redis_url else f"a private server in {settings.data / 'store'}"
    if as_json:
        show_json(
            {
                "hub": snapshot.hub,
                "role": role.value,
                "issuer": settings.origin(),
                "host": settings.host if listening else None,
                "port": settings.port if listening else None,
                "directory": {"version": snapshot.version, "digest": snapshot.digest},
                "keys_not_listed": unlisted,
            }
        )
        return
    keys = f"; keys that the directory does not list yet: {', '.join(unlisted)}" if unlisted else ""
    print(
        f"{snapshot.hub} ({role.value}) serves {where or 'no port'}; directory version {snapshot.version},"
        f" {snapshot.digest[:23]}…; store: {store}{keys}",
        flush=True,
    )
