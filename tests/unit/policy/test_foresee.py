"""The label of what nobody has signed yet: refused as posting refuses it, but for what a signature says."""

from typing import Any

import pytest

from broker.errors import Refused
from broker.label import Label
from broker.policy.authorise import foresee
from schemas.handling import Addressing
from schemas.statement import Claims
from tests.unit import making


def foreseen(world: Any = None, **event: Any) -> Label:
    """Of the dyke agency's alert."""
    claims = Claims.from_claims(making.claims(**event))
    return foresee(claims, Addressing(to=("vn.quangninh",)), {}, world or making.directory(), making.NOW)


@pytest.mark.parametrize(
    ("event", "code"),
    [({"severity": "extreme"}, "outside-mandate"), ({"handling": {**making.HANDLING, "onward": "free"}}, "terms")],
)
def test_it_is_refused_as_when_it_is_posted(event: dict[str, Any], code: str) -> None:
    """The mandate and the terms must hold; what posting takes is foreseen."""
    assert foreseen().domain == "disaster.flood"
    with pytest.raises(Refused) as refused:
        foreseen(**event)
    assert refused.value.code == code


def test_it_is_foreseen_as_approved() -> None:
    """No officer has signed, so none is asked for, and it does not wait."""
    world = making.directory(profiles={"disaster": {"approval": True}})
    assert not foreseen(world).awaits_approval
