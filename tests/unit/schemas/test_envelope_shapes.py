"""Envelopes and the answers beside them (protocol §5, §6, §11)."""

import pytest
from pydantic import ValidationError

from schemas.answers import Accepted, DecisionsAnswer
from schemas.envelope import DeliveredEnvelope, Envelope, HubBlock
from schemas.faults import faults
from schemas.receipt import EntryPayload, HeartbeatClaims, ReceiptClaims

ID = "vn.mae.dyke/019aa8f0-5d2e-7c3a-9a51-1f6f2a3b4c5d"
DIGEST = "sha256:" + "0a" * 32
SALT = "A" * 43
PART = {"salt": SALT, "data": "aGVsbG8"}


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"statement": None}, "/statement"),
        ({"body": "x"}, "/body"),
        ({"parts": {"a/b": PART}}, "/parts/a~1b"),
        ({"parts": {"main": {"data": ""}}}, "/parts/main/salt"),
        ({"parts": {"main": PART | {"salt": "AAAA"}}}, "/parts/main/salt"),
        ({"parts": {"main": PART | {"data": "aGVsbG8="}}}, "/parts/main/data"),
        ({"parts": {"main": PART | {"type": "text/plain"}}}, "/parts/main/type"),
        ({"cosignatures": "x"}, "/cosignatures"),
    ],
)
def test_refused(change, path):
    """An envelope has its four members and no others, and salts are 32 bytes."""
    with pytest.raises(ValidationError) as caught:
        Envelope.model_validate({"statement": "a.b.c", "parts": {"main": PART}, **change})
    assert [where for where, _ in faults(caught.value)] == [path]


@pytest.mark.parametrize("hub", [None, 7, "x", {"anything": [1]}])
def test_hub_is_ignored(hub):
    """What others write where only hubs write does not count against them, whatever it is."""
    assert Envelope.model_validate({"statement": "a.b.c", "hub": hub}).parts == {}


def test_hub_block():
    """The hub's block says whole or which parts, and for a subscription its place there."""
    block = {"id": "vn.hub", "network": "https://nts.example/vn", "accepted_at": "2026-11-22T08:00:00.000Z"}
    placed = {"subscription": "sub_1", "delivery": "dlv_1", "position": 1, "previous": None}
    for released in ("whole", ["main"], []):
        read = HubBlock.model_validate(block | placed | {"released": released})
        assert read.position == 1
    for change in (
        {"released": "part"},
        {"released": "whole", "position": 0},
        {"released": "whole", "marked": ["old"]},
    ):
        with pytest.raises(ValidationError):
            HubBlock.model_validate(block | change)
    delivered = {"statement": "a.b.c", "parts": {}, "hub": block | {"released": "whole"}}
    assert DeliveredEnvelope.model_validate(delivered).hub.released == "whole"


def test_answers():
    """The answers of acceptance and decisions have the members of the protocol."""
    accepted = {
        "id": ID,
        "statement": DIGEST,
        "accepted_at": "2026-11-22T08:00:00.000Z",
        "state": "accepted",
        "receipt": "a.b.c",
        "entry": {"salt": SALT, "payload": "{}"},
    }
    assert Accepted.model_validate(accepted).model_dump(mode="json") == accepted
    rule = {"rule": 6, "said": "pass", "looked_at": {"tlp": "amber"}, "because": "…"}
    decision = {
        "alert": ID,
        "subscription": "sub_1",
        "at": "2026-11-22T08:00:00Z",
        "outcome": "part",
        "parts": ["main"],
    }
    told = {"decisions": [decision | {"rules": [rule]}]}
    assert DecisionsAnswer.model_validate(told).model_dump(mode="json", exclude_unset=True) == told
    clause = {"kind": "agreement", "name": "vn.moh → th.police", "reference": "MoU 7/2025", "covers": False}
    change = {"code": "add-to-to", "about": {"agency": "th.police"}, "change": "…"}
    explained = {"code": "tlp-leaves-path", "rests_on": [clause]}
    whole = {"rules": [rule | explained], "agency": "th.police", "changes": [change]}
    told = {"decisions": [decision | whole]}
    assert DecisionsAnswer.model_validate(told).model_dump(mode="json") == told


def test_ledger_shapes():
    """Receipts, heartbeats and entries have the members of the protocol; an entry's type has members of its own."""
    receipt = {
        "iss": "vn.hub",
        "iat": 1,
        "jti": "r-1",
        "sub": ID,
        "statement": DIGEST,
        "leaf": DIGEST,
        "log": "vn.hub/log",
    }
    assert ReceiptClaims.model_validate(receipt).sub == ID
    beat = {"iss": "vn.hub", "iat": 1, "subscription": "sub_1", "position": 0, "last": None}
    assert HeartbeatClaims.model_validate(beat).last is None
    assert EntryPayload.model_validate({"type": "accepted", "alert": ID}).type == "accepted"
    with pytest.raises(ValidationError):
        EntryPayload.model_validate({"type": "forgotten"})
