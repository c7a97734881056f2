"""The outside of a sealed part (protocol §2, RFC 7516 §7.2.1)."""

import json
from base64 import urlsafe_b64encode
from typing import Any

import pytest

from broker.trust import sealing_keys
from broker.trust.jwe import NotSealed, compact, sealed_for
from tests.unit.trust.sealed import changed, sealed

ONE, OTHER = sealing_keys.generate(), sealing_keys.generate(sealing_keys.Curve.P_256)
JWE = sealed("Biên bản hỏi cung".encode(), ONE, OTHER)
RECIPIENTS = json.loads(JWE)["recipients"]


def _protected(**header: Any) -> bytes:
    return changed(JWE, protected=compact(header))


def _recipient(**members: Any) -> bytes:
    header = RECIPIENTS[0]["header"] | members
    kept = {name: value for name, value in header.items() if value is not None}
    return changed(JWE, recipients=[RECIPIENTS[0] | {"header": kept}])


def test_it_tells_for_whom_it_is() -> None:
    """The kids of a sealed part are its recipients', in their order."""
    assert sealed_for(JWE) == (ONE.kid, OTHER.kid)


def test_alg_may_stand_with_each_recipient() -> None:
    """`alg` stands in the protected header, or in that of every recipient, as libraries differ; nowhere twice."""
    with_each = [each | {"header": each["header"] | {"alg": "ECDH-ES+A256KW"}} for each in RECIPIENTS]
    assert sealed_for(changed(JWE, protected=compact({"enc": "A256GCM"}), recipients=with_each))
    for wrong in (
        changed(JWE, recipients=with_each),
        _protected(enc="A256GCM"),
        changed(JWE, protected=compact({"enc": "A256GCM"}), recipients=[with_each[0], RECIPIENTS[1]]),
    ):
        with pytest.raises(NotSealed):
            sealed_for(wrong)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"%PDF-1.7 plain",
        "Lũ khẩn cấp".encode(),
        b"{}",
        b'{"headline": "plain JSON"}',
        b"[]",
        JWE + b"x",
        JWE[:-1],
        JWE.replace(b'"iv":', b'"iv":"AAAAAAAAAAAAAAAA","iv":'),
        b".".join([b"eyJhbGciOiJkaXIifQ", b"", b"AAAAAAAAAAAAAAAA", b"AA", b"AAAAAAAAAAAAAAAAAAAAAA"]),
        changed(JWE, iv=None),
        changed(JWE, iv="AAAA"),
        changed(JWE, tag="AAAA"),
        changed(JWE, ciphertext="A"),
        changed(JWE, ciphertext="+/=="),
        changed(JWE, recipients=[]),
        changed(JWE, recipients=None, header=RECIPIENTS[0]["header"], encrypted_key=RECIPIENTS[0]["encrypted_key"]),
        changed(JWE, recipients=[RECIPIENTS[0], RECIPIENTS[0]]),
        changed(JWE, recipients=RECIPIENTS * 33),
        changed(JWE, recipients=[RECIPIENTS[0] | {"encrypted_key": ""}]),
        changed(JWE, unprotected={"zip": "DEF"}),
        changed(JWE, aad="AAAA"),
        changed(JWE, plaintext="AAAA"),
        _protected(alg="ECDH-ES+A256KW", enc="A256GCM", zip="DEF"),
        _protected(alg="ECDH-ES+A256KW", enc="A256GCM", crit=["exp"], exp=1),
        _protected(alg="ECDH-ES+A256KW", enc="A128CBC-HS256"),
        _protected(alg="ECDH-ES", enc="A256GCM"),
        _protected(alg="ECDH-ES+A128KW", enc="A256GCM"),
        _protected(alg="RSA-OAEP", enc="A256GCM"),
        _protected(alg="PBES2-HS512+A256KW", enc="A256GCM"),
        _protected(alg="dir", enc="A256GCM"),
        _recipient(kid=None),
        _recipient(kid="th.police"),
        _recipient(epk=None),
        _recipient(epk={"kty": "OKP", "crv": "X448", "x": "AA"}),
        _recipient(epk={"kty": "OKP", "crv": "X25519", "x": "AA", "d": "AA"}),
        _recipient(jku="https://elsewhere.example/keys"),
        _recipient(zip="DEF"),
        changed(JWE, protected=urlsafe_b64encode(b'{"alg": "ECDH-ES+A256KW", "enc": "A256GCM"}').rstrip(b"=").decode()),
    ],
)
def test_anything_else_is_not_sealed(data: bytes) -> None:
    """Plain content, other serializations, other algorithms, compression and further members are not sealed parts."""
    with pytest.raises(NotSealed):
        sealed_for(data)


def test_the_refusal_repeats_nothing() -> None:
    """What is wrong is told without the content that was marked as sealed by mistake."""
    with pytest.raises(NotSealed) as caught:
        sealed_for(b'{"Nguyen Van A": "born 1990"}')
    assert "Nguyen" not in str(caught.value).replace("/Nguyen Van A", "")
    assert "1990" not in str(caught.value)
