"""Credentials: who gets a token, what a bound one needs, what is refused (protocol §6, RFC 7523, RFC 9449)."""

import time
import uuid

import httpx2

from independent.access import Caller, Prover, ask_token, assertion, sign_in
from independent.alerts import as_json
from independent.checking import answered, check, equal, holds, problem, refused, told
from independent.desk import DYKE, HEALTH, Desk
from independent.jose import compact, new_signer

_LIST = "/v1/subscriptions"


def _refused_token(response: httpx2.Response, *errors: str) -> None:
    """RFC 6749 §5.2: 400, or 401 for a client that did not prove itself; `error`."""
    allowed = (400, 401) if "invalid_client" in errors else (400,)
    if response.status_code not in allowed:
        equal("refusal of the token endpoint", f"{allowed} {errors}", told(response))
    error = response.json()["error"]
    holds("error", error in errors, errors, error)


@check
def an_unbound_token(desk: Desk) -> None:
    """§6: client credentials with `private_key_jwt`; at most ten minutes."""
    signed = assertion(desk.hub, HEALTH, desk.key(HEALTH, "auth"))
    answer = answered(ask_token(desk.hub, signed), 200)
    equal("token_type", "bearer", answer["token_type"].lower())
    holds("expires_in", 0 < answer["expires_in"] <= 600, "at most 600", answer["expires_in"])
    holds("access_token", bool(answer["access_token"]), "a token", answer)


@check
def a_bound_token(desk: Desk) -> None:
    """§6, RFC 9449 §5: with a proof the token is bound, and says so; no nonce is asked for."""
    signed = assertion(desk.hub, HEALTH, desk.key(HEALTH, "auth"))
    proof = Prover(desk.hub.origin).proof("POST", desk.hub.token_path)
    answer = answered(ask_token(desk.hub, signed, proof=proof), 200)
    equal("token_type", "dpop", answer["token_type"].lower())


@check
def a_token_without_a_scope_asked_for(desk: Desk) -> None:
    """§6: `scope` is optional; without one there is a token all the same, or `invalid_scope` (RFC 6749 §3.3)."""
    signed = assertion(desk.hub, HEALTH, desk.key(HEALTH, "auth"))
    response = ask_token(desk.hub, signed, scope=None)
    if response.status_code != 200:
        _refused_token(response, "invalid_scope")


@check
def both_kinds_of_token_read(desk: Desk) -> None:
    """§6: `read` opens all GETs, with the token bound or not."""
    for bound in (True, False):
        holds("list", "subscriptions" in answered(desk.caller(HEALTH, bound=bound).get(_LIST), 200), "one", bound)


@check
def a_proof_key_may_be_es256(desk: Desk) -> None:
    """RFC 9449 §4.2: another algorithm of proof."""
    prover = Prover(desk.hub.origin, new_signer("P-256"))
    signed = assertion(desk.hub, HEALTH, desk.key(HEALTH, "auth"))
    answer = answered(ask_token(desk.hub, signed, proof=prover.proof("POST", desk.hub.token_path)), 200)
    answered(Caller(desk.hub, HEALTH, answer["access_token"], prover).get(_LIST), 200)


# the token endpoint refuses


@check
def an_assertion_serves_once(desk: Desk) -> None:
    """§6: `jti` once."""
    signed = assertion(desk.hub, HEALTH, desk.key(HEALTH, "auth"))
    answered(ask_token(desk.hub, signed), 200)
    _refused_token(ask_token(desk.hub, signed), "invalid_client")


@check
def an_assertion_is_for_this_hub(desk: Desk) -> None:
    """§6: `aud` is the hub's issuer URL."""
    key = desk.key(HEALTH, "auth")
    for audience in (None, "https://hub.elsewhere.example", desk.hub.network):
        _refused_token(ask_token(desk.hub, assertion(desk.hub, HEALTH, key, aud=audience)), "invalid_client")


@check
def an_assertion_is_short_lived(desk: Desk) -> None:
    """§6: `exp` at most 60 s after `iat`, and not past; both are there."""
    key, now = desk.key(HEALTH, "auth"), int(time.time())
    for times in ({"exp": now + 600}, {"iat": now - 600, "exp": now - 540}, {"exp": None}, {"iat": None}):
        _refused_token(ask_token(desk.hub, assertion(desk.hub, HEALTH, key, **times)), "invalid_client")


@check
def an_assertion_names_its_client(desk: Desk) -> None:
    """§6: `iss` = `sub` = `<agency>#<client>`, `[a-z0-9-]{1,32}`."""
    key = desk.key(HEALTH, "auth")
    for subject in (HEALTH, f"{HEALTH}#", f"{HEALTH}#E2E", f"{HEALTH}#{'x' * 33}", f"{DYKE}#e2e", None):
        signed = assertion(desk.hub, HEALTH, key, iss=subject, sub=subject)
        _refused_token(ask_token(desk.hub, signed), "invalid_client")
    _refused_token(ask_token(desk.hub, assertion(desk.hub, HEALTH, key, sub=f"{HEALTH}#other")), "invalid_client")


@check
def an_assertion_is_by_an_auth_key(desk: Desk) -> None:
    """§2: each key has one use; an unknown one has none."""
    for key in (desk.key(HEALTH), desk.key(DYKE, "auth"), new_signer()):
        _refused_token(ask_token(desk.hub, assertion(desk.hub, HEALTH, key)), "invalid_client")


