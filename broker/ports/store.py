"""All ports of one engine."""

from typing import Protocol

from broker.ports.alert_log import AlertLog
from broker.ports.deadlines import Deadlines
from broker.ports.dossiers import Dossiers
from broker.ports.leases import Leases
from broker.ports.outbox import Outbox
from broker.ports.registers import Credentials, Ledger, Subscriptions
from broker.trust.directory import DirectoryHistory


class Store(Protocol):
    """All ports of one engine, and its life."""

    @property
    def log(self) -> AlertLog: ...

    @property
    def leases(self) -> Leases: ...

    @property
    def dossiers(self) -> Dossiers: ...

    @property
    def deadlines(self) -> Deadlines: ...

    @property
    def outbox(self) -> Outbox: ...

    @property
    def subscriptions(self) -> Subscriptions: ...

    @property
    def credentials(self) -> Credentials: ...

    @property
    def directories(self) -> DirectoryHistory: ...

    @property
    def ledger(self) -> Ledger: ...

    async def open(self) -> None:
        """Connects, and checks the schema version of what is there (`Broken` says what does not fit)."""
        ...

    async def close(self) -> None: ...

    async def ping(self) -> None:
        """Raises `Unavailable` unless the engine can write durably now."""
        ...
