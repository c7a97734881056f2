"""The small registers in Redis: subscriptions, credentials, versions of the directory, entries of the ledger."""

import hashlib
import math
from collections.abc import AsyncIterator, Sequence
from typing import Final

from broker.ledger.receipts import Entry
from broker.ports.registers import ApiToken, Change, Held
from broker.store import keys
from broker.store.link import Link
from broker.store.texts import CHANGE, ENTRY, HELD, TOKEN
from broker.store.words import Value
from broker.trust.directory import Highest
from schemas.subscription import Subscription

PAGE: Final = 512
CHANGES: Final = 100_000
"""How many of an agency's changes are kept, at least; `change.lua` keeps as many."""


class RedisSubscriptions:
    """See `ports.Subscriptions`."""

    def __init__(self, link: Link) -> None:
        self._link = link

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
        held = Held(agency, subscription, secret, begins)
        return await self._change("create", held, change, HELD.write(held), most)

    async def get(self, subscription: str) -> Held | None:
        text = await self._link.command("HGET", keys.HELD, subscription)
        return None if text is None else HELD.read(text)

    async def all(self) -> Sequence[Held]:
        held = [HELD.read(text) for text in await self._link.command("HVALS", keys.HELD)]
        return sorted(held, key=lambda each: each.subscription.id)

    async def of(self, agency: str) -> Sequence[Held]:
        ids = sorted(await self._link.command("SMEMBERS", keys.of_agency(agency)))
        texts = await self._link.command("HMGET", keys.HELD, *ids) if ids else []
        return [HELD.read(text) for text in texts if text is not None]  # one may be deleted between the two

    async def replace(self, held: Held, before: Held, change: Change | None = None) -> bool:
        text = await self._link.command("HGET", keys.HELD, before.subscription.id)
        if text is None or HELD.read(text) != before:  # compared as read: another release may write it otherwise
            return False
        return await self._change("replace", held, change, HELD.write(held), text)

    async def delete(self, subscription: str, change: Change | None = None) -> None:
        if held := await self.get(subscription):
            await self._change("delete", held, change)

    async def note(self, agency: str, change: Change) -> None:
        most = ("MAXLEN", "~", CHANGES)
        await self._link.command("XADD", keys.history(agency), *most, "*", "c", CHANGE.write(change))

    async def history(self, agency: str) -> Sequence[Change]:
        """Page by page, so that nobody's long history holds up the others."""
        told: list[Change] = []
        after = "-"
        while page := await self._link.command("XRANGE", keys.history(agency), after, "+", "COUNT", PAGE):
            told += (CHANGE.read(fields["c"]) for _, fields in page)
            after = f"({page[-1][0]}"
        return told

    async def revision(self) -> int:
        return int(await self._link.command("GET", keys.REVISION) or 0)

    async def _change(self, how: str, held: Held, change: Change | None, *words: Value) -> bool:
        names = (keys.HELD, keys.REVISION, keys.of_agency(held.agency), keys.history(held.agency))
        said = CHANGE.write(change) if change else ""
        return bool(await self._link.script("change", names, (how, held.subscription.id, said, *words)))


class RedisCredentials:
    """See `ports.Credentials`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def first_use(self, kind: str, value: str, seconds: float) -> bool:
        digest = hashlib.sha256(f"{kind}\0{value}".encode()).hexdigest()
        ms = max(1, math.ceil(seconds * 1000))
        return bool(await self._link.script("once", [keys.once(digest)], (ms,)))

    async def add_token(self, token: ApiToken) -> None:
        await self._link.command("HSET", keys.TOKENS, token.hash, TOKEN.write(token))

    async def token(self, hash_: str) -> ApiToken | None:
        text = await self._link.command("HGET", keys.TOKENS, hash_)
        return None if text is None else TOKEN.read(text)

    async def tokens(self, agency: str) -> Sequence[ApiToken]:
        held = [TOKEN.read(text) for text in await self._link.command("HVALS", keys.TOKENS)]
        return sorted((token for token in held if token.agency == agency), key=lambda token: (token.name, token.hash))

    async def revoke_token(self, hash_: str) -> None:
        await self._link.command("HDEL", keys.TOKENS, hash_)


class RedisDirectories:
    """See `ports.DirectoryHistory`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def keep(self, digest: str, document: str) -> None:
        await self._link.command("HSETNX", keys.DOCUMENTS, digest, document)

    async def document(self, digest: str) -> str | None:
        document: str | None = await self._link.command("HGET", keys.DOCUMENTS, digest)
        return document

    async def highest(self) -> Highest | None:
        version, digest = await self._link.command("HMGET", keys.HIGHEST, "version", "digest")
        return None if version is None else Highest(int(version), digest)

    async def take(self, version: int, digest: str) -> Highest:
        stands, which = await self._link.script("take", [keys.HIGHEST], (version, digest))
        return Highest(int(stands), which)


class RedisLedger:
    """See `ports.Ledger`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def add(self, entry: Entry) -> None:
        await self._link.script("enter", (keys.LEDGER, keys.SAID), (entry.said, ENTRY.write(entry)))

    async def entries(self) -> AsyncIterator[Entry]:
        """From the first."""
        after = "-"
        while page := await self._link.command("XRANGE", keys.LEDGER, after, "+", "COUNT", PAGE):
            for _, fields in page:
                yield ENTRY.read(fields["e"])
            after = f"({page[-1][0]}"
