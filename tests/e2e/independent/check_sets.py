"""RFC 8935 push: its own words for a refusal (protocol §4)."""

import time

import httpx2

from independent.alerts import alert, handling, new_id
from independent.checking import CHECKS, Check, answered, check, equal, holds, told
from independent.desk import DYKE, LAO_POLICE, Desk
from independent.jose import new_signer


def _err(response: httpx2.Response, err: str) -> None:
    if response.status_code != 400:
        equal("status of a refused SET", f"400 {err}", told(response))
    body = response.json()
    equal("err", err, body["err"])
    holds("description", bool(body.get("description")), "a text", body)
    equal("media type", "application/json", response.headers["content-type"].partition(";")[0])


def _statements(desk: Desk) -> dict[str, tuple[str, str]]:
    """For each name: the `err` that must come, and the statement that provokes it."""
    ten_minutes_ago = int(time.time()) - 600
    sign, claims = desk.sign, desk.claims
    return {
        "malformed": ("invalid_request", sign(claims(alert(), exp=1))),
        "invalid_statement": ("invalid_request", sign(claims(alert(product=None)))),
        "untrusted": ("invalid_key", sign(claims(alert()), new_signer())),
        "wrong_audience": ("invalid_audience", sign(claims(alert(), aud="https://test.example/vn"))),
        "stale": ("access_denied", sign(claims(alert(), iat=ten_minutes_ago))),
        "outside_mandate": ("access_denied", sign(claims(alert(), LAO_POLICE))),
        "terms": ("access_denied", sign(claims(alert("@asean.disaster", handling=handling("red"))))),
    }


def _check(name: str) -> Check:
    def run(desk: Desk) -> None:
        """§4: 400 with `err` and `description`."""
        err, statement = _statements(desk)[name]
        _err(desk.hub.post_set(statement), err)

    return Check(f"sets.{name}", run)


_NAMES = (
    "malformed",
    "invalid_statement",
    "untrusted",
    "wrong_audience",
    "stale",
    "outside_mandate",
    "terms",
)
CHECKS.extend(map(_check, _NAMES))


@check
def an_expired_key(desk: Desk) -> None:
    """§4: `invalid_key` for key-not-valid."""
    statement = desk.sign(desk.claims(alert()), desk.key(DYKE, "expired"))
    _err(desk.hub.post_set(statement), "invalid_key")


@check
def a_conflict(desk: Desk) -> None:
    """§4: `access_denied` for the rest."""
    alert_id = new_id(DYKE)
    answered(desk.post(alert(), jti=alert_id), 202)
    _err(desk.hub.post_set(desk.sign(desk.claims(alert(severity="minor"), jti=alert_id))), "access_denied")


@check
def the_same_set_again(desk: Desk) -> None:
    """§4, RFC 8935 §2.2: a SET that was taken is taken again, with the first receipt."""
    statement = desk.sign(desk.claims(alert()))
    first, again = desk.hub.post_set(statement), desk.hub.post_set(statement)
    equal("statuses", (202, 202), (first.status_code, again.status_code))
    equal("receipts", first.headers["alert-receipt"], again.headers["alert-receipt"])
