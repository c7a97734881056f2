"""Valid documents to start from; each test changes one thing."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.faults import faults
from schemas.statement import ALERT_EVENT, Claims

ID = "vn.mae.dyke/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"
DIGEST = "sha256:" + "0a" * 32
EVENT = "/events/https:~1~1interagency-broker.example~1ns~1alert~11"
PART = {"id": "main", "type": "application/cap+xml", "size": 2048, "digest": DIGEST}
ADDRESSING_PART = {
    "id": "addressing",
    "type": "application/vnd.interagency.addressing+json",
    "size": 80,
    "digest": DIGEST,
}
HANDLING = {"tlp": "amber", "onward": "none", "purpose": ["prevention"], "personal_data": "none"}
SITUATION = {
    "status": "actual",
    "domain": "disaster.flood",
    "urgency": "immediate",
    "severity": "extreme",
    "certainty": "observed",
    "expires": "2026-11-22T20:00:00+07:00",
    "handling": HANDLING,
    "addressing": {"to": ["@asean.disaster"]},
    "headline": {"vi": "Lũ lên nhanh", "en": "Fast rising flood"},
}
DIRECT = {"status": "actual", "references": [ID]}
MINIMAL: dict[str, dict[str, Any]] = {
    "alert": {**SITUATION, "product": "warning"},
    "update": {**SITUATION, "product": "warning", "references": [ID]},
    "cancel": {"status": "actual", "references": [ID]},
    "request": {**SITUATION, "wants": ["information"], "respond_by": "2026-11-22T12:00:00Z"},
    "ack": {**DIRECT, "outcome": "acting"},
    "error": {**DIRECT, "outcome": "cannot-parse"},
    "reply": {**DIRECT, "outcome": "no-hit"},
    "approve": DIRECT,
    "consent": {**DIRECT, "granted": False},
    "recall": DIRECT,
    "erased": DIRECT,
    "challenge": {**DIRECT, "outcome": "suspend"},
}
FULL = {
    **MINIMAL["alert"],
    "effective": "2026-11-22T08:00:00+07:00",
    "onset": "2026-11-22T09:00:00+07:00",
    "areas": [
        {"iso": "VN-13"},
        {"name": {"vi": "Quảng Ninh"}, "polygon": [[20.9, 106.9], [21.4, 106.9], [21.4, 107.9], [20.9, 106.9]]},
        {"circle": [20.9, 106.9, 25.0]},
        {"geocode": {"system": "GSO 2025", "value": "22"}},
    ],
    "by": "officer-0412",
    "on_behalf_of": "vn.quangninh",
    "refs": {"ours": "DD/2026/118", "yours": "7/B"},
    "handling": {
        **HANDLING,
        "personal_data": "ordinary",
        "legal_basis": {"instrument": "ND 278/2025", "article": "7"},
        "erase_after": "2027-01-01T00:00:00Z",
        "person": {"neutrality": "interpol-article-3", "offence": "0701", "reference": "A-1"},
        "caveats": ["H1"],
        "evaluation": {"scheme": "admiralty", "source": "B", "information": "2"},
        "derived_from": [ID],
    },
    "addressing": {"to": ["@asean.disaster", "th.police"], "release_to": ["vn.*"], "not_to": ["la.police"]},
    "parts": [{**PART, "language": "vi", "sealed": True, "handling": {"tlp": "red"}}],
    "ext": {"https://example.org/x": {"any": [None, 1]}},
}

Claiming = Callable[..., dict[str, Any]]
Refusing = Callable[[dict[str, Any]], list[tuple[str, str]]]


def _claims(kind: str = "alert", /, **changes: Any) -> dict[str, Any]:
    event = {"kind": kind, **MINIMAL[kind], **changes}
    event = {name: value for name, value in event.items() if value is not ...}
    return {
        "iss": "vn.mae.dyke",
        "jti": ID,
        "iat": 1_795_309_200,
        "aud": "https://nts.example/vn",
        "events": {ALERT_EVENT: deepcopy(event)},
    }


def _refusals(claims: dict[str, Any]) -> list[tuple[str, str]]:
    try:
        Claims.from_claims(claims)
    except ValidationError as error:
        return [(path.removeprefix(EVENT), expected) for path, expected in faults(error)]
    return []


@pytest.fixture(scope="session")
def claims() -> Claiming:
    """Claims of a kind with the fewest members, changed: `claims("ack", outcome="read")`; `...` leaves one out."""
    return _claims


@pytest.fixture(scope="session")
def refusals() -> Refusing:
    """The faults of claims, their paths below the event where they lie there; none when they are accepted."""
    return _refusals


@pytest.fixture(scope="session")
def kinds() -> tuple[str, ...]:
    """All kinds of protocol §2.1."""
    return tuple(MINIMAL)


@pytest.fixture(scope="session")
def full() -> dict[str, Any]:
    """An alert's event with every member."""
    return {"kind": "alert", **FULL}


@pytest.fixture(scope="session")
def part() -> dict[str, Any]:
    """What a statement says of a content part."""
    return PART


@pytest.fixture(scope="session")
def addressing_part() -> dict[str, Any]:
    """What a statement says of the part `addressing`."""
    return ADDRESSING_PART
