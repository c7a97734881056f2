"""The one place that wires: settings in, a running hub out. Only here are stores and adapters known by name."""

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial

from starlette.types import ASGIApp

from adapters.allowance import Allowance
from adapters.base import Push
from adapters.means import Means
from adapters.outgoing import Outgoing
from adapters.registry import ADAPTERS
from broker import parcel
from broker.accept import Accepting
from broker.api.app import create_app
from broker.api.front import Front
from broker.api.services import Services
from broker.clock import Clock, system_clock, told
from broker.courier import Courier
from broker.errors import Broken
from broker.giving import Giving
from broker.judge import Judge
from broker.ledger.receipts import new_entry
from broker.metrics import Metrics
from broker.notices import HubVoice
from broker.pace import Pace, Paces
from broker.planning import Planning
from broker.ports.registers import Held
from broker.ports.store import Store
from broker.reading import Reading
from broker.reminding import Reminding
from broker.router import Router
from broker.settings import Settings
from broker.store.in_redis import RedisStore
from broker.store.server import PrivateServer
from broker.trust.advancing import FirstTrust
from broker.trust.directory import Directory, Snapshot
from broker.trust.folder import DirectoryFolder
from broker.trust.hubkeys import HubKeys
from broker.workflows import Workflows

Worker = Callable[[asyncio.Event], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Hub:
    """A hub that is open: its application for the ingress, its workers by role."""

    services: Services
    app: ASGIApp
    workers: dict[str, Worker]
    directory: DirectoryFolder


@asynccontextmanager
async def open_hub(settings: Settings, clock: Clock = system_clock) -> AsyncIterator[Hub]:
    """Starts what has to be there (private server, directory), wires everything, and closes it in turn."""
    async with AsyncExitStack() as stack:
        url = await _engine(settings, stack)
        store = RedisStore(
            url,
            partitions=settings.partitions,
            folder=settings.data if settings.redis_url is None else None,
            copies=settings.replicas,
        )
        await store.open()
        stack.push_async_callback(store.close)
        directory, keys = await open_directory(settings, store, clock)
        stack.push_async_callback(directory.close)
        services = wire(settings, store, directory, keys, clock)
        outgoing = await stack.enter_async_context(Outgoing(settings.outgoing_ca))
        app = Front(create_app(services), services)
        yield Hub(services, app, _workers(services, outgoing), directory)


async def _engine(settings: Settings, stack: AsyncExitStack) -> str:
    """The URL of the store: the operator's, or that of a private server that ends with the hub."""
    if settings.redis_url is not None:
        return settings.redis_url
    return await stack.enter_async_context(PrivateServer(settings.data / "store"))


async def open_directory(
    settings: Settings, store: Store, clock: Clock = system_clock
) -> tuple[DirectoryFolder, HubKeys]:
    """The directory with the hub's own keys in it, each version kept before it is in force."""
    try:
        first = FirstTrust.read(settings.directory_trust) if settings.directory_trust else None
    except ValueError as why:
        raise Broken(f"--directory-trust (BROKER_DIRECTORY_TRUST): expected {why}") from None

    async def enter(version: Snapshot) -> None:
        what = new_entry("directory", version=str(version.version), digest=version.digest, at=told(clock()))
        await store.ledger.add(what)

    directory = DirectoryFolder(settings.directory, store.directories, first, clock, enter)
    keys = await directory.open(settings.hub_keys or settings.data / "hub-keys")
    return directory, keys


def wire(settings: Settings, store: Store, directory: Directory, keys: HubKeys, clock: Clock) -> Services:
    """The stages around a store and a directory; tests call this with their own."""
    snapshot = directory.current()
    hub = parcel.Hub(snapshot.hub, snapshot.network)
    judge = Judge(directory, store.log, store.dossiers)
    voice = HubVoice(hub.id, hub.network, keys, store.log)
    metrics, limits = Metrics(), settings.limits
    paces = Paces(Pace(limits.refusals_per_s), Pace(limits.posts_per_s), Pace(limits.calls_per_s))
    giving = Giving(judge, store.log, store.outbox, store.dossiers, voice, hub)
    return Services(
        issuer=settings.origin(),
        hub=hub,
        store=store,
        directory=directory,
        keys=keys,
        accepting=Accepting(
            store.log, store.dossiers, store.ledger, directory, keys, hub.id, clock, metrics, paces.posts
        ),
        reading=Reading(
            store.log, store.dossiers, store.subscriptions, judge, Workflows(store.log, store.dossiers, directory), hub
        ),
        giving=giving,
        voice=voice,
        clock=clock,
        limits=limits,
        metrics=metrics,
        paces=paces,
        adapters=frozenset(ADAPTERS),
    )


def reminding(services: Services) -> Reminding:
    """What tells who is late; of a router."""
    store = services.store
    return Reminding(
        store.deadlines,
        services.reading.workflows,
        store.log,
        store.outbox,
        store.subscriptions,
        services.voice,
        services.directory,
        services.clock,
    )


def router_of(services: Services, name: str) -> Router:
    """One router of this hub; tests call this too."""
    store, watching = services.store, reminding(services)
    planning = Planning(
        store.log,
        store.dossiers,
        store.subscriptions,
        services.giving.judge,
        services.voice,
        watching,
        services.clock,
    )
    return Router(store.log, store.leases, store.outbox, planning, watching, services.clock, name, services.metrics)


def _workers(services: Services, outgoing: Outgoing) -> dict[str, Worker]:
    store, giving, clock = services.store, services.giving, services.clock
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(3)}"
    router = router_of(services, name)
    push_for = partial(_push_for, services, outgoing)
    courier = Courier(
        store.outbox, store.dossiers, store.subscriptions, giving, push_for, clock, name, metrics=services.metrics
    )
    return {"router": router.run, "courier": courier.run}


def _push_for(services: Services, outgoing: Outgoing, held: Held) -> Push:
    """The adapter for one subscription, allowed to reach what the directory says its agency's endpoints may be."""
    agency = services.directory.current().agency(held.agency)
    make = ADAPTERS[held.subscription.adapter].push
    if make is None:
        raise Broken(f"{held.subscription.adapter} is read, not pushed to")
    return make(
        Means(
            outgoing=outgoing,
            allowance=Allowance.of(agency.http_endpoints, agency.private_networks) if agency else Allowance(),
            sign=partial(services.keys.sign_bytes, "webhook"),
            secret=held.secret,
        )
    )
