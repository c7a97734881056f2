"""JOSE as far as the protocol needs it (RFC 7515, 7517, 7638, 8037, 9864, 9964), over `cryptography` alone."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256

Json = dict[str, Any]

_PUBLIC_MEMBERS = {"OKP": ("crv", "kty", "x"), "EC": ("crv", "kty", "x", "y"), "AKP": ("alg", "kty", "pub")}
_ES256_HALF = 32


def b64(data: bytes) -> str:
    """Base64url without padding (RFC 7515 §2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def unb64(text: str) -> bytes:
    """The bytes of `text`; ValueError when it is not the one base64url spelling of them."""
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if b64(data) != text:
        raise ValueError(f"not base64url without padding: {text[:40]!r}")
    return data


def sha256(data: bytes) -> str:
    """A digest as the protocol writes it."""
    return "sha256:" + hashlib.sha256(data).hexdigest()


def public(jwk: Mapping[str, Any]) -> Json:
    """The public members of a JWK, and no others."""
    return {name: jwk[name] for name in _PUBLIC_MEMBERS[jwk["kty"]]}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 with SHA-256: the `kid` of protocol §2."""
    canonical = json.dumps(public(jwk), sort_keys=True, separators=(",", ":"))
    return b64(hashlib.sha256(canonical.encode()).digest())


@dataclass(frozen=True)
class Signer:
    """A private JWK that signs."""

    jwk: Json

    @cached_property
    def kid(self) -> str:
        return thumbprint(self.jwk)

    @property
    def alg(self) -> str:
        return {"OKP": "Ed25519", "EC": "ES256", "AKP": "ML-DSA-65"}[self.jwk["kty"]]

    def sign(self, message: bytes) -> bytes:
        """The JWS signature: for ES256 the 64 bytes of r and s (RFC 7518 §3.4)."""
        match self.jwk["kty"]:
            case "OKP":
                return ed25519.Ed25519PrivateKey.from_private_bytes(unb64(self.jwk["d"])).sign(message)
            case "AKP":
                return mldsa.MLDSA65PrivateKey.from_seed_bytes(unb64(self.jwk["priv"])).sign(message)
            case _:
                key = ec.derive_private_key(int.from_bytes(unb64(self.jwk["d"]), "big"), ec.SECP256R1())
                r, s = decode_dss_signature(key.sign(message, ec.ECDSA(SHA256())))
                return r.to_bytes(_ES256_HALF, "big") + s.to_bytes(_ES256_HALF, "big")


def new_signer(crv: str = "Ed25519") -> Signer:
    """A fresh key: `Ed25519` or `P-256`."""
    if crv == "Ed25519":
        okp = ed25519.Ed25519PrivateKey.generate()
        x = b64(okp.public_key().public_bytes_raw())
        return Signer({"kty": "OKP", "crv": crv, "x": x, "d": b64(okp.private_bytes_raw())})
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    point = numbers.public_numbers
    x, y, d = (b64(n.to_bytes(_ES256_HALF, "big")) for n in (point.x, point.y, numbers.private_value))
    return Signer({"kty": "EC", "crv": crv, "x": x, "y": y, "d": d})


def holds(jwk: Mapping[str, Any], message: bytes, signature: bytes) -> bool:
    """Whether the signature over `message` is by this public key."""
    try:
        match jwk["kty"]:
            case "OKP":
                ed25519.Ed25519PublicKey.from_public_bytes(unb64(jwk["x"])).verify(signature, message)
            case "AKP":
                mldsa.MLDSA65PublicKey.from_public_bytes(unb64(jwk["pub"])).verify(signature, message)
            case _:
                _verify_es256(jwk, message, signature)
    except InvalidSignature:
        return False
    return True


def _verify_es256(jwk: Mapping[str, Any], message: bytes, signature: bytes) -> None:
    if len(signature) != 2 * _ES256_HALF:
        raise InvalidSignature
    x, y = (int.from_bytes(unb64(jwk[axis]), "big") for axis in ("x", "y"))
    r, s = (int.from_bytes(half, "big") for half in (signature[:_ES256_HALF], signature[_ES256_HALF:]))
    key = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    key.verify(encode_dss_signature(r, s), message, ec.ECDSA(SHA256()))


def compact(header: Mapping[str, Any] | bytes, payload: bytes, signer: Signer) -> str:
    """A compact JWS (RFC 7515 §7.1) over exactly these payload bytes; a header in bytes is taken as it is."""
    head = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    signed = f"{b64(head)}.{b64(payload)}"
    return f"{signed}.{b64(signer.sign(signed.encode()))}"


@dataclass(frozen=True)
class Jws:
    """A compact JWS taken apart, not yet verified."""

    header: Json
    claims: Json
    signed: bytes
    signature: bytes

    @property
    def digest(self) -> str:
        """Over `header.payload` (protocol §2)."""
        return sha256(self.signed)


def parse(token: str) -> Jws:
    """The pieces of a compact JWS; ValueError when it is none."""
    head, payload, signature = token.split(".")
    return Jws(
        header=json.loads(unb64(head)),
        claims=json.loads(unb64(payload)),
        signed=f"{head}.{payload}".encode("ascii"),
        signature=unb64(signature),
    )
