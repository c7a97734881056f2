"""Keys of use `seal`: with the public one others seal parts for an agency, with the private one it opens them.

They are on X25519 or P-256 and sign nothing (RFC 7518 §4.6, RFC 8037 §3.2). No hub holds a private one.
"""

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519

from broker.trust.keys import WeakKey, thumbprint

ALG = "ECDH-ES+A256KW"

_FIELD_PRIME = 2**255 - 19
_PROBE = x25519.X25519PrivateKey.generate()


class Curve(StrEnum):
    """Where a key lies."""

    X25519 = "X25519"
    P_256 = "P-256"


@dataclass(frozen=True, slots=True)
class OpeningKey:
    """The private key with which an agency opens what was sealed for it. Never shown."""

    kid: str
    private: x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey

    alg = ALG

    @property
    def jwk(self) -> dict[str, str]:
        """The public JWK."""
        return _public_jwk(self.private.public_key())

    def pem(self, passphrase: str | None = None) -> bytes:
        """PKCS #8, encrypted when a passphrase is given."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase.encode())
        return self.private.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

    def __repr__(self) -> str:
        return f"OpeningKey({self.kid})"


def generate(curve: Curve = Curve.X25519) -> OpeningKey:
    """A new key."""
    if curve is Curve.P_256:
        return _opening(ec.generate_private_key(ec.SECP256R1()))
    return _opening(x25519.X25519PrivateKey.generate())


def enrol(jwk: Mapping[str, str]) -> x25519.X25519PublicKey | ec.EllipticCurvePublicKey:
    """The public key, if a directory may hold it. WeakKey for what is none, is written otherwise than canonically, or
    is a point of small order: with such a one everybody would know what both sides agree on (RFC 7748 §6.1).
    """
    try:
        key = _read_public(jwk)
        if isinstance(key, x25519.X25519PublicKey):
            _PROBE.exchange(key)
    except (KeyError, TypeError, AttributeError, ValueError, UnsupportedAlgorithm):
        raise WeakKey("no public key on X25519 or P-256 that can be sealed for") from None
    canonical = not isinstance(key, x25519.X25519PublicKey) or _coordinate(key) < _FIELD_PRIME
    if not canonical or _public_jwk(key) != dict(jwk):
        raise WeakKey("the JWK is not written canonically")
    return key


def load_file(path: Path, passphrase: str | None = None) -> OpeningKey:
    """A key from a PEM or JWK file. ValueError when it holds none on these curves."""
    data = path.read_bytes()
    return load_jwk(json.loads(data)) if data.lstrip().startswith(b"{") else load_pem(data, passphrase)


def load_pem(data: bytes, passphrase: str | None = None) -> OpeningKey:
    """A key from PKCS #8. ValueError when it cannot be read, or lies elsewhere."""
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except TypeError as error:
        raise ValueError(str(error)) from None
    if isinstance(key, x25519.X25519PrivateKey):
        return _opening(key)
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return _opening(key)
    raise ValueError("an X25519 or P-256 key")


def load_jwk(jwk: Mapping[str, Any]) -> OpeningKey:
    """A key from a private JWK. ValueError when it is none on these curves."""
    try:
        if jwk.get("kty") == "OKP" and jwk.get("crv") == Curve.X25519:
            return _opening(x25519.X25519PrivateKey.from_private_bytes(_decode(jwk["d"])))
        if jwk.get("kty") == "EC" and jwk.get("crv") == Curve.P_256:
            return _opening(ec.derive_private_key(int.from_bytes(_decode(jwk["d"]), "big"), ec.SECP256R1()))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("a private JWK") from error
    raise ValueError("a private JWK on X25519 or P-256")


def _opening(private: x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey) -> OpeningKey:
    return OpeningKey(thumbprint(_public_jwk(private.public_key())), private)


def _read_public(jwk: Mapping[str, str]) -> x25519.X25519PublicKey | ec.EllipticCurvePublicKey:
    if jwk["kty"] == "OKP" and jwk["crv"] == Curve.X25519:
        return x25519.X25519PublicKey.from_public_bytes(_decode(jwk["x"]))
    if jwk["kty"] == "EC" and jwk["crv"] == Curve.P_256:
        point = b"\x04" + _decode(jwk["x"]) + _decode(jwk["y"])
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    raise ValueError("a public JWK on X25519 or P-256")


def _coordinate(key: x25519.X25519PublicKey) -> int:
    """As it is written, the topmost bit included."""
    return int.from_bytes(key.public_bytes_raw(), "little")


def _public_jwk(key: x25519.X25519PublicKey | ec.EllipticCurvePublicKey) -> dict[str, str]:
    if isinstance(key, x25519.X25519PublicKey):
        return {"kty": "OKP", "crv": "X25519", "x": _encode(key.public_bytes_raw())}
    numbers = key.public_numbers()
    x, y = (_encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
