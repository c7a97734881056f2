"""What the RFCs publish, with the section of each."""

from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from broker.errors import Refused
from broker.trust import jws
from broker.trust.keys import load_jwk, load_public, thumbprint, verify_signature


def test_rfc_7515_a_3() -> None:
    """ES256 as RFC 7515 appendix A.3 has it verifies, and not with one bit changed."""
    jwk = {
        "kty": "EC",
        "crv": "P-256",
        "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
        "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
    }
    signing_input = (
        "eyJhbGciOiJFUzI1NiJ9"
        ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    )
    signature = jws.decode("DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q")
    key = load_public(jwk, "ES256")
    assert verify_signature(key, signing_input.encode(), signature)
    assert not verify_signature(key, signing_input.encode(), bytes([signature[0] ^ 1]) + signature[1:])


def test_rfc_8037_a_4() -> None:
    """Ed25519 as RFC 8037 appendix A.4 has it verifies, and signing gives the same bytes."""
    d, x = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A", "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    message = b"eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc"
    signature = "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    private = load_jwk({"kty": "OKP", "crv": "Ed25519", "d": d, "x": x})
    assert private.jwk["x"] == x
    assert jws.encode(private.sign(message)) == signature
    assert verify_signature(load_public(private.jwk, "EdDSA"), message, jws.decode(signature))


def test_rfc_8037_a_3() -> None:
    """The thumbprint of an OKP key is that of RFC 8037 appendix A.3."""
    jwk = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_rfc_7638_3_1() -> None:
    """The thumbprint of the RSA key of RFC 7638 §3.1 is the published one; other members do not count."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    jwk = {"kty": "RSA", "n": modulus, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29"}
    assert thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_rfc_9964_thumbprint() -> None:
    """The thumbprint of the AKP key of RFC 9964 (ML-DSA-44 from a seed of zeros) is the published one."""
    public = MLDSA44PrivateKey.from_seed_bytes(bytes(32)).public_key().public_bytes_raw()
    jwk = {"kty": "AKP", "alg": "ML-DSA-44", "pub": jws.encode(public)}
    assert thumbprint(jwk) == "T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o"


RFC_8417_FIGURE_1 = {
    "iss": "https://idp.example.com/",
    "jti": "756E69717565206964656E746966696572",
    "iat": 1520364019,
    "aud": "636C69656E745F6964",
    "events": {
        "https://schemas.openid.net/secevent/risc/event-type/account-enabled": {
            "subject": {"email": "user@example.com"}
        }
    },
}
"""An event of RFC 8417 §2.1's kind: a SET, but none of ours."""


def test_rfc_8417_unsecured() -> None:
    """The unsecured SET of RFC 8417 §2.2 (`alg: none`) is malformed here."""
    token = (
        "eyJ0eXAiOiJzZWNldmVudCtqd3QiLCJhbGciOiJub25lIn0."
        + jws.encode(b'{"jti":"3d0c3cf797584bd193bd0fb1bd4e7d30"}')
        + "."
    )
    with pytest.raises(Refused) as refused:
        jws.frame_statement(token)
    assert refused.value.code == "malformed"


def test_rfc_8417_jti() -> None:
    """A well-formed SET of another profile is malformed here: its `jti` is not issuer, slash, UUID (protocol §2)."""
    key = load_jwk({"kty": "OKP", "crv": "Ed25519", "d": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"})
    with pytest.raises(Refused) as refused:
        jws.frame_statement(jws.sign(key, "secevent+jwt", RFC_8417_FIGURE_1))
    assert refused.value.faults[0].path == "/jti"


def test_base64url_is_rfc_4648() -> None:
    """The test vectors of RFC 4648 §10, without padding, decode to themselves and to nothing looser."""
    for text, data in {"Zg": b"f", "Zm8": b"fo", "Zm9v": b"foo", "Zm9vYg": b"foob", "": b""}.items():
        assert jws.decode(text) == data == urlsafe_b64decode(text + "=" * (-len(text) % 4))
