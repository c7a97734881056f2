"""Keys: what a directory may hold, how strictly a signature is read, and how keys lie in files."""

import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa, x25519
from hypothesis import given
from hypothesis import strategies as st

from broker.trust import jws, keys
from tests.unit import making

ALGORITHMS = ("Ed25519", "ES256", "ML-DSA-65")
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SMALL_ORDER = {
    "0, order 4": "00" * 32,
    "0 with the sign": "00" * 31 + "80",
    "1, the identity": "01" + "00" * 31,
    "1 with the sign": "01" + "00" * 30 + "80",
    "-1, order 2": "ec" + "ff" * 30 + "7f",
    "-1 with the sign": "ec" + "ff" * 31,
    "order 8": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
    "order 8 with the sign": "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
    "order 8, the other": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    "order 8, the other with the sign": "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
}
"""The y coordinates of the points whose order divides 8, with either sign bit."""
NOT_CANONICAL = {
    "p": "ed" + "ff" * 30 + "7f",
    "p with the sign": "ed" + "ff" * 31,
    "p + 1": "ee" + "ff" * 30 + "7f",
    "2^255 - 1": "ff" * 31 + "7f",
}
"""Encodings of y that are not below 2^255 - 19 (RFC 8032 §5.1.3)."""


def okp(x: str) -> dict[str, str]:
    """The JWK of a point, from its encoding in hexadecimal digits."""
    return {"kty": "OKP", "crv": "Ed25519", "x": jws.encode(bytes.fromhex(x))}


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_a_good_key_is_enrolled(alg: str) -> None:
    """A fresh key of each algorithm may be held, and signs what it verifies."""
    private = keys.generate(alg)
    public = keys.enrol(private.jwk, alg)
    signature = private.sign(b"message")
    assert keys.verify_signature(public, b"message", signature)
    assert not keys.verify_signature(public, b"massage", signature)
    assert not keys.verify_signature(public, b"message", b"")
    assert private.kid == keys.thumbprint(private.jwk)


@pytest.mark.parametrize("read", [keys.enrol, keys.load_public])
@pytest.mark.parametrize("x", [7, None, ["a"], {}], ids=str)
def test_members_that_are_no_text(x: Any, read: Any) -> None:
    """A member that is no text makes no key, and breaks nothing."""
    with pytest.raises(ValueError, match=r"text|no public key"):
        read(okp("01" * 32) | {"x": x}, "Ed25519")


@pytest.mark.parametrize("point", [*SMALL_ORDER, *NOT_CANONICAL])
def test_weak_points_are_not_enrolled(point: str) -> None:
    """A point whose order divides 8, or that is not encoded canonically, is refused: any message could be its own."""
    with pytest.raises(keys.WeakKey) as weak:
        keys.enrol(okp((SMALL_ORDER | NOT_CANONICAL)[point]), "Ed25519")
    assert ("canonically" if point in NOT_CANONICAL else "small order") in str(weak.value)


def test_a_directory_with_a_weak_key_is_no_directory() -> None:
    """Enrolment is where the directory is read: the weak key is named, and nothing of that version counts."""
    jwk = okp(SMALL_ORDER["-1, order 2"])
    entry = making.key_entry(making.key(making.DYKE)) | {"jwk": jwk, "kid": keys.thumbprint(jwk)}
    with pytest.raises(ValueError, match=r"vn\.mae\.dyke.*small order"):
        making.directory(agencies={making.DYKE: {"keys": [entry]}})


@pytest.mark.parametrize(
    ("alg", "change"),
    [
        ("Ed25519", {"x": "AAAA"}),
        ("Ed25519", {"crv": "X25519"}),
        ("Ed25519", {"kty": "EC"}),
        ("ES256", {"crv": "P-384"}),
        ("ES256", {"x": jws.encode(bytes(32))}),
        ("ES256", {"y": jws.encode(bytes(31) + b"\x01")}),
        ("ML-DSA-65", {"pub": "AAAA"}),
        ("ML-DSA-65", {"alg": "ML-DSA-44"}),
    ],
    ids=str,
)
def test_what_is_no_key_of_its_algorithm(alg: str, change: dict[str, str]) -> None:
    """Another type or curve, a wrong length and a point off the curve are refused."""
    with pytest.raises(keys.WeakKey):
        keys.enrol(keys.generate(alg).jwk | change, alg)


