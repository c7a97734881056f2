"""The agencies of a small world (`tests/e2e/world.py`), and what they say in these tests."""

import hashlib
import json
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from broker.trust import jws
from broker.trust.keys import PrivateKey, load_jwk
from schemas.statement import ALERT_EVENT
from tests.e2e import world

Json = dict[str, Any]

DYKE, POLICE, HEALTH, BANK = "vn.mae.dyke", "vn.mps.c02", "vn.moh", "vn.sbv.bank"
THAI_POLICE, LAO_POLICE = "th.police", "la.police"
CONTENT = "Vỡ đê ở bờ tả sông Hồng"
"""A sentence that stands in every headline and part here, and so must stand in no log line."""


@dataclass(frozen=True)
class World:
    """A folder with a directory, the hub's keys and the agencies'."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, **changes: Any) -> "World":
        """Fresh keys; `changes` to the directory's entry of every agency but the hub."""
        world.write(folder, "http://127.0.0.1:9", datetime.now(UTC))
        made = cls(folder)
        made.edit(lambda document: [agency.update(changes) for agency in document["agencies"][1:]])
        return made

    @property
    def directory(self) -> Path:
        return self.folder / "directory"

    def edit(self, change: Any) -> None:
        """Changes the directory's one file, in one step as seen from outside."""
        path = self.directory / "directory.json"
        document = json.loads(path.read_text())
        change(document)
        beside = path.with_suffix(".new")
        beside.write_text(json.dumps(document))
        beside.replace(path)

    def key(self, agency: str, name: str = "statement") -> PrivateKey:
        """A private key: `statement`, `auth`, and for some `expired` or `revoked`."""
        return _keys(self.folder / "keys.json")[agency][name]

    def signed(self, statement: Mapping[str, Any], key: PrivateKey | None = None) -> str:
        """The statement as its issuer signs it, unless another key is given."""
        return jws.sign(key or self.key(statement["iss"]), jws.STATEMENT_TYP, statement)


@cache
def _keys(path: Path) -> dict[str, dict[str, PrivateKey]]:
    told = json.loads(path.read_text())["agencies"]
    return {
        agency: {name: load_jwk(jwk) for name, jwk in keys.items() if name != "seal"} for agency, keys in told.items()
    }


@dataclass(frozen=True)
class Part:
    """A piece of content, with its salt."""

    data: bytes = f"<p>{CONTENT}</p>".encode()
    type: str = "text/html"
    id: str = "main"
    salt: bytes = field(default_factory=lambda: os.urandom(32))

    def described(self, **changes: Any) -> Json:
        """As the statement has it."""
        digest = "sha256:" + hashlib.sha256(self.salt + self.data).hexdigest()
        return {"id": self.id, "type": self.type, "size": len(self.data), "digest": digest, **changes}

    def carried(self) -> Json:
        """As the envelope has it."""
        return {"salt": jws.encode(self.salt), "data": jws.encode(self.data)}


def later(**by: float) -> str:
    """A time from now, RFC 3339."""
    return (datetime.now(UTC) + timedelta(**by)).isoformat(timespec="seconds")


def handling(tlp: str = "green", **more: Any) -> Json:
    """Terms without personal data."""
    return {"tlp": tlp, "onward": "none", "purpose": ["prevention"], "personal_data": "none", **more}


def personal(**changes: Any) -> Json:
    """Terms with all that personal data asks for; None takes a member away."""
    terms = handling(
        "amber",
        personal_data="ordinary",
        legal_basis={"instrument": "Law 91/2025/QH15", "article": "17"},
        erase_after=later(days=30),
        person={"neutrality": "interpol-article-3"},
    )
    return {name: value for name, value in {**terms, **changes}.items() if value is not None}


def alert(*to: str, tlp: str = "green", **changes: Any) -> Json:
    """A flood warning to these, or to the ministry of health; None takes a member away."""
    event = {
        "kind": "alert",
        "product": "warning",
        "status": "actual",
        "domain": "disaster.flood",
        "urgency": "immediate",
        "severity": "severe",
        "certainty": "observed",
        "expires": later(days=1),
        "headline": {"vi": CONTENT, "en": "Dyke breach on the Red River"},
        "handling": handling(tlp),
        "addressing": {"to": list(to or (HEALTH,)), "release_to": [], "not_to": []},
    }
    return {name: value for name, value in {**event, **changes}.items() if value is not None}


def claims(event: Json, issuer: str = DYKE, **changes: Any) -> Json:
    """The claims of a statement, signed now."""
    told = {"iss": issuer, "jti": f"{issuer}/{uuid.uuid4()}", "iat": int(time.time()), "aud": world.NETWORK}
    return {**told, "events": {ALERT_EVENT: event}, **changes}
