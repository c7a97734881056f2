"""Who reads: assertions (RFC 7523), access tokens, and proofs of possession (RFC 9449 §4.3, check by check)."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from broker.errors import Refused
from broker.trust import credentials, jws, keys
from broker.trust.credentials import (
    Client,
    Once,
    access_token_hash,
    issue,
    read_access_token,
    read_assertion,
    read_proof,
)
from broker.trust.hubkeys import HubKeys, load_or_make
from broker.trust.keys import PrivateKey, generate, thumbprint
from tests.unit import making
from tests.unit.making import DYKE, IAT, NOW, PROVINCE

ISSUER = "https://hub.example"
SECOND = timedelta(seconds=1)


def assertion(by: PrivateKey | None = None, typ: str = credentials.ASSERTION_TYP, **claims: Any) -> str:
    """An assertion of the dyke agency's system `desk`, changed; `...` leaves a claim out."""
    stated = {
        "iss": f"{DYKE}#desk",
        "sub": f"{DYKE}#desk",
        "aud": ISSUER,
        "iat": IAT,
        "exp": IAT + 60,
        "jti": "a-1",
    } | claims
    return jws.sign(
        by or making.key(DYKE, "auth"), typ, {name: value for name, value in stated.items() if value is not ...}
    )


def is_client(token: str, world: Any = None, at: Any = NOW) -> bool:
    """Whether the assertion authenticates; whatever is wrong is `unauthenticated`."""
    try:
        read_assertion(token, world or making.directory(), ISSUER, at)
    except Refused as refused:
        return {"unauthenticated": False}[refused.code]
    return True


