"""Proofs of possession: what a registrar may enrol, and what not (docs/adr/0014)."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from broker.errors import Refused
from broker.trust import jws, sealing_keys
from broker.trust.keys import PrivateKey, generate, thumbprint
from broker.trust.possession import TYP, NotProven, check_proofs, prove, read_proof
from broker.trust.verify import still_valid
from schemas.directory import AgencyKey
from tests.unit import making
from tests.unit.making import DYKE, NETWORK, NOW, PROVINCE

DIRECTORY = making.directory()
NEW = generate()
WEAK = {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43}
"""A point of small order (RFC 8032)."""


def record(key: Any, use: str = "statement", **changes: Any) -> dict[str, Any]:
    """As keygen makes it."""
    return making.key_entry(key, use, alg=str(key.alg)) | changes


def enrolled(*tokens: str, agency: str = DYKE, **later: float) -> list[AgencyKey]:
    """What a registrar would enrol, so much later."""
    return check_proofs([read_proof(each) for each in tokens], agency, DIRECTORY, NOW + timedelta(**later))


def proof(key: PrivateKey = NEW, signer: PrivateKey | None = None, **changes: Any) -> str:
    """Of a key, by itself unless another signs; with other claims."""
    network, agency = changes.pop("network", NETWORK), changes.pop("agency", DYKE)
    return prove(record(key, **changes), agency, network, signer or key, NOW)


@pytest.mark.parametrize("alg", ["Ed25519", "ES256", "ML-DSA-65"])
@pytest.mark.parametrize("use", ["statement", "auth"])
def test_a_key_that_signs_its_own_proof_is_enrolled(alg: str, use: str) -> None:
    """Of each algorithm and use, for seven days."""
    key = generate(alg)
    token = prove(record(key, use), DYKE, NETWORK, key, NOW)
    [made] = enrolled(token, days=6.99)
    assert (made.kid, made.use, made.alg) == (key.kid, use, key.alg)


REFUSED: dict[str, tuple[str, Callable[[], list[AgencyKey]]]] = {
    "another's agency": ("agency", lambda: enrolled(proof(agency=PROVINCE))),
    "an unknown agency": ("agency", lambda: enrolled(proof(agency="vn.nobody"), agency="vn.nobody")),
    "another network": ("network", lambda: enrolled(proof(network="https://nts.example/test"))),
    "too old": ("expired", lambda: enrolled(proof(), days=7)),
    "from the future": ("expired", lambda: enrolled(proof(), minutes=-6)),
    "signed by another key": ("signature", lambda: enrolled(proof(signer=generate()))),
    "signed by the agency's old key": ("signature", lambda: enrolled(proof(signer=making.key(DYKE)))),
    "listed already": ("reused", lambda: enrolled(proof(making.key(DYKE)))),
    "listed for another agency": ("reused", lambda: enrolled(proof(making.key(PROVINCE)))),
    "given twice": ("reused", lambda: enrolled(proof(), proof(use="auth"))),
    "ended": ("ended", lambda: enrolled(proof(valid_until="2026-11-01T00:00:00Z"))),
    "misnamed": ("malformed", lambda: enrolled(prove(record(NEW, kid=generate().kid), DYKE, NETWORK, NEW, NOW))),
    "weak": ("weak", lambda: enrolled(_weak())),
    "with an officer": ("malformed", lambda: enrolled(proof(officer="officer-1"))),
    "revoked": ("malformed", lambda: enrolled(proof(revoked={"at": "2026-01-01T00:00:00Z"}))),
    "a private key": ("malformed", lambda: enrolled(proof(jwk={**NEW.jwk, "d": "A" * 43}))),
    "an alert": ("malformed", lambda: enrolled(jws.sign(NEW, jws.STATEMENT_TYP, {"iss": DYKE}))),
    "no token": ("malformed", lambda: enrolled("hello")),
    "too long": ("malformed", lambda: enrolled("a" * 20_000)),
}


def _weak() -> str:
    """A proof for a point of small order, whatever signs it."""
    weak = record(NEW, jwk=WEAK, kid=thumbprint(WEAK))
    return prove(weak, DYKE, NETWORK, NEW, NOW)


@pytest.mark.parametrize(("reason", "attempt"), REFUSED.values(), ids=REFUSED)
def test_what_must_not_be_enrolled(reason: str, attempt: Callable[[], object]) -> None:
    """Refused with a stable reason, and a sentence."""
    with pytest.raises(NotProven) as refused:
        attempt()
    assert refused.value.reason == reason
    assert str(refused.value)


def test_a_changed_proof_does_not_hold() -> None:
    """Nothing in it can be exchanged: another use under the same signature is refused."""
    header, _, signature = proof().split(".")
    _, other, _ = proof(use="auth").split(".")
    with pytest.raises(NotProven) as refused:
        enrolled(f"{header}.{other}.{signature}")
    assert refused.value.reason == "signature"


def seal(signer: PrivateKey) -> str:
    """The proof of a new key to seal with."""
    return prove(record(sealing_keys.generate(), "seal"), DYKE, NETWORK, signer, NOW)


def test_a_key_that_cannot_sign_is_vouched_for_by_the_agencys_statement_key() -> None:
    """By one that the directory lists, or one that is enrolled beside it; by no other."""
    assert [key.use for key in enrolled(seal(making.key(DYKE)))] == ["seal"]
    assert [key.use for key in enrolled(proof(), seal(NEW))] == ["statement", "seal"]
    for signer in (making.key(PROVINCE), making.key(DYKE, "auth"), generate(), NEW):
        with pytest.raises(NotProven) as refused:
            enrolled(seal(signer))
        assert refused.value.reason == "signature"


def test_one_that_fails_enrols_none() -> None:
    """All or nothing."""
    with pytest.raises(NotProven):
        enrolled(proof(), proof(generate(), signer=NEW))


def test_a_proof_is_no_statement() -> None:
    """Its `typ` is its own, so that it can be posted nowhere."""
    assert read_proof(proof()).framed.claims["iss"] == DYKE
    assert TYP != jws.STATEMENT_TYP


def test_two_statement_keys_are_valid_at_once_while_one_follows_the_other() -> None:
    """At a rotation what either signs is taken, and after its end what the first signs is not."""
    first = making.key_entry(making.key(DYKE), valid_until="2026-11-22T02:00:00Z")
    directory = making.directory(agencies={DYKE: {"keys": [first, making.key_entry(NEW)]}})
    later = NOW + timedelta(hours=2)
    by_first, by_next = (making.verified(making.claims(), world=directory, by=key) for key in (making.key(DYKE), NEW))
    still_valid(by_first, NOW)
    still_valid(by_next, NOW)
    still_valid(by_next, later)
    with pytest.raises(Refused) as refused:
        still_valid(by_first, later)
    assert refused.value.code == "key-not-valid"
