"""Who a refused token says it is from: told to inspectors, vouched for by nobody."""

import json

import pytest

from broker.trust.jws import LONGEST, claimed_issuer, encode


def token(claims: object, *, filling: int = 0) -> str:
    """Of the right form, with a signature of nothing."""
    payload = claims if filling == 0 else {**claims, "x": "x" * filling}  # type: ignore[dict-item] # a mapping then
    return f"{encode(b'{}')}.{encode(json.dumps(payload).encode())}.{encode(b'nothing')}"


def test_what_is_claimed() -> None:
    """The issuer of a token that can be read is told as it stands there."""
    assert claimed_issuer(token({"iss": "vn.mae.dyke"})) == "vn.mae.dyke"


@pytest.mark.parametrize("claims", [{}, {"iss": 7}, {"iss": "VN"}, {"iss": "<b>"}, {"iss": "a" * 129}, []])
def test_what_is_no_agency(claims: object) -> None:
    """What is no agency's id is not repeated."""
    assert claimed_issuer(token(claims)) is None


@pytest.mark.parametrize("text", ["", "a.b.c", "....", "é.é.é"])
def test_what_cannot_be_read(text: str) -> None:
    """Of what is no token nobody is claimed."""
    assert claimed_issuer(text) is None


def test_what_is_too_long_is_not_read() -> None:
    """Beyond the longest statement nothing is decoded."""
    long = token({"iss": "vn.mae.dyke"}, filling=LONGEST)
    assert len(long) > LONGEST
    assert claimed_issuer(long) is None
