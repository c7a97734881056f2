"""Who may not speak, when, and to whom: untrusted, conflict, key-not-valid, stale, wrong-audience (protocol §2, §4)."""

import time
from collections.abc import Callable

import httpx2

from independent.alerts import addressed, alert, as_json, envelope, handling, new_id, text_part
from independent.checking import answered, check, equal, problem, refused
from independent.desk import DYKE, HEALTH, LAO_POLICE, POLICE, THAI_POLICE, Desk
from independent.jose import new_signer

_MINUTES_10 = 600


@refused("untrusted")
def an_unknown_issuer(desk: Desk) -> httpx2.Response:
    """§4: unknown issuer, with a key that the directory has for another."""
    return desk.hub.post_b(desk.sign(desk.claims(alert(), "vn.nobody"), desk.key(DYKE)))


@refused("untrusted")
def an_unknown_issuer_with_an_unknown_key(desk: Desk) -> httpx2.Response:
    """§4: unknown issuer."""
    return desk.hub.post_b(desk.sign(desk.claims(alert(), "vn.nobody"), new_signer()))


@refused("untrusted")
def an_unknown_key(desk: Desk) -> httpx2.Response:
    """§4: unknown key."""
    return desk.hub.post_b(desk.sign(desk.claims(alert()), new_signer()))


@refused("untrusted")
def a_key_of_another_use(desk: Desk) -> httpx2.Response:
    """§2, §4: each key has one use; `auth` does not speak."""
    return desk.hub.post_b(desk.sign(desk.claims(alert()), desk.key(DYKE, "auth")))


@refused("untrusted")
def a_key_of_another_agency(desk: Desk) -> httpx2.Response:
    """§4: wrong agency of the key."""
    return desk.hub.post_b(desk.sign(desk.claims(alert()), desk.key(HEALTH)))


@refused("untrusted")
def another_algorithm_than_the_records(desk: Desk) -> httpx2.Response:
    """§2: the key's record fixes the algorithm; another of the three is `untrusted`."""
    return desk.hub.post_b(desk.sign(desk.claims(alert()), alg="ES256"))


@refused("untrusted")
def a_bad_signature(desk: Desk) -> httpx2.Response:
    """§4: bad signature."""
    return desk.hub.post_b(_spoilt(desk.sign(desk.claims(alert()))))


@refused("untrusted")
def a_bad_es256_signature(desk: Desk) -> httpx2.Response:
    """§4: bad signature, over P-256."""
    return desk.hub.post_b(_spoilt(desk.sign(desk.claims(alert(POLICE, domain="crime"), THAI_POLICE))))


@refused("untrusted")
def a_signature_too_short(desk: Desk) -> httpx2.Response:
    """§4: bad signature, of a length that none has."""
    return desk.hub.post_b(desk.sign(desk.claims(alert())).rpartition(".")[0] + ".AAAA")


@refused("untrusted")
def claims_changed_after_signing(desk: Desk) -> httpx2.Response:
    """§4: bad signature: that of other claims."""
    head, _, signature = desk.sign(desk.claims(alert())).split(".")
    payload = desk.sign(desk.claims(alert(severity="minor"))).split(".")[1]
    return desk.hub.post_b(f"{head}.{payload}.{signature}")


def _spoilt(token: str) -> str:
    """The token with one bit of its signature changed."""
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


@check
def all_untrusted_look_alike(desk: Desk) -> None:
    """§4: unknown issuer, unknown key, wrong use, agency or algorithm, bad signature: alike."""
    kinds: tuple[Callable[[Desk], httpx2.Response], ...] = (
        lambda desk: desk.hub.post_b(desk.sign(desk.claims(alert(), "vn.nobody"), new_signer())),
        lambda desk: desk.hub.post_b(desk.sign(desk.claims(alert()), new_signer())),
        lambda desk: desk.hub.post_b(desk.sign(desk.claims(alert()), desk.key(DYKE, "auth"))),
        lambda desk: desk.hub.post_b(desk.sign(desk.claims(alert()), desk.key(HEALTH))),
        lambda desk: desk.hub.post_b(desk.sign(desk.claims(alert()), alg="ES256")),
        lambda desk: desk.hub.post_b(_spoilt(desk.sign(desk.claims(alert())))),
    )
    problems = [problem(post(desk), "untrusted") for post in kinds]
    for told in problems:
        told.pop("instance")
    equal("what is told", [problems[0]] * len(problems), problems)


@refused("conflict")
def the_same_id_with_another_digest(desk: Desk) -> httpx2.Response:
    """§4: the same id, another digest, both validly signed."""
    alert_id = new_id(DYKE)
    answered(desk.post(alert(), jti=alert_id), 202)
    return desk.post(alert(severity="extreme"), jti=alert_id)


