"""The store in memory: every promise of the ports but to outlive the process. For tests and trials.

Nothing here awaits between a look and a change, so each method is as atomic as a script in Redis.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from time import monotonic, time

from broker.label import Label
from broker.ledger.receipts import Entry
from broker.ports.alert_log import Appended, LogEntry, Parked, StoredAlert
from broker.ports.dossiers import (
    Acknowledged,
    Consented,
    Decided,
    Ended,
    Exchange,
    Exchanged,
    Fact,
    Given,
    Matched,
    Standing,
    Stood,
)
from broker.ports.registers import ApiToken, Change, Held
from broker.store.bells import Bells
from broker.store.facts import (
    ends_of,
    exchange_field,
    exchanges_of,
    history,
    place_of,
    released_by,
    same,
    same_match,
    standing_of,
)
from broker.store.keys import APPENDED, partition_of
from broker.store.memory_outbox import MemoryOutbox
from broker.trust.directory import Highest
from schemas.subscription import Subscription

Timer = Callable[[], float]


class MemoryStore:
    """See `ports.Store`. `timer` (seconds) is the clock by which leases and claims lapse."""

    def __init__(self, *, partitions: int = 4, timer: Timer = monotonic) -> None:
        bells = Bells()
        self.leases = MemoryLeases(timer)
        self.log = MemoryLog(partitions, self.leases, bells)
        self.dossiers = MemoryDossiers()
        self.deadlines = MemoryDeadlines(partitions)
        self.outbox = MemoryOutbox(bells, timer)
        self.subscriptions = MemorySubscriptions()
        self.credentials = MemoryCredentials(timer)
        self.directories = MemoryDirectories()
        self.ledger = MemoryLedger()

    async def open(self) -> None:
        """Nothing to connect to."""

    async def close(self) -> None:
        """Everything ends with the process."""

    async def ping(self) -> None:
        """Memory always answers."""


@dataclass
class _Lease:
    holder: str | None = None
    token: int = 0
    until: float = 0.0


class MemoryLeases:
    """See `ports.Leases`."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._leases: defaultdict[str, _Lease] = defaultdict(_Lease)
        self._present: defaultdict[str, dict[str, float]] = defaultdict(dict)

    async def acquire(self, name: str, holder: str, seconds: float) -> int | None:
        lease = self._leases[name]
        if lease.holder != holder:
            if lease.holder is not None and lease.until > self._timer():
                return None
            lease.holder, lease.token = holder, lease.token + 1
        lease.until = self._timer() + seconds
        return lease.token

    async def release(self, name: str, holder: str) -> None:
        if self._leases[name].holder == holder:
            self._leases[name].holder = None

    async def present(self, group: str, member: str, seconds: float) -> int:
        there, now = self._present[group], self._timer()
        there[member] = now + seconds
        for each in [name for name, until in there.items() if until <= now]:
            del there[each]
        return len(there)

    def newest(self, name: str) -> int:
        return self._leases[name].token


class MemoryLog:
    """See `ports.AlertLog`."""

    def __init__(self, partitions: int, leases: MemoryLeases, bells: Bells) -> None:
        self._leases = leases
        self._bells = bells
        self._alerts: dict[str, StoredAlert] = {}
        self._entries: list[list[LogEntry]] = [[] for _ in range(partitions)]
        self._cursors = ["0-0"] * partitions
        self._parked: dict[str, Parked] = {}
        self._places = count(1)

    @property
    def partitions(self) -> int:
        return len(self._entries)

    async def append(self, alert: StoredAlert) -> Appended:
        id_ = alert.label.id
        if before := self._alerts.get(id_):
            return Appended(before, fresh=False)
        self._alerts[id_] = alert
        partition = partition_of(id_, self.partitions)
        position = f"{int(time() * 1000)}-{next(self._places)}"
        self._entries[partition].append(LogEntry(partition, position, id_))
        self._bells.ring(APPENDED)
        return Appended(alert, fresh=True)

    async def keep(self, alert: StoredAlert) -> StoredAlert:
        return self._alerts.setdefault(alert.label.id, alert)

    async def find(self, alert: str) -> StoredAlert | None:
        return self._alerts.get(alert)

    async def label(self, alert: str) -> Label | None:
        return self._alerts[alert].label if alert in self._alerts else None

    async def read(self, partition: int, after: str, limit: int) -> Sequence[LogEntry]:
        begin = place_of(after)
        return [entry for entry in self._entries[partition] if place_of(entry.position) > begin][:limit]

    async def wait(self, after: Mapping[int, str], seconds: float) -> None:
        tails = await self.tails()
        if not any(place_of(tails[partition]) > place_of(position) for partition, position in after.items()):
            await self._bells.wait(APPENDED, seconds)

    async def tails(self) -> Mapping[int, str]:
        return {number: entries[-1].position if entries else "0-0" for number, entries in enumerate(self._entries)}

    async def cursor(self, partition: int) -> str:
        return self._cursors[partition]

    async def routed(self, partition: int, position: str, token: int) -> bool:
        if token < 1 or token != self._leases.newest(f"partition-{partition}"):
            return False
        self._cursors[partition] = max(self._cursors[partition], position, key=place_of)
        return True

    async def park(self, entry: LogEntry, why: str, at: str) -> None:
        self._parked[entry.alert] = Parked(entry, why, at)

    async def parked(self) -> Sequence[Parked]:
        return sorted(self._parked.values(), key=lambda each: each.at)

    async def unpark(self, alert: str) -> None:
        self._parked.pop(alert, None)


