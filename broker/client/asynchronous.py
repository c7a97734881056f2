"""The client of a hub: one object for what an agency's system does with it (protocol §4, §6)."""

import json
import time
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Self, TypeVar

import httpx2
from pydantic import ValidationError

from broker.client.connection import Ask, Connection, Identity, Options, encoded
from broker.client.following import follow
from broker.client.posting import request_for
from broker.client.problem import ProblemError, invalid
from broker.client.sealing import usable
from broker.client.signing import Content, Draft, Signed, described, said_in, sign
from broker.client.verifying import (
    Expected,
    NotVerified,
    Received,
    kid_of_heartbeat,
    kids_of,
    verify,
    verify_heartbeat,
)
from broker.trust.keys import PrivateKey
from schemas.answers import (
    Accepted,
    AttemptsAnswer,
    CreatedSubscription,
    DeadAnswer,
    DecisionsAnswer,
    DeliveriesAnswer,
    Gaps,
    KeysAnswer,
    QueuedAnswer,
    ReceiptAnswer,
    ReciprocityAnswer,
    SubscriptionsAnswer,
    TestAnswer,
    WhatIfAnswer,
)
from schemas.base import Strict
from schemas.directory import KeyRecord
from schemas.discovery import Discovery
from schemas.reading import read
from schemas.subscription import NewSubscription, Subscription
from schemas.terms import KeyUse

Model = TypeVar("Model", bound=Strict)
JSON = {"Content-Type": "application/json"}
SUBSCRIPTIONS = "/v1/subscriptions"