@refused("untrusted")
def the_same_id_with_a_forged_signature(desk: Desk) -> httpx2.Response:
    """§4: the signature is checked before what was seen."""
    alert_id = new_id(DYKE)
    answered(desk.post(alert(), jti=alert_id), 202)
    return desk.hub.post_b(_spoilt(desk.sign(desk.claims(alert(severity="extreme"), jti=alert_id))))


@check
def a_conflict_leaves_the_first_as_it_was(desk: Desk) -> None:
    """§4: after an equivocation the first bytes still have the first answer."""
    posted = desk.accepted(alert())
    problem(desk.post(alert(severity="extreme"), jti=posted.id), "conflict")
    equal("answer", posted.answer, answered(desk.hub.post_b(posted.statement), 202))


@refused("key-not-valid")
def an_expired_key(desk: Desk) -> httpx2.Response:
    """§4: the key is valid at `iat` and now."""
    return desk.hub.post_b(desk.sign(desk.claims(alert(POLICE)), desk.key(DYKE, "expired")))


@refused("key-not-valid")
def a_revoked_key(desk: Desk) -> httpx2.Response:
    """§4, §6: a key that is revoked, and compromised since before `iat`."""
    return desk.hub.post_b(desk.sign(desk.claims(alert(POLICE)), desk.key(DYKE, "revoked")))


@refused("untrusted")
def an_expired_key_with_a_bad_signature(desk: Desk) -> httpx2.Response:
    """§4: `key-not-valid` only once the signature holds."""
    return desk.hub.post_b(_spoilt(desk.sign(desk.claims(alert()), desk.key(DYKE, "expired"))))


@refused("stale")
def an_old_statement(desk: Desk) -> httpx2.Response:
    """§2: `iat` is accepted within ±300 s."""
    return desk.post(alert(), iat=int(time.time()) - _MINUTES_10)


@refused("stale")
def a_statement_from_the_future(desk: Desk) -> httpx2.Response:
    """§2: `iat` is accepted within ±300 s."""
    return desk.post(alert(), iat=int(time.time()) + _MINUTES_10)


@refused("wrong-audience")
def another_network(desk: Desk) -> httpx2.Response:
    """§2: `aud` is the network."""
    return desk.post(alert(), aud="https://test.example/vn")


# §4's order: of two faults the earlier step is told


@refused("untrusted")
def signature_before_freshness(desk: Desk) -> httpx2.Response:
    """§4: signature, then fresh."""
    return desk.hub.post_b(_spoilt(desk.sign(desk.claims(alert(), iat=int(time.time()) - _MINUTES_10))))


@refused("malformed")
def framing_before_the_key(desk: Desk) -> httpx2.Response:
    """§4: framing, then key known."""
    return desk.hub.post_b(desk.sign(desk.claims(alert(), exp=1), new_signer()))


@refused("key-not-valid")
def the_keys_validity_before_freshness(desk: Desk) -> httpx2.Response:
    """§4: key valid, then fresh."""
    stale = desk.claims(alert(), iat=int(time.time()) - _MINUTES_10)
    return desk.hub.post_b(desk.sign(stale, desk.key(DYKE, "expired")))


@refused("stale")
def freshness_before_audience(desk: Desk) -> httpx2.Response:
    """§4: fresh, then audience."""
    return desk.post(alert(), iat=int(time.time()) - _MINUTES_10, aud="https://test.example/vn")


@refused("wrong-audience")
def audience_before_schema(desk: Desk) -> httpx2.Response:
    """§4: audience, then schema."""
    return desk.post(alert(product=None), aud="https://test.example/vn")


@refused("invalid-statement")
def schema_before_mandate(desk: Desk) -> httpx2.Response:
    """§4: schema, then mandate."""
    return desk.post(alert(product=None), LAO_POLICE)


@refused("outside-mandate")
def mandate_before_terms(desk: Desk) -> httpx2.Response:
    """§4: mandate, then terms."""
    return desk.post(alert("@asean.disaster", handling=handling("red")), LAO_POLICE)


@refused("terms")
def terms_before_other_parts(desk: Desk) -> httpx2.Response:
    """§4: terms, then other parts."""
    event = alert(handling=handling("clear"), addressing=addressed("vn.moh", not_to=("vn.sbv.bank",)))
    part = text_part("right")
    statement = desk.sign(desk.claims({**event, "parts": [part.described(size=1)]}))
    return desk.hub.post_d(as_json(envelope(statement, part)))
