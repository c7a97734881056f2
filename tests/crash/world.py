"""Who posts and who reads in a crash run: six issuers over all four partitions, three readers, ten subscriptions.

Small enough that every way of ending occurs within a minute: what an issuer may not give to a reader is withheld, some
alerts expire within seconds, some are updated or cancelled, and some endpoints fail.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.e2e import world

Json = dict[str, Any]

ISSUERS = ("vn.dyke", "vn.quake", "vn.met", "vn.sea", "vn.storm", "vn.hue")
"""Of the partitions 0, 1, 2, 3, 0, 2."""
HEALTH, CIVIL, BANK = "vn.moh", "vn.civil", "vn.bank"
MAY_GIVE = {HEALTH: frozenset(ISSUERS), CIVIL: frozenset({"vn.dyke", "vn.met", "vn.sea"}), BANK: frozenset[str]()}
"""Reader to the issuers that have an agreement with it; all of them address health and civil, none the bank."""
SEVERITIES = ("minor", "moderate", "severe", "extreme")
FLOOD, STORM, FIRE = "disaster.flood", "disaster.storm", "disaster.fire"


@dataclass(frozen=True)
class Wish:
    """A subscription to be made: `endpoint` names how the receiver treats it, "" is a stream."""

    agency: str
    endpoint: str
    order: str = "none"
    domains: tuple[str, ...] = (FLOOD, STORM)
    severity: str = "minor"

    @property
    def troubled(self) -> bool:
        """Whether its endpoint fails at times, so that deliveries may end dead."""
        return self.endpoint not in {"", "well", "slow"}

    def wants(self, domain: str, severity: str) -> bool:
        """The filter, as the checker understands it."""
        return domain in self.domains and SEVERITIES.index(severity) >= SEVERITIES.index(self.severity)

    def may_have(self, issuer: str) -> bool:
        """Whether release gives it what this issuer says."""
        return issuer in MAY_GIVE[self.agency]


WISHES = (
    Wish(HEALTH, "well"),
    Wish(HEALTH, "well", order="issuer"),
    Wish(HEALTH, "slow", order="issuer", domains=(FLOOD,)),
    Wish(HEALTH, "well", severity="severe"),
    Wish(HEALTH, "fails"),
    Wish(HEALTH, "flaps", order="issuer", domains=(STORM,)),
    Wish(HEALTH, "gone", domains=(FLOOD,), severity="moderate"),
    Wish(HEALTH, "dead", domains=(FIRE,)),
    Wish(HEALTH, "", domains=(FLOOD, STORM, FIRE)),
    Wish(CIVIL, "well", order="issuer"),
    Wish(BANK, "well"),
)


def write(folder: Path, origin: str, now: datetime) -> Json:
    """The directory, the hub's keys; the agencies' private JWKs by agency and use are the answer."""
    hub_keys = {use: world._fresh(use, now) for use in world.HUB_USES}
    agencies = {
        agency: {use: world._fresh(use, now) for use in ("statement", "auth")} for agency in (*ISSUERS, *MAY_GIVE)
    }
    for place in ("directory", "hub-keys"):
        (folder / place).mkdir(parents=True, exist_ok=True)
    for use, key in hub_keys.items():
        world._secret(folder / "hub-keys" / f"{use}.json", key.jwk | {"kid": key.kid, "use": use, "alg": key.alg})
    document = _directory(hub_keys, agencies, origin)
    (folder / "directory" / "directory.json").write_text(json.dumps(document))
    return {agency: {use: key.jwk for use, key in keys.items()} for agency, keys in agencies.items()}


def _directory(hub_keys: dict[str, world.Key], agencies: dict[str, dict[str, world.Key]], origin: str) -> Json:
    entries = [world._agency(agency, "state", keys) for agency, keys in agencies.items()]
    for entry in entries:
        if entry["id"] in MAY_GIVE:
            entry["http_endpoints"] = [origin]
    terms = world._terms(["disaster"], world._TLPS)
    return {
        "network": world.NETWORK,
        "version": 1,
        "hub": world.HUB,
        "agencies": [world._agency(world.HUB, "state", hub_keys), *entries],
        "communities": [],
        "agreements": [
            {"from": issuer, "to": reader, **terms}
            for reader, issuers in MAY_GIVE.items()
            for issuer in sorted(issuers)
        ],
    }
