"""Sealed parts by a stranger's own hand: JWE with ECDH-ES+A256KW and A256GCM (RFC 7516 §5, RFC 7518 §4.6)."""

import json
import os
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash
from cryptography.hazmat.primitives.keywrap import aes_key_unwrap, aes_key_wrap

from independent.jose import Json, b64, thumbprint, unb64

_ALG, _ENC = "ECDH-ES+A256KW", "A256GCM"
_TAG = 16


def seal(data: bytes, *public: Mapping[str, Any], alg_with_each: bool = False, enc: str = _ENC) -> bytes:
    """A JWE for these public JWKs; `alg` in the protected header, or with each recipient."""
    content_key, nonce = os.urandom(32), os.urandom(12)
    header = {"enc": enc} if alg_with_each else {"enc": enc, "alg": _ALG}
    protected = b64(json.dumps(header, separators=(",", ":")).encode())
    both = AESGCM(content_key).encrypt(nonce, data, protected.encode("ascii"))
    recipients = [_recipient(jwk, content_key, alg_with_each=alg_with_each) for jwk in public]
    parts = {"protected": protected, "recipients": recipients, "iv": b64(nonce)}
    return json.dumps(parts | {"ciphertext": b64(both[:-_TAG]), "tag": b64(both[-_TAG:])}).encode()


def opened(jwe: bytes, private: Mapping[str, Any]) -> bytes:
    """What is inside for this private JWK; StopIteration when it is not sealed for it."""
    sealed = json.loads(jwe)
    recipient = next(each for each in sealed["recipients"] if each["header"]["kid"] == thumbprint(private))
    header = json.loads(unb64(sealed["protected"])) | recipient["header"]
    if (header["alg"], header["enc"]) != (_ALG, _ENC):
        raise ValueError("another algorithm")
    wrapping_key = _derived(_agreed(private, header["epk"]), header)
    content_key = aes_key_unwrap(wrapping_key, unb64(recipient["encrypted_key"]))
    both = unb64(sealed["ciphertext"]) + unb64(sealed["tag"])
    return AESGCM(content_key).decrypt(unb64(sealed["iv"]), both, sealed["protected"].encode("ascii"))


def kids(jwe: bytes) -> Sequence[str]:
    """For which keys it is."""
    return [each["header"]["kid"] for each in json.loads(jwe)["recipients"]]


def _recipient(jwk: Mapping[str, Any], content_key: bytes, *, alg_with_each: bool) -> Json:
    ours = _ephemeral(jwk["crv"])
    public = {name: value for name, value in ours.items() if name != "d"}
    header: Json = {"kid": thumbprint(jwk), "epk": public} | ({"alg": _ALG} if alg_with_each else {})
    wrapping_key = _derived(_agreed(ours, jwk), {"alg": _ALG})
    return {"header": header, "encrypted_key": b64(aes_key_wrap(wrapping_key, content_key))}


def _ephemeral(crv: str) -> Json:
    if crv == "X25519":
        okp = x25519.X25519PrivateKey.generate()
        x = b64(okp.public_key().public_bytes_raw())
        return {"kty": "OKP", "crv": crv, "x": x, "d": b64(okp.private_bytes_raw())}
    numbers = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    point = numbers.public_numbers
    x, y, d = (b64(each.to_bytes(32, "big")) for each in (point.x, point.y, numbers.private_value))
    return {"kty": "EC", "crv": crv, "x": x, "y": y, "d": d}


def _agreed(private: Mapping[str, Any], public: Mapping[str, Any]) -> bytes:
    """Z of RFC 7518 §4.6.2."""
    if private["crv"] != public["crv"]:
        raise ValueError("keys on different curves")
    if private["crv"] == "X25519":
        ours = x25519.X25519PrivateKey.from_private_bytes(unb64(private["d"]))
        return ours.exchange(x25519.X25519PublicKey.from_public_bytes(unb64(public["x"])))
    key = ec.derive_private_key(int.from_bytes(unb64(private["d"]), "big"), ec.SECP256R1())
    x, y = (int.from_bytes(unb64(public[axis]), "big") for axis in ("x", "y"))
    return key.exchange(ec.ECDH(), ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key())


def _derived(agreed: bytes, header: Mapping[str, Any]) -> bytes:
    """The key that wraps: Concat KDF over algorithm, apu, apv and 256 bits (RFC 7518 §4.6.2)."""
    fields = (header["alg"].encode(), unb64(header.get("apu", "")), unb64(header.get("apv", "")))
    info = b"".join(struct.pack(">I", len(each)) + each for each in fields) + struct.pack(">I", 256)
    return ConcatKDFHash(SHA256(), 32, info).derive(agreed)