@dataclass
class _Dossier:
    fate: dict[str, Stood | Consented] = field(default_factory=dict)
    given: dict[tuple[str, str], Given] = field(default_factory=dict)
    decided: defaultdict[tuple[str, str], list[Decided]] = field(default_factory=lambda: defaultdict(list))
    matched: list[Matched] = field(default_factory=list)
    released: set[str] = field(default_factory=set)
    ends: dict[tuple[str, str], Ended] = field(default_factory=dict)
    acks: dict[str, Acknowledged] = field(default_factory=dict)

    def add(self, fact: Fact) -> None:
        match fact:
            case Stood(change, cause):
                self.fate.setdefault(f"{change} {cause}", fact)
            case Consented(consent, _, _):
                self.fate.setdefault(f"consent {consent}", fact)
            case Given(agency, subscription, _):
                self.given.setdefault((agency, subscription), fact)
            case Decided() | Matched():
                self.released |= released_by(fact)
                self._decide(fact)
            case Ended(agency, subscription, _, _):
                before = self.ends.get((agency, subscription))
                if before is None or before.state != "delivered":
                    self.ends[agency, subscription] = fact
            case Acknowledged(_, ack, _, _):
                self.acks.setdefault(ack, fact)
            case Exchanged():
                pass  # of a pair, and not of one alert

    def _decide(self, fact: Decided | Matched) -> None:
        """Unless it only repeats the one before."""
        if isinstance(fact, Matched):
            if not self.matched or not same_match(self.matched[-1], fact):
                self.matched.append(fact)
            return
        said = self.decided[fact.agency, fact.subscription]
        if not said or not same(said[-1], fact):
            said.append(fact)


class MemoryDossiers:
    """See `ports.Dossiers`."""

    def __init__(self) -> None:
        self._dossiers: defaultdict[str, _Dossier] = defaultdict(_Dossier)
        self._exchanged: defaultdict[tuple[str, str, str], dict[str, str]] = defaultdict(dict)

    async def note(self, alert: str, *facts: Fact) -> None:
        for fact in facts:
            self._dossiers[alert].add(fact)
            if isinstance(fact, Exchanged):
                pair = self._exchanged[fact.issuer, fact.agency, fact.month]
                pair.setdefault(exchange_field(alert, fact), fact.at)

    async def give(self, alert: str, given: Given, decided: Decided, since: Standing, *more: Exchanged) -> bool:
        still = len(self._dossiers[alert].fate) == since.facts
        if still:
            await self.note(alert, given, decided, *more)
        return still

    async def standing(self, alert: str) -> Standing:
        return standing_of(self._dossiers[alert].fate.values())

    async def given(self, alert: str) -> Sequence[Given]:
        given = self._dossiers[alert].given.values()
        return sorted(given, key=lambda each: (each.at, each.agency, each.subscription))

    async def was_given(self, alert: str, agency: str) -> bool:
        return any(given.agency == agency for given in self._dossiers[alert].given.values())

    async def decisions(self, alert: str) -> Sequence[Decided]:
        dossier = self._dossiers[alert]
        return history(chain(*(match.decided for match in dossier.matched), *dossier.decided.values()))

    async def released_to(self, alert: str, agency: str) -> bool:
        return agency in self._dossiers[alert].released

    async def ends(self, alert: str) -> Sequence[Ended]:
        return ends_of(self._dossiers[alert].matched, self._dossiers[alert].ends.values())

    async def acknowledgements(self, alert: str) -> Sequence[Acknowledged]:
        return sorted(self._dossiers[alert].acks.values(), key=lambda each: (each.at, each.ack))

    async def exchanges(self, issuer: str, agency: str, month: str) -> Sequence[Exchange]:
        return exchanges_of(self._exchanged[issuer, agency, month].items())