@pytest.mark.parametrize("alg", ALGORITHMS)
def test_members_of_a_jwk(alg: str) -> None:
    """A key under another algorithm, without one of its members, or with others beside them, is refused."""
    jwk = keys.generate(alg).jwk
    for other in {*ALGORITHMS, "RS256"} - {alg}:
        with pytest.raises(keys.WeakKey):
            keys.enrol(jwk, other)
    for member in jwk:
        with pytest.raises(keys.WeakKey):
            keys.enrol({name: value for name, value in jwk.items() if name != member}, alg)
    with pytest.raises(keys.WeakKey):
        keys.enrol(jwk | {"use": "sig"}, alg)
    with pytest.raises(keys.WeakKey):
        keys.enrol(jwk | {"x" if "x" in jwk else "pub": jwk.get("x", jwk.get("pub", "")) + "="}, alg)


class TestEs256:
    """RFC 7518 §3.4: 64 bytes, r and s within the order; nothing else is a signature."""

    PRIVATE = keys.generate("ES256")
    PUBLIC = keys.load_public(PRIVATE.jwk, "ES256")

    def holds(self, signature: bytes) -> bool:
        return keys.verify_signature(self.PUBLIC, b"message", signature)

    def test_lengths(self) -> None:
        """A signature has 64 bytes: none fewer, none more, and no DER."""
        good = self.PRIVATE.sign(b"message")
        assert len(good) == 64
        assert self.holds(good)
        assert not self.holds(good[:-1])
        assert not self.holds(good + b"\0")
        assert not self.holds(b"\0" + good[:32] + b"\0" + good[32:])
        assert not self.holds(good[:32] + b"\0" + good[32:])
        assert not self.holds(self.PRIVATE._key.sign(b"message", keys.ec.ECDSA(keys.hashes.SHA256())))

    @pytest.mark.parametrize("number", [0, P256_ORDER, P256_ORDER + 1, 2**256 - 1])
    def test_ranges(self, number: int) -> None:
        """Zero, and what is not below the order, is no r and no s."""
        good, half = self.PRIVATE.sign(b"message"), number.to_bytes(32, "big")
        assert not self.holds(half + good[32:])
        assert not self.holds(good[:32] + half)

    def test_the_other_s(self) -> None:
        """`-s` signs the same message (ECDSA is malleable): the statement digest leaves the signature out for that."""
        good = self.PRIVATE.sign(b"message")
        other = P256_ORDER - int.from_bytes(good[32:], "big")
        assert self.holds(good[:32] + other.to_bytes(32, "big"))

    def test_coordinates(self) -> None:
        """Coordinates have 32 bytes each, even where they begin with zeros."""
        jwk = self.PRIVATE.jwk
        for member in ("x", "y"):
            for other in (b"\0" + jws.decode(jwk[member]), jws.decode(jwk[member])[:-1]):
                with pytest.raises(ValueError, match="32 bytes"):
                    keys.load_public(jwk | {member: jws.encode(other)}, "ES256")
        moved = jws.decode(jwk["x"]) + jws.decode(jwk["y"])
        with pytest.raises(ValueError, match="32 bytes"):
            keys.load_public(jwk | {"x": jws.encode(moved[:31]), "y": jws.encode(moved[31:])}, "ES256")