class TestAssertions:
    """Protocol §6: an `auth` key, `iss` = `sub` = `<agency>#<client>`, `aud` the hub's issuer URL, 60 s, `jti` once."""

    def test_good(self) -> None:
        """A good one names agency and client, and the `jti` that must not come again while it could be used."""
        client = read_assertion(assertion(), making.directory(), ISSUER, NOW)
        assert (client.agency, client.name) == (DYKE, "desk")
        assert client.once.value == f"{DYKE}#desk/a-1"
        assert client.once.seconds >= credentials.ASSERTION_LIVES_S + credentials.SKEW_S

    @pytest.mark.parametrize("use", ["statement", "receipt", "webhook", "log", "registrar"])
    def test_the_use_of_the_key(self, use: str) -> None:
        """A key of another use authenticates nobody."""
        entry = making.key_entry(making.key(DYKE, "auth"), use)
        assert not is_client(assertion(), making.directory(agencies={DYKE: {"keys": [entry]}}))

    def test_whose_key(self) -> None:
        """An unknown key, and another agency's, authenticate nobody."""
        assert not is_client(assertion(generate()))
        assert not is_client(assertion(making.key(PROVINCE, "auth")))
        assert not is_client(assertion(iss="vn.nobody#desk", sub="vn.nobody#desk"))

    @pytest.mark.parametrize(
        ("change", "good"),
        [
            ({}, True),
            ({"valid_from": "2026-11-22T01:00:00Z"}, True),
            ({"valid_from": "2026-11-22T01:00:01Z"}, False),
            ({"valid_until": "2026-11-22T01:00:01Z"}, True),
            ({"valid_until": "2026-11-22T01:00:00Z"}, False),
            ({"revoked": {"at": "2026-01-02T00:00:00Z"}}, False),
        ],
        ids=str,
    )
    def test_when_the_key_is_valid(self, change: dict[str, Any], good: bool) -> None:
        """The key counts from its beginning up to its end, and not once revoked."""
        entry = making.key_entry(making.key(DYKE, "auth"), "auth", **change)
        assert is_client(assertion(), making.directory(agencies={DYKE: {"keys": [entry]}})) is good

    def test_an_inactive_agency(self) -> None:
        """An agency that is not active reads nothing."""
        for state in ({"active": False}, {"valid_until": "2026-11-22T01:00:00Z"}):
            assert not is_client(assertion(), making.directory(agencies={DYKE: state}))

    def test_the_algorithm(self) -> None:
        """The key's record fixes the algorithm: a token that states another of the three is refused, not verified."""
        key = making.key(DYKE, "auth")
        for alg in ("ES256", "ML-DSA-65"):
            assert not is_client(assertion(PrivateKey(alg, key.kid, key._key)))
        es256 = generate("ES256")
        entry = making.key_entry(es256, "auth")
        assert is_client(assertion(es256), making.directory(agencies={DYKE: {"keys": [entry]}}))

    def test_the_signature(self) -> None:
        """Another key's signature under this key's name is refused."""
        key = making.key(DYKE, "auth")
        assert not is_client(assertion(PrivateKey("Ed25519", key.kid, generate()._key)))

    @pytest.mark.parametrize(
        "claims",
        [
            {"sub": ...},
            {"sub": f"{DYKE}#other"},
            {"iss": DYKE, "sub": DYKE},
            {"iss": f"{DYKE}#", "sub": f"{DYKE}#"},
            {"iss": f"{DYKE}#Desk", "sub": f"{DYKE}#Desk"},
            {"iss": f"{DYKE}#{'d' * 33}", "sub": f"{DYKE}#{'d' * 33}"},
            {"iss": f"{DYKE}#a#b", "sub": f"{DYKE}#a#b"},
            {"iss": ..., "sub": ...},
            {"aud": ...},
            {"aud": ISSUER + "/"},
            {"aud": [ISSUER]},
            {"aud": f"{ISSUER}/oauth/token"},
            {"iat": ...},
            {"iat": str(IAT)},
            {"iat": IAT + 0.5},
            {"iat": IAT + 6, "exp": IAT + 60},
            {"exp": ...},
            {"exp": str(IAT + 60)},
            {"exp": IAT},
            {"exp": IAT - 1},
            {"exp": IAT + 61},
            {"iat": IAT + 2, "exp": IAT + 2},
            {"jti": ...},
            {"jti": ""},
            {"jti": 7},
            {"jti": "x" * 257},
        ],
        ids=str,
    )
    def test_claims(self, claims: dict[str, Any]) -> None:
        """Each claim is there, of its form, and within its bounds."""
        assert not is_client(assertion(**claims))

    def test_bounds(self) -> None:
        """The longest names, a clock a little ahead, and the last moment of its life are allowed."""
        name = f"{DYKE}#{'d' * 32}"
        assert is_client(assertion(iss=name, sub=name, jti="x" * 256))
        assert is_client(assertion(iat=IAT + 5, exp=IAT + 65))
        assert is_client(assertion(exp=IAT + 60), at=NOW + 59 * SECOND)
        assert not is_client(assertion(exp=IAT + 60), at=NOW + 60 * SECOND)

    def test_the_type(self) -> None:
        """A statement, an access token or a receipt is no assertion, and nonsense is none."""
        for typ in ("JWT", "secevent+jwt", "at+jwt", "interagency-receipt+jwt"):
            assert not is_client(assertion(typ=typ))
        assert not is_client("nonsense")


@pytest.fixture(scope="module")
def hub_keys(tmp_path_factory: pytest.TempPathFactory) -> HubKeys:
    """The hub's own keys."""
    return load_or_make(Path(tmp_path_factory.mktemp("keys")), making.directory())


CLIENT = Client(DYKE, "desk", Once("assertion", "a-1", 60))


class TestAccessTokens:
    """They live ten minutes, are this hub's own, and say to which key they are bound."""

    def test_there_and_back(self, hub_keys: HubKeys) -> None:
        """What is issued is read again."""
        for bound_to in (None, "thumbprint"):
            token = issue(hub_keys, ISSUER, CLIENT, frozenset({"read", "inspect"}), bound_to, NOW)
            access = read_access_token(token, hub_keys, ISSUER, NOW)
            assert (access.agency, access.client, access.bound_to) == (DYKE, "desk", bound_to)
            assert access.scopes == {"read", "inspect"}

    def test_ten_minutes(self, hub_keys: HubKeys) -> None:
        """A token holds for ten minutes and no longer, and not before it was issued."""
        token = issue(hub_keys, ISSUER, CLIENT, frozenset({"read"}), None, NOW)
        assert read_access_token(token, hub_keys, ISSUER, NOW + 599 * SECOND)
        for at in (NOW + 600 * SECOND, NOW - 6 * SECOND):
            with pytest.raises(Refused) as refused:
                read_access_token(token, hub_keys, ISSUER, at)
            assert refused.value.code == "unauthenticated"

    def test_of_this_hub(self, hub_keys: HubKeys, tmp_path: Path) -> None:
        """Another hub's token, another audience, a changed one and one of another type or use are refused."""
        other = load_or_make(tmp_path, making.directory())
        good = issue(hub_keys, ISSUER, CLIENT, frozenset({"read"}), None, NOW)
        claims = {"aud": ISSUER, "iat": IAT, "exp": IAT + 600, "sub": f"{DYKE}#desk", "scope": "read"}
        head, _, signature = good.split(".")
        for token in (
            issue(other, ISSUER, CLIENT, frozenset({"read"}), None, NOW),
            issue(hub_keys, "https://other.example", CLIENT, frozenset({"read"}), None, NOW),
            hub_keys.sign("auth", "interagency-receipt+jwt", claims),
            hub_keys.sign("receipt", credentials.ACCESS_TYP, claims),
            f"{head}.{jws.encode(jws._json(claims | {'scope': 'read inspect subscribe'}))}.{signature}",
            "nonsense",
            "",
        ):
            with pytest.raises(Refused) as refused:
                read_access_token(token, hub_keys, ISSUER, NOW)
            assert refused.value.code == "unauthenticated"


