"""Tokens: asked for when needed, renewed by themselves, each with fresh proofs."""

import hashlib
import json

import pytest

from broker.client import AsyncClient, Options, ProblemError, Retries
from broker.trust import jws
from broker.trust.keys import generate, load_public, verify_signature
from tests.client.made import AGENCY, World
from tests.client.scripted import QUICK, Scripted, Step

NONE: dict[str, object] = {"subscriptions": []}
KNOWN = Step(200, NONE)
UNKNOWN = Step(401, {"code": "unauthenticated", "detail": "Unknown token."})


def reader(hub: Scripted, options: Options = QUICK) -> AsyncClient:
    """A client with a key of use auth."""
    return AsyncClient(hub.url, AGENCY, None, generate(), options=options)


def opened(token: str) -> tuple[dict[str, object], dict[str, object]]:
    """Header and claims of a JWS."""
    header, claims, _ = token.split(".")
    return json.loads(jws.decode(header)), json.loads(jws.decode(claims))


async def test_one_token_serves_many_calls() -> None:
    """It is asked for once; each call brings a proof of its own, over method, URL and token (RFC 9449 §4.2)."""
    async with Scripted(World(), [KNOWN]).listening() as hub, reader(hub) as client:
        for _ in range(3):
            await client.subscriptions()
    assert len(hub.tokens) == 1
    proofs = [headers["DPoP"] for _, _, headers in hub.seen]
    assert len({opened(proof)[1]["jti"] for proof in proofs}) == 3
    for proof in proofs:
        header, claims = opened(proof)
        assert (claims["htm"], claims["htu"]) == ("GET", f"{hub.url}/v1/subscriptions")
        assert claims["ath"] == jws.encode(hashlib.sha256(b"token-1").digest())
        signed, _, signature = proof.rpartition(".")
        public = load_public(header["jwk"], str(header["alg"]))  # type: ignore[arg-type] # it is a JWK
        assert verify_signature(public, signed.encode(), jws.decode(signature))


async def test_a_token_that_ends_soon_is_renewed() -> None:
    """One that lives 30 s or less is not used for a call that begins a second later; assertions are never reused."""
    async with Scripted(World(), [KNOWN], lives_s=31).listening() as hub, reader(hub) as client:
        await client.subscriptions()
        assert client._hub._token is not None
        client._hub._token = type(client._hub._token)("old", 0.0, frozenset())
        await client.subscriptions()
    assert len(hub.tokens) == 2
    assert len({form["client_assertion"] for form in hub.tokens}) == 2
    assert len({form["dpop"] for form in hub.tokens}) == 2


async def test_a_token_that_the_hub_knows_no_longer() -> None:
    """After a 401 one new token is asked for, and the call is made once more; a second 401 is told."""
    async with Scripted(World(), [UNKNOWN, KNOWN]).listening() as hub, reader(hub) as client:
        await client.subscriptions()
    assert [headers["Authorization"] for _, _, headers in hub.seen] == ["DPoP token-1", "DPoP token-2"]
    async with Scripted(World(), [UNKNOWN]).listening() as hub, reader(hub) as client:
        with pytest.raises(ProblemError, match="unauthenticated"):
            await client.subscriptions()
    assert len(hub.seen) == 2


async def test_the_assertion_is_the_agencys() -> None:
    """It names agency and client, is for the hub's issuer, and lives a minute (RFC 7523, protocol §6)."""
    options = Options(client="desk-7", retries=Retries(most=1))
    async with Scripted(World(), [KNOWN]).listening() as hub, reader(hub, options) as client:
        await client.subscriptions()
    header, claims = opened(str(hub.tokens[0]["client_assertion"]))
    assert header["typ"] == "client-authentication+jwt"
    assert claims["iss"] == claims["sub"] == f"{AGENCY}#desk-7"
    assert claims["aud"] == hub.url
    assert int(str(claims["exp"])) - int(str(claims["iat"])) == 60


async def test_without_a_key_nothing_is_asked() -> None:
    """A call that needs a token tells what is missing, before anything is sent."""
    async with Scripted(World(), [KNOWN]).listening() as hub, AsyncClient(hub.url, options=QUICK) as client:
        with pytest.raises(ProblemError, match="key of use auth"):
            await client.subscriptions()
    assert hub.seen == []


async def test_the_hub_is_asked_again_after_a_while() -> None:
    """Key records are kept, and asked for again once they are old: so a revocation is learnt."""
    world = World()
    async with Scripted(world, [KNOWN]).listening() as hub:
        async with AsyncClient(hub.url, options=Options(keep_s=600)) as client:
            first = await client.key_record(world.key.kid)
            world.list(world.key, "statement", AGENCY, revoked={"at": "2026-11-22T01:00:00Z"})
            assert await client.key_record(world.key.kid) == first
        async with AsyncClient(hub.url, options=Options(keep_s=0)) as client:
            assert (await client.key_record(world.key.kid)).revoked is not None
