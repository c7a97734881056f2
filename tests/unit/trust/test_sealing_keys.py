"""Keys of use `seal`: what a directory may hold, and how they are kept."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from broker.trust import keys, sealing_keys
from broker.trust.jws import encode
from broker.trust.keys import WeakKey, thumbprint
from schemas.directory import AgencyKey

LOW_ORDER = (
    "0000000000000000000000000000000000000000000000000000000000000000",
    "0100000000000000000000000000000000000000000000000000000000000000",
    "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
    "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
    "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
)
"""The u coordinates of small order on Curve25519 and its twist."""


def _x25519(hex_: str) -> dict[str, str]:
    return {"kty": "OKP", "crv": "X25519", "x": encode(bytes.fromhex(hex_))}


@pytest.mark.parametrize("hex_", LOW_ORDER)
def test_points_of_small_order_are_weak(hex_: str) -> None:
    """A key with which everybody would know the agreed secret is none that a directory may hold."""
    with pytest.raises(WeakKey):
        sealing_keys.enrol(_x25519(hex_))


@pytest.mark.parametrize("hex_", ["f6" + "ff" * 30 + "7f", "09" + "00" * 30 + "80"])
def test_another_way_of_writing_a_point_is_weak(hex_: str) -> None:
    """One key has one text, and so one thumbprint."""
    with pytest.raises(WeakKey, match="canonically"):
        sealing_keys.enrol(_x25519(hex_))


@pytest.mark.parametrize(
    "jwk",
    [
        {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
        {"kty": "OKP", "crv": "X25519", "x": "AA"},
        {"kty": "OKP", "crv": "X25519"},
        {"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"},
        {"kty": "EC", "crv": "P-384", "x": "AA", "y": "AA"},
        {"kty": "oct", "k": "AA"},
        {},
    ],
)
def test_what_is_no_key_to_seal_with(jwk: dict[str, str]) -> None:
    """Keys of signatures, of other curves and of other kinds are none to seal with."""
    with pytest.raises(WeakKey):
        sealing_keys.enrol(jwk)


@pytest.mark.parametrize("curve", sealing_keys.Curve)
def test_a_key_is_kept_and_found_again(tmp_path: Path, curve: sealing_keys.Curve) -> None:
    """Written with a passphrase and read with it, a key is the same; its public side may be enrolled."""
    key = sealing_keys.generate(curve)
    keys.save_file(tmp_path / "key", key, "bão")
    again = sealing_keys.load_file(tmp_path / "key", "bão")
    assert again.kid == key.kid == thumbprint(key.jwk)
    assert sealing_keys.enrol(again.jwk)
    assert "ENCRYPTED" in (tmp_path / "key").read_text()
    assert repr(key) == f"OpeningKey({key.kid})"
    with pytest.raises(ValueError):  # noqa: PT011 - the library's words differ
        sealing_keys.load_file(tmp_path / "key", "guessed")


@pytest.mark.parametrize(
    ("use", "alg", "crv"),
    [
        ("seal", "ES256", "P-256"),
        ("seal", "Ed25519", "Ed25519"),
        ("statement", "ECDH-ES+A256KW", "X25519"),
        ("auth", "ECDH-ES+A256KW", "P-256"),
        ("seal", "ECDH-ES+A256KW", "Ed25519"),
        ("seal", "ECDH-ES+A256KW", "P-384"),
    ],
)
def test_a_key_to_seal_with_signs_nothing(use: str, alg: str, crv: str) -> None:
    """The directory refuses a key whose use is `seal` and whose algorithm is a signature's, and the other way round."""
    x, y = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"
    jwk = {"kty": "EC", "crv": crv, "x": x, "y": y} if crv.startswith("P") else {"kty": "OKP", "crv": crv, "x": x}
    valid = {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"}
    told: dict[str, Any] = {"kid": "k", "jwk": jwk, "alg": alg, "use": use, **valid}
    with pytest.raises(ValidationError):
        AgencyKey.model_validate(told)
