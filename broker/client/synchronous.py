"""The same client for programs without an event loop: same words, one call after the other."""

import asyncio
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any, Self, TypeVar

from broker.client.asynchronous import AsyncClient
from broker.client.signing import Content, Draft, Signed
from broker.client.verifying import Received
from broker.trust.keys import PrivateKey
from schemas.answers import (
    Accepted,
    AttemptsAnswer,
    CreatedSubscription,
    DeadAnswer,
    DecisionsAnswer,
    DeliveriesAnswer,
    Gaps,
    ReceiptAnswer,
    ReciprocityAnswer,
    WhatIfAnswer,
)
from schemas.directory import KeyRecord
from schemas.discovery import Discovery
from schemas.subscription import NewSubscription, Subscription

Answer = TypeVar("Answer")


class Client:
    """`AsyncClient` on an event loop of its own; for one thread, and not within a running loop."""

    def __init__(
        self,
        hub: str,
        agency: str | None = None,
        key: PrivateKey | None = None,
        auth_key: PrivateKey | None = None,
        **options: Any,
    ) -> None:
        """`options` are those of AsyncClient."""
        self._runner = asyncio.Runner()
        self._client = AsyncClient(hub, agency, key, auth_key, **options)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._run(self._client.close())
        self._runner.close()

    def discover(self) -> Discovery:
        return self._run(self._client.discover())

    def token(self) -> str:
        return self._run(self._client.token())

    def key_record(self, kid: str) -> KeyRecord:
        return self._run(self._client.key_record(kid))

    def seal_keys(self, *agencies: str) -> tuple[KeyRecord, ...]:
        return self._run(self._client.seal_keys(*agencies))

    def sign(self, event: Mapping[str, Any], parts: Mapping[str, Content] | None = None, **more: Any) -> Signed:
        return self._run(self._client.sign(event, parts, **more))

    def post(self, signed: Signed, form: str | None = None) -> Accepted:
        return self._run(self._client.post(signed, form))

    def subscribe(self, new: NewSubscription | Mapping[str, Any]) -> CreatedSubscription:
        return self._run(self._client.subscribe(new))

    def subscriptions(self) -> tuple[Subscription, ...]:
        return self._run(self._client.subscriptions())

    def subscription(self, id_: str) -> Subscription:
        return self._run(self._client.subscription(id_))

    def patch(self, id_: str, **changes: Any) -> Subscription:
        return self._run(self._client.patch(id_, **changes))

    def delete(self, id_: str) -> None:
        self._run(self._client.delete(id_))

    def test(self, id_: str) -> str:
        return self._run(self._client.test(id_))

    def attempts(self, id_: str, after: str | None = None) -> AttemptsAnswer:
        return self._run(self._client.attempts(id_, after))

    def replay(self, id_: str, **what: Any) -> int:
        return self._run(self._client.replay(id_, **what))

    def dead(self, id_: str) -> DeadAnswer:
        return self._run(self._client.dead(id_))

    def revive(self, id_: str, *deliveries: str) -> int:
        return self._run(self._client.revive(id_, *deliveries))

    def gaps(self, id_: str, have: str) -> Gaps:
        return self._run(self._client.gaps(id_, have))

    def alert(self, id_: str, purpose: str | None = None) -> Received:
        return self._run(self._client.alert(id_, purpose))

    def receipt(self, id_: str) -> ReceiptAnswer:
        return self._run(self._client.receipt(id_))

    def decisions(self, alert: str, **asked: Any) -> DecisionsAnswer:
        return self._run(self._client.decisions(alert, **asked))

    def deliveries(self, alert: str) -> DeliveriesAnswer:
        return self._run(self._client.deliveries(alert))

    def reciprocity(self, **asked: Any) -> ReciprocityAnswer:
        return self._run(self._client.reciprocity(**asked))

    def whatif(self, alert: Draft | Signed, **asked: Any) -> WhatIfAnswer:
        return self._run(self._client.whatif(alert, **asked))

    def stream(self, id_: str, last_event_id: str | None = None) -> Iterator[tuple[str, Received]]:
        coming = self._client.stream(id_, last_event_id)
        try:
            while True:
                yield self._run(coming.__anext__())
        finally:
            self._run(coming.aclose())

    def verify(self, text: str, subscription: str | None = None) -> Received:
        return self._run(self._client.verify(text, subscription))

    def webhook_keys(self) -> tuple[KeyRecord, ...]:
        return self._run(self._client.webhook_keys())

    def _run(self, call: Coroutine[Any, Any, Answer]) -> Answer:
        return self._runner.run(call)
