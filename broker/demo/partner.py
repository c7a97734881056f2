"""What the demo's partner systems share: what they are told, and what they write down.

A system talks with the demo by lines of JSON: it says where it listens, is told the hub, and says its subscriptions.
It ends when its standard input does, so that it never outlives the demo.
"""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from broker.client import AsyncClient, Options, Received
from broker.trust import jws
from broker.trust.folder import read_folder
from broker.trust.keys import load_file
from schemas.directory import KeyRecord
from schemas.statement import Claims, Notice


@dataclass(frozen=True, slots=True)
class Desk:
    """One agency whose system this is."""

    agency: str
    auth_key: Path
    subscription: Mapping[str, Any]
    """What it asks for, but for adapter and settings."""
    way: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the system is started with: a file of JSON."""

    desks: tuple[Desk, ...]
    directory: Path
    arrivals: Path
    certificates: Path

    @classmethod
    def read(cls, path: Path) -> "Told":
        value = json.loads(path.read_text("utf-8"))
        desks = tuple(
            Desk(each["agency"], Path(each["auth_key"]), each["subscription"], each["way"]) for each in value["desks"]
        )
        return cls(desks, Path(value["directory"]), Path(value["arrivals"]), Path(value["certificates"]))


class Line:
    """The way to the demo: a line in, a line out."""

    def __init__(self) -> None:
        self._reader = asyncio.StreamReader()

    async def open(self) -> None:
        protocol = asyncio.StreamReaderProtocol(self._reader)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)

    def say(self, **value: Any) -> None:
        print(json.dumps(value), flush=True)

    async def hear(self) -> dict[str, Any]:
        """The next line; EOFError when the demo is gone."""
        line = await self._reader.readline()
        if not line:
            raise EOFError
        value: dict[str, Any] = json.loads(line)
        return value

    async def until_it_ends(self) -> None:
        while await self._reader.readline():
            pass


def own_records(directory: Path) -> dict[str, KeyRecord]:
    """The keys of the directory as this system holds it itself: the hub's word is not needed for them."""
    snapshot = read_folder(directory)
    agencies = [agency.id for agency in snapshot.document.agencies]
    return {record.kid: record for agency in agencies for record in snapshot.keys_of(agency)}


def client_for(hub: str, desk: Desk, records: Mapping[str, KeyRecord]) -> AsyncClient:
    """Trusts the keys of `records` alone."""
    options = Options(client=desk.way, scope="read subscribe")
    return AsyncClient(hub, desk.agency, None, load_file(desk.auth_key), options=options, records=records)


class Record:
    """What arrived, a line each, written before it is acknowledged."""

    def __init__(self, path: Path) -> None:
        self._file: TextIO = path.open("a", encoding="utf-8")

    def close(self) -> None:
        self._file.close()

    def verified(self, agency: str, received: Received, at_ms: int) -> None:
        """Both layers held: the hub's, and the originator's."""
        self._write(agency, at_ms, verified=True, **_said(received))

    def doubtful(self, agency: str, why: str, at_ms: int) -> None:
        """Something came that cannot be trusted; nothing of it is used."""
        self._write(agency, at_ms, verified=False, why=why)

    def _write(self, agency: str, at_ms: int, **what: Any) -> None:
        self._file.write(json.dumps({"agency": agency, "at_ms": at_ms, **what}, ensure_ascii=False) + "\n")
        self._file.flush()


def now_ms() -> int:
    """Milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


def _said(received: Received) -> dict[str, Any]:
    common = {"id": received.id, "position": received.hub.position, "delivery": received.hub.delivery}
    if isinstance(received.said, Notice):
        return {**common, "notice": str(received.said.kind), "about": received.said.alert}
    return {**common, "statement": _receipt_digest(received), "kept_back": _kept_back(received.said, received)}


def _receipt_digest(received: Received) -> str | None:
    """The statement digest, from the receipt that was verified to be for it."""
    if received.hub.receipt is None:
        return None
    claims = json.loads(jws.decode(received.hub.receipt.split(".")[1]))
    return str(claims["statement"])


def _kept_back(said: Claims, received: Received) -> list[str]:
    stated = [part.id for part in getattr(said.event, "content_parts", ())]
    return [id_ for id_ in stated if id_ not in received.parts]