KEY = generate("ES256")
URL = f"{ISSUER}/v1/alerts"
TOKEN = "an.access.token"
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def proof(by: PrivateKey = KEY, header: dict[str, Any] | None = None, **claims: Any) -> str:
    """A DPoP proof for `GET /v1/alerts` with the token, changed; `...` leaves a member out."""
    head = {"typ": "dpop+jwt", "alg": by.alg, "jwk": by.jwk} | (header or {})
    stated = {"jti": "p-1", "htm": "GET", "htu": URL, "iat": IAT, "ath": access_token_hash(TOKEN)} | claims
    pieces = [{name: value for name, value in each.items() if value is not ...} for each in (head, stated)]
    signing_input = ".".join(jws.encode(jws._json(piece)) for piece in pieces)
    return f"{signing_input}.{jws.encode(by.sign(signing_input.encode()))}"


def is_proof(text: str, token: str | None = TOKEN, at: Any = NOW) -> bool:
    """Whether the proof is good for the request; whatever is wrong is `unauthenticated`."""
    try:
        read_proof(text, "GET", URL, token, at)
    except Refused as refused:
        return {"unauthenticated": False}[refused.code]
    return True


class TestProofs:
    """RFC 9449 §4.3, in its numbers."""

    @pytest.mark.parametrize("alg", ["Ed25519", "ES256", "ML-DSA-65"])
    def test_good(self, alg: str) -> None:
        """A good proof gives the thumbprint of its key, and a `jti` that must not come again within the window."""
        by = generate(alg)
        key, once = read_proof(proof(by), "GET", URL, TOKEN, NOW)
        assert key == by.kid
        assert once.value == f"{by.kid}/p-1"
        assert once.seconds >= 2 * credentials.PROOF_WINDOW_S

    def test_2_one_compact_jws(self) -> None:
        """2: it is one well-formed JWT."""
        good = proof()
        for text in ("", "nonsense", f"{good}.x", good.rpartition(".")[0] + ".", f"{good}, {good}"):
            assert not is_proof(text)

    @pytest.mark.parametrize("claim", ["jti", "htm", "htu", "iat", "ath"])
    def test_3_all_claims(self, claim: str) -> None:
        """3: every required claim is there."""
        assert not is_proof(proof(**{claim: ...}))

    @pytest.mark.parametrize("typ", [..., "JWT", "at+jwt", "application/dpop+jwt", 7])
    def test_4_its_type(self, typ: Any) -> None:
        """4: `typ` is `dpop+jwt`."""
        assert not is_proof(proof(header={"typ": typ}))

    @pytest.mark.parametrize("alg", [..., "none", "HS256", "RS256", "Ed25519", 7])
    def test_5_its_algorithm(self, alg: Any) -> None:
        """5: `alg` is an asymmetric one that is supported, and the key's own."""
        assert not is_proof(proof(header={"alg": alg}))

    def test_6_its_signature(self) -> None:
        """6: the signature holds under the `jwk` of the header."""
        assert not is_proof(proof(header={"jwk": generate("ES256").jwk}))
        for jwk in (..., "text", {}, {"kty": "oct", "k": "c2VjcmV0"}, KEY.jwk | {"x": "AAAA"}):
            assert not is_proof(proof(header={"jwk": jwk}))

    @pytest.mark.parametrize("jwk", [{"kty": "EC", "crv": "P-256"}, KEY.jwk | {"x": 7}, KEY.jwk | {"y": None}], ids=str)
    def test_6_a_jwk_with_members_missing(self, jwk: dict[str, Any]) -> None:
        """6: a `jwk` without a member, or with one that is no text, is refused and breaks nothing."""
        assert not is_proof(proof(header={"jwk": jwk}))

    def test_6_a_key_that_signs_anything(self) -> None:
        """6: a point of small order is no key: anybody can make its signature of anything without a private key."""
        identity = b"\x01" + bytes(31)
        head = {"alg": "Ed25519", "jwk": {"kty": "OKP", "crv": "Ed25519", "x": jws.encode(identity)}}
        signing_input = proof(header=head).rpartition(".")[0]
        assert not is_proof(f"{signing_input}.{jws.encode(identity + bytes(32))}")

    def test_6_a_key_written_loosely(self) -> None:
        """6: one key has one name: its members in another spelling, with unused bits or padding, are refused."""
        by = generate("Ed25519")
        x = by.jwk["x"]
        unused = x[:-1] + ALPHABET[ALPHABET.index(x[-1]) + 1]
        for loose in (unused, x + "="):
            assert not is_proof(proof(by, header={"jwk": by.jwk | {"x": loose}}))

    def test_6_nothing_is_remembered(self) -> None:
        """Whoever sends proofs with ever new keys pushes no directory's key out of memory."""
        before = keys._load_public.cache_info()
        assert is_proof(proof(generate("ES256")))
        assert keys._load_public.cache_info() == before

    @pytest.mark.parametrize("member", ["d", "priv", "k"])
    def test_7_no_private_key(self, member: str) -> None:
        """7: the `jwk` holds nothing private."""
        assert not is_proof(proof(header={"jwk": KEY.jwk | {member: "AAAA"}}))

    def test_7_nothing_critical(self) -> None:
        """A header that asks for what is not understood is refused (RFC 7515 §4.1.11)."""
        assert not is_proof(proof(header={"crit": ["b64"], "b64": False}))

    def test_8_the_method(self) -> None:
        """8: `htm` is the request's method, in its letters."""
        for method in ("POST", "get", ""):
            assert not is_proof(proof(htm=method))

    def test_9_the_url(self) -> None:
        """9: `htu` is the request's URL without query and fragment."""
        for url in (URL + "/", URL + "?a=1", "http://hub.example/v1/alerts", "https://other.example/v1/alerts", 7):
            assert not is_proof(proof(htu=url))

    @pytest.mark.parametrize(("seconds", "good"), [(-301, False), (-300, True), (300, True), (301, False)])
    def test_11_its_time(self, seconds: int, good: bool) -> None:
        """11: `iat` lies within the window, either way; a fraction or a text is no time here."""
        assert is_proof(proof(), at=NOW + timedelta(seconds=seconds)) is good
        assert not is_proof(proof(iat=str(IAT)))
        assert not is_proof(proof(iat=True))

    def test_12_the_token(self) -> None:
        """12: `ath` is the hash of the token that came with it; without a token none is asked for."""
        assert not is_proof(proof(), token="another.access.token")
        assert not is_proof(proof(ath=access_token_hash("another.access.token")))
        assert is_proof(proof(ath=...), token=None)

    def test_its_id(self) -> None:
        """A `jti` is text of one to 256 characters."""
        for jti in ("", "x" * 257, 7, None):
            assert not is_proof(proof(jti=jti))
        assert is_proof(proof(jti="x" * 256))

    def test_other_members_of_the_key_do_not_change_its_name(self) -> None:
        """A `jwk` with members beside the required ones is the same key (RFC 7638 §3)."""
        key, _ = read_proof(proof(header={"jwk": KEY.jwk | {"kid": "x", "use": "sig"}}), "GET", URL, TOKEN, NOW)
        assert key == thumbprint(KEY.jwk)

    def test_the_hash_is_the_rfcs(self) -> None:
        """`ath` of the token in RFC 9449 §7.1's example is the one printed there."""
        token = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
        assert access_token_hash(token) == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
