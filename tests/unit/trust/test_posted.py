"""Form D before anything is verified: what is no envelope is refused at little cost."""

import json

import pytest

from broker.errors import Refused
from broker.trust.posted import MOST_COMMAS, posted_envelope
from schemas import limits

MIB = 2**20
SALT = "A" * 43


def test_the_largest_envelope_has_room() -> None:
    """As many parts and cosignatures as there may be, and what hubs add on the way."""
    envelope = {
        "statement": "a.b.c",
        "parts": {f"part-{number}": {"salt": SALT, "data": "QQ"} for number in range(limits.PARTS)},
        "cosignatures": ["a..c"] * limits.COSIGNATURES,
        "hub": {"conditions": [","] * 100, "path": ["a.b.c"] * 8},
    }
    assert len(posted_envelope(json.dumps(envelope).encode(), MIB).parts) == limits.PARTS


@pytest.mark.parametrize(
    "member",
    [
        b'"cosignatures":[' + b"1," * MOST_COMMAS + b"1]",
        b'"hub":[' + b"[]," * MOST_COMMAS + b"1]",
        b'"parts":{' + b",".join(b'"p%d":{}' % number for number in range(MOST_COMMAS + 1)) + b"}",
    ],
)
def test_what_no_envelope_needs(member: bytes) -> None:
    """It is refused before it is read: telling each fault of a million would hold up everybody."""
    with pytest.raises(Refused, match="commas") as refused:
        posted_envelope(b'{"statement":"a.b.c",' + member + b"}", MIB)
    assert refused.value.code == "malformed"
    assert not refused.value.faults