class MemorySubscriptions:
    """See `ports.Subscriptions`."""

    def __init__(self) -> None:
        self._held: dict[str, Held] = {}
        self._of: defaultdict[str, set[str]] = defaultdict(set)
        self._history: defaultdict[str, list[Change]] = defaultdict(list)
        self._revision = 0

    async def create(
        self,
        agency: str,
        subscription: Subscription,
        secret: str | None,
        begins: tuple[str, ...] = (),
        *,
        most: int = 1_000,
        change: Change | None = None,
    ) -> bool:
        if len(self._of[agency]) >= most:
            return False
        self._held[subscription.id] = Held(agency, subscription, secret, begins)
        self._of[agency].add(subscription.id)
        self._changed(agency, change)
        return True

    async def get(self, subscription: str) -> Held | None:
        return self._held.get(subscription)

    async def all(self) -> Sequence[Held]:
        return sorted(self._held.values(), key=lambda each: each.subscription.id)

    async def of(self, agency: str) -> Sequence[Held]:
        return [self._held[id_] for id_ in sorted(self._of[agency])]

    async def replace(self, held: Held, before: Held, change: Change | None = None) -> bool:
        if self._held.get(before.subscription.id) != before:
            return False
        self._held[held.subscription.id] = held
        self._changed(held.agency, change)
        return True

    async def delete(self, subscription: str, change: Change | None = None) -> None:
        if (held := self._held.pop(subscription, None)) is not None:
            self._of[held.agency].remove(subscription)
            self._changed(held.agency, change)

    def _changed(self, agency: str, change: Change | None) -> None:
        self._revision += 1
        self._history[agency] += [change] if change else []

    async def note(self, agency: str, change: Change) -> None:
        self._history[agency].append(change)

    async def history(self, agency: str) -> Sequence[Change]:
        return list(self._history[agency])

    async def revision(self) -> int:
        return self._revision


class MemoryDeadlines:
    """See `ports.Deadlines`."""

    def __init__(self, partitions: int) -> None:
        self._partitions = partitions
        self._times: dict[str, float] = {}

    async def set(self, alert: str, at: float) -> None:
        self._times.setdefault(alert, at)

    async def over(self, partition: int, now: float, limit: int) -> Sequence[str]:
        due = ((at, each) for each, at in self._times.items() if at <= now)
        return [each for _, each in sorted(due) if partition_of(each, self._partitions) == partition][:limit]

    async def put_off(self, alert: str, at: float) -> None:
        if alert in self._times:
            self._times[alert] = at

    async def done(self, alert: str) -> None:
        self._times.pop(alert, None)


class MemoryCredentials:
    """See `ports.Credentials`."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._used: dict[tuple[str, str], float] = {}
        self._tokens: dict[str, ApiToken] = {}

    async def first_use(self, kind: str, value: str, seconds: float) -> bool:
        now = self._timer()
        self._used = {used: until for used, until in self._used.items() if until > now}
        if (kind, value) in self._used:
            return False
        self._used[kind, value] = now + seconds
        return True

    async def add_token(self, token: ApiToken) -> None:
        self._tokens[token.hash] = token

    async def token(self, hash_: str) -> ApiToken | None:
        return self._tokens.get(hash_)

    async def tokens(self, agency: str) -> Sequence[ApiToken]:
        own = (token for token in self._tokens.values() if token.agency == agency)
        return sorted(own, key=lambda token: (token.name, token.hash))

    async def revoke_token(self, hash_: str) -> None:
        self._tokens.pop(hash_, None)


class MemoryDirectories:
    """See `ports.DirectoryHistory`."""

    def __init__(self) -> None:
        self._documents: dict[str, str] = {}
        self._highest: Highest | None = None

    async def keep(self, digest: str, document: str) -> None:
        self._documents.setdefault(digest, document)

    async def document(self, digest: str) -> str | None:
        return self._documents.get(digest)

    async def highest(self) -> Highest | None:
        return self._highest

    async def take(self, version: int, digest: str) -> Highest:
        if self._highest is None or self._highest.version < version:
            self._highest = Highest(version, digest)
        return self._highest


class MemoryLedger:
    """See `ports.Ledger`."""

    def __init__(self) -> None:
        self._entries: dict[str, Entry] = {}

    async def add(self, entry: Entry) -> None:
        self._entries.setdefault(entry.said, entry)

    async def entries(self) -> AsyncIterator[Entry]:
        """From the first."""
        for entry in list(self._entries.values()):
            yield entry
