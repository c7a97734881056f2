"""What the library seals a stranger opens by hand, and the other way round; and what the RFCs publish of it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwe as library
from joserfc.jwk import ECKey

from broker.client import open_sealed
from broker.trust import sealing_keys
from broker.trust.jwe import NotSealed, sealed_for
from broker.trust.sealing_keys import Curve
from tests.unit.trust.sealed import sealed

sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
from independent import sealing

PRIVATE = {
    Curve.X25519: {
        "kty": "OKP",
        "crv": "X25519",
        "x": "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo",
        "d": "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo",
    },
    Curve.P_256: {
        "kty": "EC",
        "crv": "P-256",
        "x": "weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",
        "y": "e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck",
        "d": "VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw",
    },
}
"""The keys of RFC 7748 §6.1 (Alice's) and of RFC 7518 appendix C (Bob's)."""
INSIDE = "Vỡ đê ở bờ tả sông Hồng".encode()


@pytest.mark.parametrize("curve", Curve)
def test_a_stranger_opens_what_the_library_sealed(curve: Curve) -> None:
    """By the RFCs and bare primitives alone, on either curve."""
    key = sealing_keys.load_jwk(PRIVATE[curve])
    assert sealing.opened(sealed(INSIDE, key, sealing_keys.generate()), PRIVATE[curve]) == INSIDE


@pytest.mark.parametrize("curve", Curve)
@pytest.mark.parametrize("alg_with_each", [False, True])
def test_the_library_opens_what_a_stranger_sealed(curve: Curve, *, alg_with_each: bool) -> None:
    """Wherever `alg` stands; and the hub takes its outside for a sealed part."""
    key = sealing_keys.load_jwk(PRIVATE[curve])
    jwe = sealing.seal(INSIDE, key.jwk, sealing_keys.generate().jwk, alg_with_each=alg_with_each)
    assert open_sealed(jwe, [key]) == INSIDE
    assert sealed_for(jwe)[0] == key.kid


def test_rfc_7518_c() -> None:
    """The agreement and the key derivation are those of RFC 7518 appendix C, with its algorithm's name."""
    ephemeral = {
        "kty": "EC",
        "crv": "P-256",
        "x": "gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0",
        "y": "SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps",
        "d": "0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo",
    }
    agreed = sealing._agreed(ephemeral, PRIVATE[Curve.P_256])
    assert agreed == sealing._agreed(PRIVATE[Curve.P_256], ephemeral)
    expected = [158, 86, 217, 29, 129, 113, 53, 211, 114, 131, 66, 131, 191, 132, 38, 156]
    expected += [251, 49, 110, 163, 218, 128, 106, 72, 246, 218, 167, 121, 140, 254, 144, 196]
    assert list(agreed) == expected


def test_rfc_7520_5_13() -> None:
    """The library opens the second of the recipients of RFC 7520 §5.13: general serialization, ECDH-ES+A256KW. Its
    curve and its `enc` are none of ours: this is about the library, and our own opening refuses it.
    """
    key = ECKey.import_key(
        {
            "kty": "EC",
            "kid": "peregrin.took@tuckborough.example",
            "use": "enc",
            "crv": "P-384",
            "x": "YU4rRUzdmVqmRtWOs2OpDE_T5fsNIodcG8G5FWPrTPMyxpzsSOGaQLpe2FpxBmu2",
            "y": "A8-yxCHxkfBz3hKZfI1jUYMjUhsEveZ9THuwFjH2sCNdtksRJU7D5-SkgaFL1ETP",
            "d": "iTx2pk7wW-GqJkHcEkFQb2EFyYcO7RugmaW3mRrQVAOUiPommT0IdnYK2xDlZh-j",
        }
    )
    epk = {
        "kty": "EC",
        "crv": "P-384",
        "x": "Uzdvk3pi5wKCRc1izp5_r0OjeqT-I68i8g2b8mva8diRhsE2xAn2DtMRb25Ma2CX",
        "y": "VDrRyFJh-Kwd1EjAgmj5Eo-CTHAZ53MC7PjjpLioy3ylEjI1pOMbw91fzZ84pbfm",
    }
    header = {"alg": "ECDH-ES+A256KW", "kid": "peregrin.took@tuckborough.example", "epk": epk}
    encrypted_key = "ExInT0io9BqBMYF6-maw5tZlgoZXThD1zWKsHixJuw_elY4gSSId_w"
    jwe: Any = {
        "recipients": [{"encrypted_key": encrypted_key, "header": header}],
        "unprotected": {"cty": "text/plain"},
        "protected": "eyJlbmMiOiJBMTI4Q0JDLUhTMjU2In0",
        "iv": "VgEIHY20EnzUtZFl2RpB1g",
        "ciphertext": (
            "ajm2Q-OpPXCr7-MHXicknb1lsxLdXxK_yLds0KuhJzfWK04SjdxQeSw2L9mu3a_k1C55kCQ_3xlkcVKC5yr__Is48VOoK0k63_QRM9tB"
            "URMFqLByJ8vOYQX0oJW4VUHJLmGhF-tVQWB7Kz8mr8zeE7txF0MSaP6ga7-siYxStR7_G07Thd1jh-zGT0wxM5g-VRORtq0K6AXpLlwE"
            "qRp7pkt2zRM0ZAXqSpe1O6FJ7FHLDyEFnD-zDIZukLpCbzhzMDLLw2-8I14FQrgi-iEuzHgIJFIJn2wh9Tj0cg_kOZy9BqMRZbmYXMY9"
            "YQjorZ_P_JYG3ARAIF3OjDNqpdYe-K_5Q5crGJSDNyij_ygEiItR5jssQVH2ofDQdLChtazE"
        ),
        "tag": "BESYyFN7T09KY7i8zKs5_g",
    }
    opened = library.decrypt_json(jwe, key, algorithms=["ECDH-ES+A256KW", "A128CBC-HS256"])
    assert opened.plaintext is not None
    assert opened.plaintext.startswith(b"You can trust us to stick with you through thick and thin")
    with pytest.raises(NotSealed):
        sealed_for(json.dumps(jwe).encode())