@given(position=st.integers(0, 511))
def test_no_flipped_bit_is_believed(position: int) -> None:
    """An Ed25519 signature with any one bit changed does not hold."""
    private = making.key(making.DYKE)
    signature = bytearray(private.sign(b"message"))
    signature[position // 8] ^= 1 << position % 8
    assert not keys.verify_signature(keys.load_public(private.jwk, "Ed25519"), b"message", bytes(signature))


class TestFiles:
    """Private keys are files that their owner alone can read."""

    @pytest.mark.parametrize("alg", ALGORITHMS)
    @pytest.mark.parametrize("passphrase", [None, "mật khẩu"])
    def test_there_and_back(self, tmp_path: Path, alg: str, passphrase: str | None) -> None:
        """What is saved is read again, with mode 600, and with a passphrase not without it."""
        private, path = keys.generate(alg), tmp_path / "key.pem"
        keys.save_file(path, private, passphrase)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert keys.load_file(path, passphrase).kid == private.kid
        if passphrase:
            for wrong in (None, "another"):
                with pytest.raises(ValueError):  # noqa: PT011 - the library's words
                    keys.load_file(path, wrong)

    def test_no_key_is_overwritten(self, tmp_path: Path) -> None:
        """A key file that exists is not overwritten."""
        path = tmp_path / "key.pem"
        keys.save_file(path, keys.generate())
        before = path.read_bytes()
        with pytest.raises(FileExistsError):
            keys.save_file(path, keys.generate())
        assert path.read_bytes() == before

    def test_private_jwks(self, tmp_path: Path) -> None:
        """A private JWK is read; a public one, and one of a type that nobody here uses, is not."""
        private = making.key(making.DYKE)
        seed = jws.encode(private._key.private_bytes_raw())
        path = tmp_path / "key.json"
        path.write_text(f'{{"kty": "OKP", "crv": "Ed25519", "d": "{seed}"}}')
        assert keys.load_file(path).kid == private.kid
        bad: list[Any] = [private.jwk, {"kty": "oct", "k": seed}, {"kty": "OKP", "crv": "Ed448", "d": seed}, {}]
        for jwk in [*bad, {"kty": "OKP", "crv": "Ed25519", "d": 7}]:
            with pytest.raises(ValueError, match="private JWK"):
                keys.load_jwk(jwk)

    def test_other_kinds_of_keys(self) -> None:
        """RSA keys, and keys for encryption, are refused."""
        others = (rsa.generate_private_key(65537, 2048), x25519.X25519PrivateKey.generate())
        for other in others:
            pem = other.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            with pytest.raises(ValueError, match="ML-DSA-65"):
                keys.load_pem(pem)

    def test_no_key_is_shown(self) -> None:
        """What a log line or a traceback shows of a key is its public name."""
        private = making.key(making.DYKE)
        shown = repr(private)
        assert private.kid in shown
        assert jws.encode(private._key.private_bytes_raw()) not in shown


def test_thumbprints_need_their_members() -> None:
    """A JWK of an unknown type, or with a required member missing or no text, has no thumbprint."""
    for jwk in (
        {},
        {"kty": "oct", "k": "x"},
        {"kty": "OKP", "crv": "Ed25519"},
        {"kty": "OKP", "crv": "Ed25519", "x": 7},
    ):
        with pytest.raises(ValueError, match="required members"):
            keys.thumbprint(jwk)


@pytest.mark.parametrize(
    ("alg", "change"),
    [
        ("Ed25519", {"kty": "EC"}),
        ("Ed25519", {"crv": "P-256"}),
        ("ES256", {"kty": "OKP"}),
        ("ES256", {"crv": "Ed25519"}),
        ("ML-DSA-65", {"kty": "OKP"}),
        ("ML-DSA-65", {"alg": "ML-DSA-87"}),
    ],
    ids=str,
)
def test_a_jwk_says_what_it_is(alg: str, change: dict[str, str]) -> None:
    """Type, curve and algorithm of a JWK count wherever a key is loaded, not at enrolment alone."""
    jwk = keys.generate(alg).jwk
    assert keys.load_public(jwk, alg)
    with pytest.raises(ValueError, match="no public key of that algorithm"):
        keys.load_public(jwk | change, alg)
