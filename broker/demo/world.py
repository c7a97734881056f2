"""The demo's agencies: `world.yaml`, with fresh keys, as a directory that a hub serves."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from broker.demo import certificate
from broker.trust.keys import PrivateKey, generate, save_file
from schemas.terms import Alg

WORLD = Path(__file__).with_name("world.yaml")
HUB_USES = ("statement", "receipt", "webhook", "log", "auth")
OLD_KEY_OF = "ddm"
"""Has one more key, which ended yesterday."""
PIECES = ("communities", "agreements", "delegations", "caveats", "profiles")
LINE_TEST = "hub.test"
_OURS = ("short", "label", "system", "way", "alg", "subscription")
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Partner:
    """An agency whose system subscribes: a column of the table."""

    short: str
    id: str
    label: str
    system: str
    way: str
    """`stream`, `https` or `http`."""
    subscription: Mapping[str, Any]


class World:
    """A folder with keys, certificates and the directory, all made when it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._stated = yaml.safe_load(WORLD.read_text("utf-8"))
        self.network: str = self._stated["network"]
        self.hub: str = self._stated["hub"]
        self.ids: dict[str, str] = {each["short"]: each["id"] for each in self._stated["agencies"]}
        self.partners = [_partner(each) for each in self._stated["agencies"] if "subscription" in each]
        self.keys: dict[str, dict[str, PrivateKey]] = {}
        """By short name, then by use."""
        self._hub_keys: dict[str, PrivateKey] = {}
        self.version = 1

    @property
    def directory(self) -> Path:
        return self.folder / "directory"

    @property
    def certificates(self) -> Path:
        return self.folder / "certificates"

    def key_path(self, agency: str, use: str = "statement") -> Path:
        """As `broker keygen` names it; the agency by its short name."""
        id_ = self.ids[agency]
        return self.folder / "keys" / (f"{id_}.pem" if use == "statement" else f"{id_}.{use}.pem")

    def make_keys(self) -> None:
        """New keys for the hub and for every agency, in files of mode 600; and certificates."""
        for place in ("keys", "hub-keys"):
            (self.folder / place).mkdir(mode=0o700)
        for use in HUB_USES:
            self._hub_keys[use] = generate()
            save_file(self.folder / "hub-keys" / f"{use}.pem", self._hub_keys[use])
        for agency in self._stated["agencies"]:
            short = agency["short"]
            self.keys[short] = {"statement": generate(agency.get("alg", Alg.ED25519)), "auth": generate()}
            if short == OLD_KEY_OF:
                self.keys[short]["old"] = generate()
            for use, key in self.keys[short].items():
                save_file(self.key_path(short, use), key)
        certificate.write(self.certificates)

    def write_directory(self, http_origins: Mapping[str, str], suspended: frozenset[str] = frozenset()) -> None:
        """The folder of YAML; `http_origins` (by short name) may be reached without TLS."""
        self.directory.mkdir(exist_ok=True)
        agencies = [
            self._hub_entry(),
            *(self._entry(each, http_origins, suspended) for each in self._stated["agencies"]),
        ]
        pieces = {
            "communities": {name: self._stated[name] for name in PIECES},
            "agencies": {"network": self.network, "hub": self.hub, "version": self.version, "agencies": agencies},
        }
        for name, piece in pieces.items():
            written = self.directory / f".{name}.new"
            written.write_text(yaml.safe_dump(piece, allow_unicode=True, sort_keys=False, width=120), "utf-8")
            written.rename(self.directory / f"{name}.yaml")  # the hub never reads half a file

    def suspend(self, agency: str, http_origins: Mapping[str, str]) -> int:
        """A new version in which the agency is not active any more; its number."""
        self.version += 1
        self.write_directory(http_origins, frozenset({agency}))
        return self.version

    def _hub_entry(self) -> dict[str, Any]:
        records = [_record(key, use) for use, key in self._hub_keys.items()]
        return {"id": self.hub, "tier": "state", "active": True, "keys": records}

    def _entry(
        self, stated: Mapping[str, Any], http_origins: Mapping[str, str], suspended: frozenset[str]
    ) -> dict[str, Any]:
        short = stated["short"]
        line_test = {"domains": [LINE_TEST], "areas": ["*"], "statuses": ["test"], "severity": "minor"}
        entry = {name: value for name, value in stated.items() if name not in _OURS}
        entry["active"] = short not in suspended
        entry["keys"] = [_record(key, use) for use, key in self.keys[short].items()]
        entry["mandates"] = [*stated.get("mandates", ()), line_test]
        if stated.get("way") == "https":
            entry["private_networks"] = ["127.0.0.0/8"]
        if short in http_origins:
            entry["http_endpoints"] = [http_origins[short]]
        return entry


def _partner(stated: Mapping[str, Any]) -> Partner:
    way = stated.get("way", "stream")
    return Partner(stated["short"], stated["id"], stated["label"], stated["system"], way, stated["subscription"])


def _record(key: PrivateKey, use: str) -> dict[str, Any]:
    """As a directory has it."""
    now = datetime.now(UTC).replace(microsecond=0)
    old = use == "old"
    return {
        "kid": key.kid,
        "jwk": key.jwk,
        "alg": str(key.alg),
        "use": "statement" if old else use,
        "valid_from": (now - 400 * _DAY).isoformat(),
        "valid_until": (now - _DAY if old else now + 365 * _DAY).isoformat(),
    }