@check
def an_assertion_has_its_own_typ(desk: Desk) -> None:
    """§2: client assertions have `client-authentication+jwt`."""
    key, now = desk.key(HEALTH, "auth"), int(time.time())
    subject = f"{HEALTH}#e2e"
    claims = {"iss": subject, "sub": subject, "aud": desk.hub.issuer, "iat": now, "exp": now + 60}
    claims["jti"] = str(uuid.uuid4())
    for typ in ("JWT", "secevent+jwt"):
        signed = compact({"alg": key.alg, "kid": key.kid, "typ": typ}, as_json(claims), key)
        _refused_token(ask_token(desk.hub, signed), "invalid_client")


@check
def a_form_asks_for_client_credentials(desk: Desk) -> None:
    """RFC 6749 §5.2: another grant, an unknown scope, no assertion at all."""

    def fresh() -> str:
        return assertion(desk.hub, HEALTH, desk.key(HEALTH, "auth"))

    _refused_token(ask_token(desk.hub, fresh(), grant_type="password"), "unsupported_grant_type")
    _refused_token(ask_token(desk.hub, fresh(), grant_type=None), "invalid_request", "unsupported_grant_type")
    _refused_token(ask_token(desk.hub, fresh(), scope="everything"), "invalid_scope")
    _refused_token(ask_token(desk.hub, fresh(), client_assertion=None), "invalid_request", "invalid_client")
    other = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
    _refused_token(ask_token(desk.hub, fresh(), client_assertion_type=other), "invalid_request", "invalid_client")


@check
def a_bad_proof_gets_no_token(desk: Desk) -> None:
    """RFC 9449 §4.3, §5: wrong method, address or time: `invalid_dpop_proof`."""
    prover, path = Prover(desk.hub.origin), desk.hub.token_path
    for changes in (
        {"htm": "GET"},
        {"htu": "https://elsewhere.example/oauth/token"},
        {"iat": int(time.time()) - 3600},
        {"jti": None},
    ):
        signed = assertion(desk.hub, HEALTH, desk.key(HEALTH, "auth"))
        proof = prover.proof("POST", path, **changes)
        _refused_token(ask_token(desk.hub, signed, proof=proof), "invalid_dpop_proof")


# the other calls refuse


def _unauthenticated(desk: Desk, **headers: str) -> None:
    response = desk.hub.http.get(_LIST, headers=headers)
    problem(response, "unauthenticated")
    holds("WWW-Authenticate", bool(response.headers.get("www-authenticate")), "a challenge", dict(response.headers))


@check
def no_credential(desk: Desk) -> None:
    """§4: 401 with `WWW-Authenticate`."""
    _unauthenticated(desk)


@check
def a_credential_that_is_none(desk: Desk) -> None:
    """§4: 401 with `WWW-Authenticate`."""
    _unauthenticated(desk, Authorization="Bearer not-a-token")


@check
def a_bound_token_needs_its_proof(desk: Desk) -> None:
    """RFC 9449 §7.2: a bound token is not a bearer token."""
    caller = desk.caller(HEALTH)
    _unauthenticated(desk, Authorization=f"Bearer {caller.token}")
    _unauthenticated(desk, Authorization=f"DPoP {caller.token}")


@check
def a_proof_is_for_one_request(desk: Desk) -> None:
    """RFC 9449 §4.3, §7: method, address, time, the token's hash."""
    caller = desk.caller(HEALTH)
    prover = caller.prover
    assert prover is not None
    wrong: tuple[dict[str, object], ...] = (
        {"htm": "POST"},
        {"htu": f"{desk.hub.origin}/v1/other"},
        {"htu": f"https://elsewhere.example{_LIST}"},
        {"iat": int(time.time()) - 3600},
        {"ath": None},
        {"ath": "A" * 43},
        {"jti": None},
    )
    for changes in wrong:
        proof = prover.proof("GET", _LIST, caller.token, **changes)
        _unauthenticated(desk, Authorization=f"DPoP {caller.token}", DPoP=proof)


@check
def a_proof_serves_once(desk: Desk) -> None:
    """RFC 9449 §11.1: a replayed `jti`."""
    headers = desk.caller(HEALTH).headers("GET", _LIST)
    answered(desk.hub.http.get(_LIST, headers=headers), 200)
    _unauthenticated(desk, **headers)


@check
def a_proof_is_by_the_bound_key(desk: Desk) -> None:
    """RFC 9449 §7.1: the token's `jkt` is that of the proof's key."""
    token = desk.caller(HEALTH).token
    proof = Prover(desk.hub.origin).proof("GET", _LIST, token)
    _unauthenticated(desk, Authorization=f"DPoP {token}", DPoP=proof)


@refused("insufficient-scope")
def reading_is_not_subscribing(desk: Desk) -> httpx2.Response:
    """§6: every POST on subscriptions asks for `subscribe`."""
    reader = sign_in(desk.hub, HEALTH, desk.key(HEALTH, "auth"), scope="read")
    return reader.post(_LIST, {"adapter": "stream", "purpose": ["prevention"]})


@refused("insufficient-scope")
def subscribing_is_not_reading(desk: Desk) -> httpx2.Response:
    """§6: all GETs ask for `read`."""
    return sign_in(desk.hub, HEALTH, desk.key(HEALTH, "auth"), scope="subscribe").get(_LIST)