class AsyncClient:
    """Signs, posts, subscribes, and verifies what it receives.

    `key` (use `statement`) is needed to sign, `auth_key` (use `auth`) for everything but posting and discovery.
    Refusals of the hub are `ProblemError`, what cannot be trusted is `NotVerified`. Key records are taken from the hub
    by their thumbprint, and kept; give `records` to trust those of your own copy of the directory instead.
    """

    def __init__(
        self,
        hub: str,
        agency: str | None = None,
        key: PrivateKey | None = None,
        auth_key: PrivateKey | None = None,
        *,
        options: Options | None = None,
        records: Mapping[str, KeyRecord] | None = None,
    ) -> None:
        options = options or Options()
        identity = Identity(agency, auth_key, options.client, options.scope) if agency and auth_key else None
        self._hub = Connection(hub, identity, options)
        self._agency = agency
        self._key = key
        self._trusted = records
        self._asked: dict[str, tuple[float, KeyRecord]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await self._hub.close()

    # The hub and its directory

    async def discover(self) -> Discovery:
        """Who the hub is, its limits and its keys."""
        return await self._hub.discovery()

    async def token(self) -> str:
        """An access token bound to this client's own key, for calls that this class does not know."""
        return (await self._hub.token()).value

    async def key_record(self, kid: str) -> KeyRecord:
        """The record of a key, from `records` where they were given, else from the hub; kept for a while."""
        if self._trusted is not None:
            if kid not in self._trusted:
                raise NotVerified("its key is not in the directory")
            return self._trusted[kid]
        if kid not in self._asked or self._hub.is_old(self._asked[kid][0]):
            answer = await self._hub.send(Ask("GET", f"/v1/directory/keys/{kid}"))
            self._asked[kid] = time.monotonic(), _read(KeyRecord, answer)
        return self._asked[kid][1]

    async def seal_keys(self, *agencies: str) -> tuple[KeyRecord, ...]:
        """The valid keys of use `seal` of all these agencies, for `Content(…, seal_for=…)`.

        From `records` where they were given; else the hub tells them, and whoever does not trust it with the content
        gives `records`. ProblemError `not-found` for an agency that has none.
        """
        return tuple([record for agency in agencies for record in await self._seal_keys_of(agency)])

    async def _seal_keys_of(self, agency: str) -> tuple[KeyRecord, ...]:
        if self._trusted is not None:
            found = usable(self._trusted.values(), agency)
        else:
            query = {"agency": agency, "use": KeyUse.SEAL}
            answer = await self._call("GET", "/v1/directory/keys", query=query)
            found = usable(_read(KeysAnswer, answer).keys, agency)
        if not found:
            raise ProblemError("not-found", f"No key of {agency} is known that a part could be sealed for.")
        return found

    # Posting

    async def sign(
        self,
        event: Mapping[str, Any],
        parts: Mapping[str, Content] | None = None,
        *,
        txn: str | None = None,
        toe: int | None = None,
        hide_addressing: bool = False,
        unsafe_unchecked: bool = False,
    ) -> Signed:
        """A statement of this agency for the hub's network; see `broker.client.signing.sign`."""
        if self._key is None or self._agency is None:
            raise ProblemError("untrusted", "Signing needs an agency and its key of use statement.")
        draft = Draft(event, parts or {}, txn, toe, hide_addressing)
        network = (await self.discover()).network
        return sign(self._key, self._agency, network, draft, unsafe_unchecked=unsafe_unchecked)

    async def post(self, signed: Signed, form: str | None = None) -> Accepted:
        """Posts these bytes, again where no answer came or the hub was busy; it returns once the alert is durable."""
        limits = (await self.discover()).limits
        return _read(Accepted, await self._hub.send(request_for(signed, limits.statement_header, form)))

    # Subscriptions

    async def subscribe(self, new: NewSubscription | Mapping[str, Any]) -> CreatedSubscription:
        """A new subscription; the secret of a `v1` webhook is told here, and never again."""
        body = _checked(NewSubscription, new).model_dump(mode="json", exclude_none=True, exclude_unset=True)
        answer = await self._call("POST", SUBSCRIPTIONS, body, repeatable=False)
        return _read(CreatedSubscription, answer)

    async def subscriptions(self) -> tuple[Subscription, ...]:
        return _read(SubscriptionsAnswer, await self._call("GET", SUBSCRIPTIONS)).subscriptions

    async def subscription(self, id_: str) -> Subscription:
        return _read(Subscription, await self._call("GET", f"{SUBSCRIPTIONS}/{id_}"))

    async def patch(self, id_: str, **changes: Any) -> Subscription:
        """Changes the members named; None takes one back to its default (RFC 7396)."""
        return _read(Subscription, await self._call("PATCH", f"{SUBSCRIPTIONS}/{id_}", changes))

    async def delete(self, id_: str) -> None:
        await self._call("DELETE", f"{SUBSCRIPTIONS}/{id_}")

    async def test(self, id_: str) -> str:
        """The delivery id of a test alert, to that subscription alone."""
        answer = await self._call("POST", f"{SUBSCRIPTIONS}/{id_}/test", repeatable=False)
        return _read(TestAnswer, answer).delivery

    async def attempts(self, id_: str, after: str | None = None) -> AttemptsAnswer:
        """One page of tries; `next` is the `after` of the following one."""
        query = {} if after is None else {"after": after}
        return _read(AttemptsAnswer, await self._call("GET", f"{SUBSCRIPTIONS}/{id_}/attempts", query=query))

    async def replay(
        self,
        id_: str,
        *,
        since: str | None = None,
        positions: str | None = None,
        alerts: tuple[str, ...] | None = None,
    ) -> int:
        """Asks for deliveries again, by exactly one of the three: how many were queued."""
        wanted = {"since": since, "positions": positions, "alerts": None if alerts is None else list(alerts)}
        body = {name: value for name, value in wanted.items() if value is not None}
        return _read(QueuedAnswer, await self._call("POST", f"{SUBSCRIPTIONS}/{id_}/replay", body)).queued

    async def dead(self, id_: str) -> DeadAnswer:
        """What the hub gave up delivering."""
        return _read(DeadAnswer, await self._call("GET", f"{SUBSCRIPTIONS}/{id_}/dead"))

    async def revive(self, id_: str, *deliveries: str) -> int:
        """Has these dead letters tried again, all where none is named: how many were queued."""
        body = {"deliveries": list(deliveries)} if deliveries else {"all": True}
        return _read(QueuedAnswer, await self._call("POST", f"{SUBSCRIPTIONS}/{id_}/dead", body)).queued

    async def gaps(self, id_: str, have: str) -> Gaps:
        """Which positions are missing beside those that the reader has (`1-40,42`)."""
        return _read(Gaps, await self._call("GET", f"{SUBSCRIPTIONS}/{id_}/gaps", query={"have": have}))

    # Reading

    async def alert(self, id_: str, purpose: str | None = None) -> Received:
        """The alert as released to this agency, verified."""
        query = {} if purpose is None else {"purpose": purpose}
        return await self.verify((await self._call("GET", f"/v1/alerts/{id_}", query=query)).text)

    async def receipt(self, id_: str) -> ReceiptAnswer:
        return _read(ReceiptAnswer, await self._call("GET", f"/v1/receipts/{id_}"))

    async def decisions(
        self,
        alert: str,
        *,
        subscription: str | None = None,
        agency: str | None = None,
        changes: bool = False,
        language: str = "en",
    ) -> DecisionsAnswer:
        """Who was released what, and what each rule said, in English (`en`) or Vietnamese (`vi`).

        `changes`: with the single changes that would alter it, told to the originator and to inspectors.
        """
        query = {"alert": alert, "subscription": subscription, "agency": agency, "changes": "true" if changes else None}
        named = {name: value for name, value in query.items() if value is not None}
        return _read(DecisionsAnswer, await self._call("GET", "/v1/decisions", query=named, language=language))

    async def deliveries(self, alert: str) -> DeliveriesAnswer:
        return _read(DeliveriesAnswer, await self._call("GET", "/v1/deliveries", query={"alert": alert}))

    async def reciprocity(
        self,
        *,
        with_: str | None = None,
        community: str | None = None,
        agency: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> ReciprocityAnswer:
        """What was given and received: with one agency, or with each member of a community; in the last 30 days.

        `agency`: another's counts, for inspectors. Times are RFC 3339.
        """
        query = {"with": with_, "community": community, "agency": agency, "since": since, "until": until}
        named = {name: value for name, value in query.items() if value is not None}
        return _read(ReciprocityAnswer, await self._call("GET", "/v1/reciprocity", query=named))

    async def whatif(
        self,
        alert: Draft | Signed,
        *,
        agencies: Sequence[str] = (),
        purposes: Sequence[str] = (),
        language: str = "en",
    ) -> WhatIfAnswer:
        """Who would get an alert that is not posted yet, and who would not, with what would change that.

        Of agencies that its addressing names, and of those given here, as far as there are terms with them. Its
        contents stay here.
        """
        event, addressing = said_in(alert) if isinstance(alert, Signed) else described(alert)
        asked = {"event": event, "agencies": list(agencies), "purposes": list(purposes), "changes": True}
        if addressing is not None:
            asked["addressing"] = dict(addressing)
        return _read(WhatIfAnswer, await self._call("POST", "/v1/whatif", asked, language=language))

    # Receiving

    async def stream(self, id_: str, last_event_id: str | None = None) -> AsyncGenerator[tuple[str, Received]]:
        """Without end: each delivery verified, with its cursor; after a break it goes on exactly where it was.

        Keep the cursor once you are done with a delivery, and begin after it next time. It waits out a hub that is away
        for a while; ProblemError when it refuses, NotVerified when a delivery is not what its originator signed, does
        not name the one before it, or is another than the hub's signed heartbeat tells.
        """
        most = 2 * (await self.discover()).limits.envelope
        path = f"{SUBSCRIPTIONS}/{id_}/stream"
        before: Received | None = None
        async for event in follow(self._hub, path, last_event_id, most):
            if event.event == "heartbeat":
                await self._check_heartbeat(event.data, id_, before)
            if event.event != "alert":
                continue
            received = await self.verify(event.data, id_)
            if before is not None:
                received.follow(before)
            before = received
            yield event.id, received

    async def verify(self, text: str, subscription: str | None = None) -> Received:
        """What the hub delivered by whatever way, checked; NotVerified says at which step it failed."""
        records = {kid: await self._record_for(kid) for kid in kids_of(text)}
        hub = await self.discover()
        return verify(text, records, Expected(hub.network, subscription, hub.hub))

    async def webhook_keys(self) -> tuple[KeyRecord, ...]:
        """The hub's keys that `verify_webhook` tries."""
        return tuple(record for record in (await self.discover()).keys if record.use is KeyUse.WEBHOOK)

    async def _check_heartbeat(self, data: str, id_: str, before: Received | None) -> None:
        """The hub signs how far the subscription is: at our position, the last text must be the one that we have."""
        try:
            proof = str(json.loads(data)["proof"])
        except (ValueError, TypeError, KeyError):
            raise NotVerified("a heartbeat cannot be read") from None
        records = {kid: await self._record_for(kid) for kid in (kid_of_heartbeat(proof),)}
        told = verify_heartbeat(proof, records, id_)
        if before is not None and before.hub.position == told.position and told.last != before.digest:
            raise NotVerified(f"the hub signed another text at position {told.position}")

    async def _record_for(self, kid: str) -> KeyRecord:
        try:
            return await self.key_record(kid)
        except ProblemError as why:
            if why.code == "not-found":
                raise NotVerified("its key is not in the directory") from None
            raise

    async def _call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, str] | None = None,
        repeatable: bool = True,
        language: str | None = None,
    ) -> httpx2.Response:
        content = None if body is None else encoded(body)
        headers = ({} if body is None else JSON) | ({} if language is None else {"Accept-Language": language})
        return await self._hub.call(Ask(method, path, query or {}, content, headers, repeatable))


def _read(model: type[Model], answer: httpx2.Response) -> Model:
    """An answer as readers read: what this version does not know, it ignores."""
    try:
        return read(model, json.loads(answer.content))
    except ValueError as why:
        raise ProblemError("unexpected-answer", f"The hub's answer is no {model.__name__}: {why}") from None


def _checked(model: type[Model], value: Model | Mapping[str, Any]) -> Model:
    try:
        return value if isinstance(value, model) else model.model_validate(value)
    except ValidationError as error:
        raise invalid(error, "invalid-request", f"This is no {model.__name__}.") from None
