"""What somebody might try: forgeries, replays and mistakes, made from an alert that was signed properly."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from broker.client import Draft, Signed, sign
from broker.demo.world import World
from broker.trust import jws
from broker.trust.keys import PrivateKey, generate
from schemas.envelope import SaltedPart
from schemas.statement import ALERT_EVENT

YESTERDAY_S = 24 * 3600


@dataclass(frozen=True, slots=True)
class Bench:
    """What a tamperer has at hand: the alert as it was signed, a draft that says the same, and who said it."""

    world: World
    issuer: str
    signed: Signed
    draft: Draft

    @property
    def agency(self) -> str:
        return self.world.ids[self.issuer]

    @property
    def key(self) -> PrivateKey:
        return self.world.keys[self.issuer]["statement"]

    def again(self, key: PrivateKey, network: str | None = None) -> Signed:
        """A new statement that says the same, by this key."""
        return sign(key, self.agency, network or self.world.network, self.draft)

    def restated(self, signed: Signed, changed: Mapping[str, Any], typ: str = jws.STATEMENT_TYP) -> Signed:
        """The statement with other claims, signed by its issuer's own key."""
        return Signed(jws.sign(self.key, typ, {**signed.claims, **changed}), signed.parts)


def _forged(bench: Bench) -> Signed:
    """The payload is changed, the signature stays."""
    claims = _louder(bench.signed)
    header, _, signature = bench.signed.statement.split(".")
    payload = jws.encode(json.dumps(claims, ensure_ascii=False, separators=(",", ":")).encode())
    return Signed(f"{header}.{payload}.{signature}", bench.signed.parts)


def _conflict(bench: Bench) -> Signed:
    """The issuer signs something else under an id that it has used."""
    return bench.restated(bench.signed, _louder(bench.signed))


def _other_bytes(bench: Bench) -> Signed:
    """As long as what was signed, and different."""
    fresh = bench.again(bench.key)
    main = fresh.parts["main"]
    data = jws.decode(main.data)
    changed = SaltedPart(salt=main.salt, data=jws.encode(data[:-1] + b"!"))
    return Signed(fresh.statement, {**fresh.parts, "main": changed})


def _stale(bench: Bench) -> Signed:
    return bench.restated(bench.again(bench.key), {"iat": int(time.time()) - YESTERDAY_S})


def _cosigned(bench: Bench) -> Signed:
    """A detached signature by a key that nobody knows stands beside the issuer's own (RFC 7515 appendix F)."""
    fresh = bench.again(bench.key)
    header, _, signature = jws.sign(generate(), jws.STATEMENT_TYP, fresh.claims).split(".")
    return Signed(fresh.statement, fresh.parts, (f"{header}..{signature}",))


def _louder(signed: Signed) -> dict[str, Any]:
    """The same claims with a higher severity."""
    claims = dict(signed.claims)
    claims["events"] = {ALERT_EVENT: {**claims["events"][ALERT_EVENT], "severity": "extreme"}}
    return claims


HOW: Mapping[str, Callable[[Bench], Signed]] = {
    "forged": _forged,
    "stranger": lambda bench: bench.again(generate()),
    "other-agency": lambda bench: bench.again(bench.world.keys["police"]["statement"]),
    "other-use": lambda bench: bench.again(bench.world.keys[bench.issuer]["auth"]),
    "cosigned": _cosigned,
    "retry": lambda bench: bench.signed,
    "conflict": _conflict,
    "other-bytes": _other_bytes,
    "stale": _stale,
    "other-network": lambda bench: bench.again(bench.key, "https://demo.example/test"),
    "old-key": lambda bench: bench.again(bench.world.keys[bench.issuer]["old"]),
    "other-type": lambda bench: bench.restated(bench.again(bench.key), {}, typ="JWT"),
}
"""By the words of `alerts/refused.yaml`."""
