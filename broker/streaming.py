"""One reader of a subscription's stream, from where it left off (protocol §6).

A cursor is a position. The reader first gets again what follows its cursor, then what is due again, then what is
owed; several readers of one subscription each get every position after their own cursor.
"""

import json
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from adapters.base import Event
from broker.clock import Clock, told
from broker.errors import Fault, Refused
from broker.giving import Giving, Instead, Sending
from broker.policy.ways import Way
from broker.ports.dossiers import Ended
from broker.ports.outbox import Attempt, Opened, Outbox, Owed
from broker.ports.registers import Held, Subscriptions
from broker.trust.hubkeys import HubKeys
from schemas.subscription import SubscriptionState

PAGE = 64
WAIT_S = 5.0


@dataclass
class Reader:
    """What one connection has been given. Not shared between tasks."""

    held: Held
    way: Way
    giving: Giving
    outbox: Outbox
    subscriptions: Subscriptions
    keys: HubKeys
    hub: str
    clock: Clock
    may_stay: Callable[[], Awaitable[bool]]
    """Whether what the reader showed when it came still holds."""
    cursor: int = 0
    _after: dict[bool, str] = field(default_factory=lambda: {True: "", False: ""})
    """How far each lane (urgent or not) was looked through: what must stay is looked at again after a wait."""
    _due_after: int = 0
    """The same of what is due."""
    _sent: dict[int, Sending] = field(default_factory=dict)

    async def begin(self, last_event_id: str | None) -> None:
        """Takes the place after `last_event_id`, or before the first that is owed. Refuses a cursor that never was."""
        head = await self.outbox.head(self.held.subscription.id)
        if last_event_id is None:
            first = await self.outbox.unsettled(self.held.subscription.id)
            self.cursor = head.position if first is None else first - 1
            return
        if not re.fullmatch("0|[1-9][0-9]{0,14}", last_event_id):  # as ids are written, and the beginning
            raise _unknown_cursor()
        self.cursor = int(last_event_id)
        if self.cursor > head.position:
            raise _unknown_cursor()

    async def events(self) -> AsyncGenerator[Event, None]:
        """While the subscription is active and the reader may stay. Each is `written` before the next."""
        while await self._still_active():
            sending = await self._next()
            if sending is not None:
                self._sent[sending.opened.position] = sending
                yield Event(str(sending.opened.position), sending.text)
            else:
                self._look_anew()
                await self.outbox.woken(self.held.subscription.id, WAIT_S)

    async def _next(self) -> Sending | None:
        return await self._after_cursor() or await self._due() or await self._owed()

    async def _after_cursor(self) -> Sending | None:
        """What has a position after the cursor, as it was; where its content changed, it comes at a later one."""
        while page := await self.outbox.opened(self.held.subscription.id, self.cursor, PAGE):
            for opened in page:
                if sending := await self._at(opened):
                    return sending
        return None

    async def _at(self, opened: Opened | None) -> Sending | None:
        """Goes past that position, once it is certain what became of it."""
        while opened is not None and not opened.replaced:
            result = await self.giving.prepare(self.held, self.way, opened, self.clock(), again=True)
            if result != "moved":
                self.cursor = opened.position
                return _at_its_position(result, opened)
            before = opened.position - 1  # another took the next position, or its fate changed meanwhile: look again
            opened = next(iter(await self.outbox.opened(self.held.subscription.id, before, 1)), None)
        if opened is not None:
            self.cursor = opened.position
        return None

    async def _due(self) -> Sending | None:
        """What was asked for again (replay), or what another connection took and did not write."""
        subscription = self.held.subscription.id
        while page := await self.outbox.due(subscription, float("inf"), PAGE, self._due_after):
            for opened in page:
                self._due_after = opened.position
                passed = opened.position <= self.cursor and opened.position not in self._sent
                if passed and (sending := await self._prepared(opened)):
                    return sending
        return await self._after_cursor()  # what took a new position stands there now

    async def _owed(self) -> Sending | None:
        """The first in the queue that this way may carry."""
        for urgent in (True, False):
            while page := await self._page(urgent=urgent):
                for owed in page:
                    self._after[urgent] = owed.ref
                    if await self._prepared(owed):
                        return await self._after_cursor()
        return None

    def _look_anew(self) -> None:
        self._after, self._due_after = {True: "", False: ""}, 0

    async def _page(self, *, urgent: bool) -> Sequence[Owed]:
        return await self.outbox.owed(self.held.subscription.id, PAGE, self._after[urgent], urgent=urgent)

    async def _prepared(self, what: Owed | Opened) -> Sending | None:
        """None also for what took a new position: it comes when the cursor gets there, so that ids only grow."""
        result = await self.giving.prepare(self.held, self.way, what, self.clock())
        return _at_its_position(result, what)

    async def written(self, event: Event) -> None:
        """Written is delivered (protocol §6)."""
        sending = self._sent.pop(int(event.cursor))
        opened, at = sending.opened, told(self.clock())
        subscription = self.held.subscription.id
        await self.giving.dossiers.note(opened.alert, Ended(self.held.agency, subscription, "delivered", at))
        attempt = Attempt(opened.delivery, opened.alert, opened.position, at, "delivered", None, 0, None, None)
        await self.outbox.settle(subscription, attempt, "delivered")

    async def heartbeat(self) -> str:
        """`{"position", "proof"}`: where the subscription stands, signed, so that a reader can prove a gap."""
        head = await self.outbox.head(self.held.subscription.id)
        claims = {
            "iss": self.hub,
            "iat": int(self.clock().timestamp()),
            "subscription": self.held.subscription.id,
            "position": head.position,
            "last": head.digest,
        }
        proof = self.keys.sign("receipt", "interagency-heartbeat+jwt", claims)
        return json.dumps({"position": head.position, "proof": proof}, separators=(",", ":"))

    async def _still_active(self) -> bool:
        held = await self.subscriptions.get(self.held.subscription.id)
        if not await self.may_stay() or held is None or held.subscription.state is not SubscriptionState.ACTIVE:
            return False
        self.held = held
        return True


def _at_its_position(result: Sending | Instead, what: Owed | Opened) -> Sending | None:
    if not isinstance(result, Sending):
        return None
    moved = isinstance(what, Opened) and result.opened.position != what.position
    return None if moved else result


def _unknown_cursor() -> Refused:
    fault = Fault("/Last-Event-ID", "the id of an event of this stream")
    return Refused("invalid-request", "That cursor never was one of this stream's.", (fault,))
