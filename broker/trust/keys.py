"""Public and private keys of the three algorithms, their thumbprints and their files. Cryptography is the library's."""

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature

from schemas.terms import Alg

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | mldsa.MLDSA65PublicKey
AnyPrivateKey = ed25519.Ed25519PrivateKey | ec.EllipticCurvePrivateKey | mldsa.MLDSA65PrivateKey

_THUMBPRINT_MEMBERS = {
    "OKP": ("crv", "kty", "x"),
    "EC": ("crv", "kty", "x", "y"),
    "AKP": ("alg", "kty", "pub"),
    "RSA": ("e", "kty", "n"),
}
"""RFC 7638 §3.2, RFC 8037 §2, RFC 9964 (AKP)."""

_ED25519_PRIME = 2**255 - 19
_SMALL_ORDER = frozenset(
    int.from_bytes(bytes.fromhex(y), "little")
    for y in (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    )
)
"""The y coordinates of the eight points whose order divides 8: a signature by such a key can hold for any message."""

_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


class WeakKey(ValueError):  # noqa: N818 - named as people say it
    """The key is none that a directory may hold; the message says why."""


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The `kid`: SHA-256 over the required members (RFC 7638 §3; RFC 9964 for AKP). ValueError for another kty."""
    text = json.dumps(required_members(jwk), separators=(",", ":"), sort_keys=True)
    return _encode(hashlib.sha256(text.encode()).digest())


def required_members(jwk: Mapping[str, Any]) -> dict[str, str]:
    """What the key is, without what is said about it (RFC 7638 §3.2). ValueError for another kty."""
    members = _THUMBPRINT_MEMBERS.get(str(jwk.get("kty")))
    if members is None or any(not isinstance(jwk.get(name), str) for name in members):
        raise ValueError("a JWK of type OKP, EC, AKP or RSA with its required members")
    return {name: jwk[name] for name in members}


def enrol(jwk: Mapping[str, str], alg: str) -> PublicKey:
    """The public key to verify with, if a directory may hold it. WeakKey for points of small order, other encodings,
    bad points. Nothing is remembered: it may be anybody's key. Keys to seal with: `sealing_keys.enrol`.
    """
    try:
        key = _read_public(jwk, alg)
    except (ValueError, UnsupportedAlgorithm):
        raise WeakKey("no public key of its algorithm") from None
    if isinstance(key, ed25519.Ed25519PublicKey):
        y = int.from_bytes(key.public_bytes_raw(), "little") & (2**255 - 1)
        if y >= _ED25519_PRIME:
            raise WeakKey("the point is not encoded canonically (RFC 8032 §5.1.3)")
        if y in _SMALL_ORDER:
            raise WeakKey("the point is of small order")
    if public_jwk(key) != dict(jwk):
        raise WeakKey("the JWK is not written canonically")
    return key


def load_public(jwk: Mapping[str, str], alg: str) -> PublicKey:
    """The public key of a JWK, remembered: for keys of a directory. ValueError when it is none of that algorithm,
    whatever came in its place.
    """
    _only_text(jwk)
    return _load_public(tuple(sorted(jwk.items())), str(alg))


@lru_cache(maxsize=4096)
def _load_public(members: tuple[tuple[str, str], ...], alg: str) -> PublicKey:
    return _read_public(dict(members), alg)


def _only_text(jwk: Mapping[str, str]) -> None:
    if not all(isinstance(value, str) for value in jwk.values()):
        raise ValueError("the members of a public key are text")


def _read_public(jwk: Mapping[str, str], alg: str) -> PublicKey:
    _only_text(jwk)
    try:
        return _of_algorithm(jwk, "Ed25519" if alg == "EdDSA" else str(alg))
    except KeyError as missing:
        raise ValueError(f"a public key with {missing}") from None


def _of_algorithm(jwk: Mapping[str, str], alg: str) -> PublicKey:
    if alg == Alg.ED25519 and jwk.get("kty") == "OKP" and jwk.get("crv") == "Ed25519":
        return ed25519.Ed25519PublicKey.from_public_bytes(_decode(jwk["x"]))
    if alg == Alg.ES256 and jwk.get("kty") == "EC" and jwk.get("crv") == "P-256":
        x, y = _decode(jwk["x"]), _decode(jwk["y"])
        if len(x) != 32 or len(y) != 32:
            raise ValueError("coordinates have 32 bytes")
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
    if alg == Alg.ML_DSA_65 and jwk.get("kty") == "AKP" and jwk.get("alg") == "ML-DSA-65":
        return mldsa.MLDSA65PublicKey.from_public_bytes(_decode(jwk["pub"]))
    raise ValueError("no public key of that algorithm")


def public_jwk(key: PublicKey) -> dict[str, str]:
    """The JWK with exactly the public members."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        return {"kty": "OKP", "crv": "Ed25519", "x": _encode(key.public_bytes_raw())}
    if isinstance(key, ec.EllipticCurvePublicKey):
        numbers = key.public_numbers()
        x, y = (_encode(number.to_bytes(32, "big")) for number in (numbers.x, numbers.y))
        return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    return {"kty": "AKP", "alg": "ML-DSA-65", "pub": _encode(key.public_bytes_raw())}


