"""Of whom an agency is told: those that it has terms with."""

from typing import Any

import pytest

from broker.policy.concerning import concerns
from tests.unit import making
from tests.unit.making import DYKE, NOW, PARENT, POLICE, PROVINCE
from tests.unit.stages import AGREEMENT

CHARTER = {name: value for name, value in AGREEMENT.items() if name not in ("from", "to")}
ENDED = {"valid_until": "2026-11-22T01:00:00Z"}


def _community(**changes: Any) -> dict[str, Any]:
    return {"name": "@vn.flood", "members": [DYKE, POLICE], "tiers": ["state"], "charter": CHARTER, **changes}


@pytest.mark.parametrize(
    ("world", "asker", "other", "told"),
    [
        ({"agreements": [AGREEMENT]}, DYKE, PROVINCE, True),
        ({"agreements": [AGREEMENT]}, PROVINCE, DYKE, True),
        ({"agreements": [AGREEMENT | ENDED]}, DYKE, PROVINCE, False),
        ({"agreements": [AGREEMENT]}, POLICE, PROVINCE, False),
        ({"communities": [_community()]}, DYKE, POLICE, True),
        ({"communities": [_community(**ENDED)]}, DYKE, POLICE, False),
        ({"communities": [_community()]}, DYKE, PARENT, False),
        ({}, DYKE, PARENT, False),
        ({}, DYKE, DYKE, True),
        ({"agreements": [AGREEMENT]}, DYKE, "xx.nobody", False),
    ],
)
def test_terms(world: dict[str, Any], asker: str, other: str, *, told: bool) -> None:
    """An agreement in force either way, or a community of both; a parent is nobody without one."""
    assert concerns(making.directory(**world), asker, other, NOW) is told
