"""What overtakes a backlog."""

import pytest

from broker.label import Label
from broker.policy.lanes import overtakes
from schemas.terms import Severity, Urgency


@pytest.mark.parametrize("urgency", Urgency)
@pytest.mark.parametrize("severity", Severity)
def test_who_overtakes(severity: Severity, urgency: Urgency):
    """What is extreme overtakes, and what is severe when something must be done at once; nothing else does."""
    at_once = severity is Severity.SEVERE and urgency is Urgency.IMMEDIATE
    assert overtakes(Label.model_construct(severity=severity, urgency=urgency)) == (
        severity is Severity.EXTREME or at_once
    )
