"""The outside of a sealed part: a JWE in the general JSON serialization (RFC 7516 §7.2.1), as narrow as protocol §2.

Only framing: which keys it is sealed for can be read by everybody, what is inside by nobody here. A hub looks at this
so that content which was marked as sealed by mistake, or sealed in a weaker way, is refused and not passed on.
"""

import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from annotated_types import MaxLen, MinLen
from pydantic import ValidationError

from broker.trust.jws import decode, encode
from broker.trust.strict_json import NotStrict, read_object
from schemas import limits
from schemas.base import B64Url, Form, Many, Strict
from schemas.faults import faults

ALG = "ECDH-ES+A256KW"
ENC = "A256GCM"
_MOST_COMMAS = 16 * limits.SEALED_FOR
"""Each recipient needs about six."""

KEY_BYTES, IV_BYTES, TAG_BYTES = 40, 12, 16
"""A wrapped key of 256 bits (RFC 3394), and what GCM has (RFC 7518 §5.3)."""


class NotSealed(ValueError):  # noqa: N818 - named as people say it
    """What came is no JWE that may be passed on as sealed; the message says what was expected, not what was there."""


class _Ephemeral(Strict):
    """The sealer's half of the agreement: a public key, and nothing private with it."""

    kty: Literal["OKP", "EC"]
    crv: Literal["X25519", "P-256"]
    x: B64Url
    y: B64Url | None = None


class _Header(Strict):
    alg: Literal["ECDH-ES+A256KW"] | None = None
    kid: Annotated[str, Form("[A-Za-z0-9_-]{43}", "the RFC 7638 thumbprint of a key of use seal", 43)]
    epk: _Ephemeral
    apu: B64Url | None = None
    apv: B64Url | None = None


class _Recipient(Strict):
    header: _Header
    encrypted_key: B64Url


class _Jwe(Strict):
    """Exactly these members: none that is unprotected and shared, none beside the ciphertext."""

    protected: B64Url
    recipients: Annotated[Many[_Recipient], MinLen(1), MaxLen(limits.SEALED_FOR)]
    iv: B64Url
    ciphertext: B64Url
    tag: B64Url


def sealed_for(data: bytes) -> tuple[str, ...]:
    """The keys (`kid`) that a JWE of the protocol's one kind is sealed for. NotSealed for anything else."""
    try:
        jwe = _Jwe.model_validate(read_object(data, _MOST_COMMAS))
        sizes = {name: len(decode(getattr(jwe, name))) for name in ("iv", "ciphertext", "tag")}
        keys = [len(decode(each.encrypted_key)) for each in jwe.recipients]
        protected = read_object(decode(jwe.protected))
    except ValidationError as error:
        path, expected = faults(error)[0]
        raise NotSealed(f"a JWE in the general JSON serialization: {path}: {expected}") from None
    except NotStrict as why:
        raise NotSealed(f"a JWE in the general JSON serialization: {why}") from None
    if sizes["iv"] != IV_BYTES or sizes["tag"] != TAG_BYTES or any(size != KEY_BYTES for size in keys):
        raise NotSealed(f"iv, tag and encrypted_key as {ENC} and {ALG} have them")
    _check_protected(jwe, protected)
    kids = tuple(each.header.kid for each in jwe.recipients)
    if len(set(kids)) != len(kids):
        raise NotSealed("another kid for each recipient")
    return kids


def _check_protected(jwe: _Jwe, protected: Mapping[str, Any]) -> None:
    """`enc` is protected; `alg` is there, or in each recipient's header, and nowhere twice (RFC 7516 §7.2.1)."""
    everywhere = protected.get("alg") == ALG
    if protected.get("enc") != ENC or protected.keys() != ({"alg", "enc"} if everywhere else {"enc"}):
        raise NotSealed(f"a protected header of enc {ENC}, and of alg {ALG} or nothing")
    if any((each.header.alg is None) != everywhere for each in jwe.recipients):
        raise NotSealed(f"alg {ALG} in the protected header, or with each recipient")
    if jwe.protected != compact(protected):
        raise NotSealed("a protected header without white space")


def compact(header: Mapping[str, Any]) -> str:
    """A protected header in the one way in which it may be written, so that all libraries compute the same from it."""
    return encode(json.dumps(header, separators=(",", ":")).encode())