def verify_signature(key: PublicKey, message: bytes, signature: bytes) -> bool:
    """Whether the signature is the key's over the message. ES256 as 64 bytes, r and s in range (RFC 7518 §3.4)."""
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            if len(signature) != 64:
                return False
            r, s = (int.from_bytes(half, "big") for half in (signature[:32], signature[32:]))
            if not (0 < r < _P256_ORDER and 0 < s < _P256_ORDER):
                return False
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        else:
            key.verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A private key with its public identity. Never shown."""

    alg: str
    kid: str
    _key: AnyPrivateKey

    @property
    def jwk(self) -> dict[str, str]:
        """The public JWK."""
        return public_jwk(self._key.public_key())

    def sign(self, message: bytes) -> bytes:
        """As the algorithm's JWS signature: ES256 as r ‖ s."""
        if isinstance(self._key, ec.EllipticCurvePrivateKey):
            r, s = decode_dss_signature(self._key.sign(message, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self._key.sign(message)

    def pem(self, passphrase: str | None = None) -> bytes:
        """PKCS #8, encrypted when a passphrase is given."""
        encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
        if passphrase:
            encryption = serialization.BestAvailableEncryption(passphrase.encode())
        return self._key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)

    def __repr__(self) -> str:
        return f"PrivateKey({self.alg}, {self.kid})"


def generate(alg: str = Alg.ED25519) -> PrivateKey:
    """A new key of that algorithm."""
    if alg in (Alg.ED25519, Alg.EDDSA):
        return private(ed25519.Ed25519PrivateKey.generate())
    if alg == Alg.ES256:
        return private(ec.generate_private_key(ec.SECP256R1()))
    if alg == Alg.ML_DSA_65:
        return private(mldsa.MLDSA65PrivateKey.generate())
    raise ValueError("Ed25519, ES256 or ML-DSA-65")


def private(key: AnyPrivateKey) -> PrivateKey:
    """A library's key as one of ours."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        alg: str = Alg.ED25519
    elif isinstance(key, ec.EllipticCurvePrivateKey):
        alg = Alg.ES256
    else:
        alg = Alg.ML_DSA_65
    return PrivateKey(str(alg), thumbprint(public_jwk(key.public_key())), key)


def load_pem(data: bytes, passphrase: str | None = None) -> PrivateKey:
    """A key from PKCS #8. ValueError when it cannot be read, or is of another kind."""
    try:
        key = serialization.load_pem_private_key(data, passphrase.encode() if passphrase else None)
    except TypeError as error:
        raise ValueError(str(error)) from None
    ours = (ed25519.Ed25519PrivateKey, ec.EllipticCurvePrivateKey, mldsa.MLDSA65PrivateKey)
    if not isinstance(key, ours):
        raise ValueError("an Ed25519, P-256 or ML-DSA-65 key")
    return private(key)


def load_jwk(jwk: Mapping[str, Any]) -> PrivateKey:
    """A key from a private JWK (`d`, or `priv` for AKP). ValueError when it is none."""
    try:
        kty = jwk.get("kty")
        if kty == "OKP" and jwk.get("crv") == "Ed25519":
            return private(ed25519.Ed25519PrivateKey.from_private_bytes(_decode(jwk["d"])))
        if kty == "EC" and jwk.get("crv") == "P-256":
            return private(ec.derive_private_key(int.from_bytes(_decode(jwk["d"]), "big"), ec.SECP256R1()))
        if kty == "AKP" and jwk.get("alg") == "ML-DSA-65":
            return private(mldsa.MLDSA65PrivateKey.from_seed_bytes(_decode(jwk["priv"])))
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("a private JWK") from error
    raise ValueError("a private JWK of type OKP, EC or AKP")


def load_file(path: Path, passphrase: str | None = None) -> PrivateKey:
    """A key from a PEM or JWK file. ValueError when it holds none."""
    data = path.read_bytes()
    if data.lstrip().startswith(b"{"):
        return load_jwk(json.loads(data))
    return load_pem(data, passphrase)


class Kept(Protocol):
    """A private key that can be written to a file."""

    def pem(self, passphrase: str | None = None) -> bytes: ...


def save_file(path: Path, key: Kept, passphrase: str | None = None) -> None:
    """Writes a new file that its owner alone can read. FileExistsError rather than overwriting a key."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.pem(passphrase))


def _decode(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")
