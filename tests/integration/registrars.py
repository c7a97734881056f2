"""A small world (`agencies.py`) whose directory three registrars sign, two of them enough."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from broker.trust.folder import snapshot_of
from broker.trust.keys import PrivateKey, generate
from broker.trust.published import Published, open_published, propose, put_together, sign_apart
from broker.trust.versions import write_version
from tests.integration.agencies import DYKE, HEALTH, POLICE, Json, World, later

HOLDERS = (DYKE, HEALTH, POLICE)


@dataclass(frozen=True)
class SignedWorld(World):
    """`directory` is the folder of published versions; `drafts` has the next one as people write it."""

    registrars: Sequence[PrivateKey] = field(default_factory=lambda: tuple(generate() for _ in HOLDERS))

    @classmethod
    def begin(cls, folder: Path) -> "SignedWorld":
        """With version 1 published."""
        World.make(folder)
        (folder / "directory").rename(folder / "drafts")
        made = cls(folder)
        made.redraft(made.add_registrars)
        made.publish()
        return made

    @property
    def directory(self) -> Path:
        return self.folder / "published"

    @property
    def drafts(self) -> Path:
        return self.folder / "drafts"

    @property
    def trust(self) -> str:
        """What the hub is told of the first version."""
        return f"2:{','.join(key.kid for key in self.registrars)}"

    def add_registrars(self, document: Json) -> None:
        for agency, key in zip(HOLDERS, self.registrars, strict=True):
            (entry,) = [each for each in document["agencies"] if each["id"] == agency]
            dates = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": later(days=700)}
            record = {"kid": key.kid, "jwk": key.jwk, "alg": key.alg, "use": "registrar", **dates}
            entry["keys"].append(record)
        document["registrars"] = {"threshold": 2, "keys": [key.kid for key in self.registrars]}
        document["expires"] = later(days=300)

    def redraft(self, change: Callable[[Json], None]) -> None:
        """Changes the text that is signed next."""
        path = self.drafts / "directory.json"
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))

    def next(self, before: Published | None = None, by: Sequence[int] = (0, 1)) -> Published:
        """The draft, signed by these registrars, on `before`."""
        document = snapshot_of(json.loads((self.drafts / "directory.json").read_text())).document
        lead = self.registrars[by[0]]
        key = {"alg": lead.alg, "kid": lead.kid}
        digest = before.digest if before else None
        text = propose(document, digest, key, HOLDERS[by[0]], datetime.now(UTC))
        return open_published(put_together(text, [sign_apart(self.registrars[each], text) for each in by]))

    def publish(self, before: Published | None = None, by: Sequence[int] = (0, 1)) -> Published:
        """The same, into the folder that hubs watch."""
        made = self.next(before, by)
        write_version(self.directory, made)
        return made
