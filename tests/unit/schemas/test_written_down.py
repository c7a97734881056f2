"""What people write down beside who may have what: registrars, people, deadlines, what the parties mean to reach."""

from typing import Any

import pytest
from pydantic import ValidationError

from schemas.directory import DirectoryDocument
from schemas.faults import faults
from tests.unit import making

KEYS = [making.key(making.HUB, f"registrar {number}") for number in (1, 2, 3)]


def _document(registrars: Any, **changes: Any) -> dict[str, Any]:
    keys = [making.key_entry(key, "registrar") for key in KEYS]
    return making.document(agencies={making.PARENT: {"keys": keys}}, registrars=registrars, **changes)


def test_registrars_are_a_threshold_and_kids() -> None:
    """A number and the names of keys of use registrar; without the member nobody is one."""
    stated = {"threshold": 2, "keys": [key.kid for key in KEYS]}
    told = DirectoryDocument.model_validate(_document(stated)).registrars
    assert told is not None
    assert (told.threshold, told.keys) == (2, tuple(key.kid for key in KEYS))
    assert DirectoryDocument.model_validate(making.document()).registrars is None


@pytest.mark.parametrize(
    ("threshold", "kids", "where"),
    [
        (0, [KEYS[0].kid], "/registrars/threshold"),
        (2, [KEYS[0].kid], "/registrars/threshold"),
        (1, [], "/registrars/keys"),
        (2, [KEYS[0].kid, KEYS[0].kid], "/registrars/keys"),
        (1, [making.key(making.DYKE).kid], "/registrars/keys/0"),
        (1, ["A" * 43], "/registrars/keys/0"),
    ],
)
def test_registrars_that_cannot_sign_are_refused(threshold: int, kids: list[str], where: str) -> None:
    """No signature at all, more than there are keys, one key twice, a key of another use, one that is nobody's."""
    with pytest.raises(ValidationError) as refused:
        DirectoryDocument.model_validate(_document({"threshold": threshold, "keys": kids}))
    assert faults(refused.value)[0][0].startswith(where)


def test_people_deadlines_and_aims() -> None:
    """Roles of people by their codes, a profile's deadlines and default handling, an agreement's aim and its source."""
    person = {"code": "officer-0412", "roles": ["officer", "approver"], "valid_until": "2027-01-01T00:00:00Z"}
    profile = {
        "approval": True,
        "deadlines": {"approve_minutes": 15, "acknowledge_minutes": 30, "consent_minutes": 240},
        "default_handling": {"tlp": "amber", "onward": "none"},
    }
    agreement = {
        "from": making.DYKE,
        "to": making.POLICE,
        "domains": ["disaster"],
        "statuses": ["actual"],
        "tlps": ["green"],
        "severity": "extreme",
        "personal": ["none"],
        "purposes": ["prevention"],
        "reference": "Hiệp định 12/2026, Điều 4",
        "reciprocity": {"returns_percent": 50, "acknowledged_within_minutes": 60},
    }
    changes = {"profiles": {"disaster": profile}, "agreements": [agreement]}
    document = DirectoryDocument.model_validate(
        making.document(agencies={making.DYKE: {"people": [person]}}, **changes)
    )
    (told,) = [agency.people for agency in document.agencies if agency.id == making.DYKE]
    assert told is not None
    assert [role.value for role in told[0].roles] == ["officer", "approver"]
    with pytest.raises(ValidationError):
        DirectoryDocument.model_validate(
            making.document(agencies={making.DYKE: {"people": [{"code": "officer-1", "roles": ["spy"]}]}})
        )
