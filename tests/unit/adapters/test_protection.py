"""What a way may claim to protect (protocol §9, rule 12)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.base import Protection
from adapters.registry import ADAPTERS
from schemas.terms import Tlp, tlp_rank


@given(st.sampled_from(Tlp), st.booleans(), st.booleans(), st.booleans())
def test_no_claim_without_a_reason(up_to: Tlp, tls: bool, known: bool, to_recipient: bool) -> None:
    """Above green a way has TLS to an end that it knows, or encrypts to the recipient."""
    holds = (tls and known) or to_recipient
    if tlp_rank(up_to) <= tlp_rank(Tlp.GREEN) or holds:
        assert Protection(up_to, tls, known, to_recipient).up_to is up_to
    else:
        with pytest.raises(ValueError, match="above green"):
            Protection(up_to, tls, known, to_recipient)


@pytest.mark.parametrize(
    ("adapter", "settings", "up_to"),
    [
        ("webhook", {"url": "https://siem.example/in"}, Tlp.AMBER_STRICT),
        ("webhook", {"url": "http://siem.example/in"}, Tlp.GREEN),
        ("stream", {}, Tlp.RED),
    ],
)
def test_rows_of_rule_12(adapter: str, settings: dict[str, str], up_to: Tlp) -> None:
    """Each adapter declares its row of the table."""
    assert ADAPTERS[adapter].protection(settings).up_to is up_to
