"""What an agency may ask of its own subscriptions (protocol §6)."""

import asyncio
import base64
import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from broker.caller import Caller
from broker.clock import Clock, system_clock, told
from broker.errors import Fault, Refused
from broker.giving import Giving, Sending
from broker.notices import HubVoice
from broker.policy.ways import Way
from broker.ports.outbox import Attempt, Opened
from broker.ports.registers import Change, Held
from broker.ports.store import Store
from broker.positions import Positions, read_ranges
from broker.settings import Limits
from broker.trust.directory import Directory
from broker.ways import PUSH, is_push, way_of
from schemas.answers import Gaps
from schemas.base import instant
from schemas.requests import Replay
from schemas.subscription import Health, NewSubscription, Subscription, SubscriptionPatch, SubscriptionState

PAGE = 256
NOBODYS = '{"id": "sub_0", "adapter": "stream", "purpose": ["prevention"]}'
"""What stands in for a subscription that is not there."""
DECISIONS = 1_000
"""How many are made in answer to one question for gaps."""
TRIES = 16
"""How often the next position is asked for while others take it, and a patch is made while others change it."""


@dataclass(frozen=True, slots=True)
class Subscribing:
    """Every call refuses with `not-found` what is not the caller's."""

    store: Store
    directory: Directory
    giving: Giving
    voice: HubVoice
    adapters: frozenset[str]
    clock: Clock = system_clock
    most: int = Limits().subscriptions
    """Subscriptions of one agency."""

    async def create(self, caller: Caller, new: NewSubscription) -> tuple[Subscription, str | None]:
        """The subscription, and the webhook secret that is told this once. It gets what is accepted from now on."""
        self._check(caller.agency, new)
        subscription = Subscription(id="sub_" + secrets.token_urlsafe(12), **dict(new))
        secret = None
        if new.settings.get("signing") == "v1":
            secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        tails = await self.store.log.tails()
        begins = tuple(tails[partition] for partition in range(self.store.log.partitions))
        register = self.store.subscriptions
        change = Change(told(self.clock()), caller.name, "created", subscription.id)
        if not await register.create(caller.agency, subscription, secret, begins, most=self.most, change=change):
            fault = Fault("", f"at most {self.most} subscriptions of one agency: delete one first")
            raise Refused("invalid-request", "You have as many subscriptions as one agency may.", (fault,))
        await self.store.outbox.open_at(subscription.id, tails)
        return subscription, secret

    async def own(self, caller: Caller, id_: str) -> Held:
        """The caller's own subscription of that id."""
        held = await self.store.subscriptions.get(id_)
        if held is None:
            Subscription.model_validate_json(NOBODYS)  # read like any other, so that both refusals take as long
        if held is None or held.agency != caller.agency or caller.subscription not in (None, id_):
            raise Refused("not-found", "You have no subscription of that id.")
        return held

    async def all(self, caller: Caller) -> list[Subscription]:
        """The caller's own, each with its health."""
        held = await self.store.subscriptions.of(caller.agency)
        return [await self.told(caller, each) for each in held if caller.subscription in (None, each.subscription.id)]

    async def told(self, caller: Caller, held: Held) -> Subscription:
        """With its health: how much is owed. What a way may not carry does not exist for it (protocol §6), so who comes
        by such a way is told no number.
        """
        owed = await self.store.outbox.depth(held.subscription.id)
        health = Health(waiting=owed if caller.way is Way.READ_BOUND else None)
        return held.subscription.model_copy(update={"health": health})

    async def change(self, caller: Caller, id_: str, patch: SubscriptionPatch) -> Subscription:
        """RFC 7396, on what stands there then. ValidationError where the result would be no subscription."""
        for _ in range(TRIES):
            before = await self.own(caller, id_)
            held = self._patched(caller, before, patch)
            members = tuple(sorted(patch.model_fields_set))
            change = Change(told(self.clock()), caller.name, "changed", id_, members)
            if await self.store.subscriptions.replace(held, before, change):
                break
        else:
            raise Refused("busy", "The subscription is changed too often now.", retry_after=1)
        if held.subscription.state is SubscriptionState.ACTIVE:
            await self._wake(held)
        else:
            await self.store.outbox.signal(id_, push=is_push(held))  # who serves it sees that it is paused
        return await self.told(caller, held)

    def _patched(self, caller: Caller, held: Held, patch: SubscriptionPatch) -> Held:
        changed = held.subscription.patched(patch)
        self._check(caller.agency, changed)
        if changed.settings.get("signing") == "v1" and held.secret is None:
            fault = Fault("/settings/signing", "v1a, or a new subscription: the secret of v1 is told when one is made")
            raise Refused("invalid-request", "This subscription has no secret to sign with.", (fault,))
        return replace(held, subscription=changed)

    async def _wake(self, held: Held) -> None:
        """The owner wants something sent: an endpoint that was let be is tried at once."""
        id_, outbox = held.subscription.id, self.store.outbox
        breaker = await outbox.breaker(id_)
        if breaker.open:
            await outbox.trip(id_, replace(breaker, until=0.0))
        await outbox.signal(id_, push=is_push(held), owner=True)

    async def delete(self, caller: Caller, id_: str) -> None:
        """It is gone with all that it was owed."""
        held = await self.own(caller, id_)
        change = Change(told(self.clock()), caller.name, "deleted", id_)
        await self.store.subscriptions.delete(id_, change)
        await self.store.outbox.signal(id_, push=is_push(held))  # who serves it sees that it is gone
        await self.store.outbox.remove(id_)

    async def history(self, caller: Caller, agency: str | None, subscription: str | None) -> Sequence[Change]:
        """Who made, changed and ended what, oldest first: an agency's own; an inspector names any. Another's, and what
        never was, have none.
        """
        of = agency or caller.agency
        if of != caller.agency and "inspect" not in caller.scopes:
            return ()
        wanted = caller.subscription or subscription
        if caller.subscription is not None and subscription not in (None, caller.subscription):
            return ()
        return [each for each in await self.store.subscriptions.history(of) if wanted in (None, each.subscription)]

    async def test(self, caller: Caller, id_: str, now: datetime) -> str:
        """The delivery id of a test alert, its position already taken."""
        held = await self.own(caller, id_)
        alert = await self.voice.test(caller.agency, self.directory.current().digest, now)
        before = (await self.store.outbox.head(id_)).position
        owed = await self.store.outbox.add(id_, alert)
        for _ in range(TRIES):
            sending = await self.giving.prepare(held, way_of(held), owed, now)
            if isinstance(sending, Sending):
                await self._wake(held)
                return sending.opened.delivery
            if sending != "moved":
                break
            if taken := await self._taken(id_, alert, before):
                return taken.delivery
        raise Refused("busy", "The subscription is too busy for a test now.", retry_after=1)

    async def _taken(self, id_: str, alert: str, before: int) -> Opened | None:
        """What whoever serves the subscription made of the alert meanwhile, behind a position."""
        async for page in self._pages(id_, Positions([(1, before)] if before else [])):
            for opened in page:
                if opened.alert == alert and not opened.replaced:
                    return opened
        return None

    async def attempts(self, caller: Caller, id_: str, after: str | None) -> tuple[Sequence[Attempt], str | None]:
        """A page of attempts, oldest first, and where the next begins."""
        await self.own(caller, id_)
        return await self.store.outbox.attempts(id_, after, PAGE)

    async def dead(self, caller: Caller, id_: str) -> Sequence[Attempt]:
        """The last attempt of each dead letter."""
        await self.own(caller, id_)
        return await self.store.outbox.dead(id_)

    async def revive(self, caller: Caller, id_: str, deliveries: Sequence[str] | None, now: datetime) -> int:
        """Tries dead letters again: these, or all for None."""
        held = await self.own(caller, id_)
        dead = await self.store.outbox.dead(id_)
        positions = [each.position for each in dead if deliveries is None or each.delivery in deliveries]
        return await self._again(held, positions, now)

    async def replay(self, caller: Caller, id_: str, wanted: Replay, now: datetime) -> int:
        """Sends positions again: how many."""
        held = await self.own(caller, id_)
        is_wanted, queued = _wanted(wanted), 0
        async for page in self._pages(id_, _not_wanted(wanted)):
            positions = [each.position for each in page if not each.replaced and is_wanted(each)]
            queued += await self.store.outbox.again(id_, positions, now.timestamp())
        await self._wake(held)
        return queued

    async def _again(self, held: Held, positions: Sequence[int], now: datetime) -> int:
        queued = await self.store.outbox.again(held.subscription.id, positions, now.timestamp())
        await self._wake(held)
        return queued

    async def gaps(self, caller: Caller, id_: str, have: str, now: datetime) -> Gaps:
        """Which positions the reader lacks, and which of those may no longer be given, by the way it comes. What is
        beyond the first `DECISIONS` that must be decided is told as missing: it is lacked, and asking decides.
        """
        held = await self.own(caller, id_)
        way = way_of(held) if is_push(held) else caller.way
        had, missing, withheld = read_ranges(have), Positions(), Positions()
        decisions = DECISIONS
        async for page in self._pages(id_, had):
            for opened in page:
                if opened.replaced:
                    withheld.add(opened.position)
                elif decisions == 0 or await self.giving.may_have(held, way, opened, now):
                    missing.add(opened.position)
                else:
                    withheld.add(opened.position)
                decisions -= decisions > 0 and not opened.replaced
        head = await self.store.outbox.head(id_)
        return Gaps(last=head.position, missing=str(missing), withheld=str(withheld))

    async def _pages(self, id_: str, without: Positions) -> AsyncIterator[list[Opened]]:
        """What was given a position up to now, page by page, but for some of it. Others get their turn in between."""
        last = (await self.store.outbox.head(id_)).position
        after = without.through(1)
        while after < last and (page := await self.store.outbox.opened(id_, after, PAGE)):
            yield [each for each in page if each.position <= last and each.position not in without]
            after = without.through(page[-1].position + 1)
            await asyncio.sleep(0)

    def _check(self, agency: str, wanted: NewSubscription | Subscription) -> None:
        if wanted.adapter not in self.adapters:
            fault = Fault("/adapter", "one of " + ", ".join(sorted(self.adapters)))
            raise Refused("invalid-request", "This hub has no such adapter.", (fault,))
        if wanted.adapter in PUSH:
            self._check_url(agency, str(wanted.settings.get("url", "")))

    def _check_url(self, agency: str, url: str) -> None:
        parts = urlsplit(url)
        entry = self.directory.current().agency(agency)
        allowed = entry.http_endpoints if entry else ()
        if parts.scheme == "http" and f"http://{parts.netloc}" not in allowed:
            fault = Fault("/settings/url", "https, or an origin that the directory lists for you under http_endpoints")
            raise Refused("invalid-request", "Webhooks go over https.", (fault,))


def _not_wanted(wanted: Replay) -> Positions:
    """Where nothing is to be looked for. Refused where it cannot be read, although nothing was delivered yet."""
    return Positions() if wanted.positions is None else read_ranges(wanted.positions).others()


def _wanted(wanted: Replay) -> Callable[[Opened], bool]:
    """Of those that are looked for. Read once, however many deliveries are asked about."""
    if wanted.since is not None:
        since = told(instant(wanted.since))
        return lambda opened: opened.opened_at >= since
    if wanted.alerts is not None:
        alerts = frozenset(wanted.alerts)
        return lambda opened: opened.alert in alerts
    return lambda _: True
