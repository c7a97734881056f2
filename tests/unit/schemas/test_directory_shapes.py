"""What the directory's folder may say."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.directory import DirectoryDocument, KeyRecord
from schemas.faults import faults

KEY = {
    "kid": "k1",
    "jwk": {"kty": "OKP", "crv": "Ed25519", "x": "A" * 43},
    "alg": "Ed25519",
    "use": "statement",
    "valid_from": "2026-01-01T00:00:00Z",
    "valid_until": "2028-01-01T00:00:00Z",
    "revoked": None,
}
MANDATE = {"domains": ["disaster"], "areas": ["*", "VN-13"], "statuses": ["actual"], "severity": "extreme"}
TERMS = {
    "domains": ["crime"],
    "statuses": ["actual"],
    "tlps": ["amber+strict"],
    "severity": "severe",
    "personal": ["none"],
    "purposes": ["investigation"],
}
HUB = {"id": "vn.hub", "tier": "state", "active": True, "keys": [KEY], "mandates": [MANDATE]}
DIRECTORY: dict[str, Any] = {
    "network": "https://nts.example/vn",
    "version": 1,
    "hub": "vn.hub",
    "expires": "2027-01-01T00:00:00Z",
    "agencies": [
        HUB,
        {
            "id": "th.police",
            "tier": "state",
            "active": True,
            "names": {"en": "Royal Thai Police", "th": "ตำรวจ"},
            "country": "TH",
            "parent": "th",
            "predecessors": [{"id": "th.police.old", "since": "2026-01-01T00:00:00Z"}],
            "valid_from": "2026-01-01T00:00:00Z",
            "valid_until": "2030-01-01T00:00:00Z",
            "roles": ["inspector"],
            "senders": ["duty@police.example"],
            "http_endpoints": ["http://127.0.0.1:8080"],
            "private_networks": ["127.0.0.0/8", "fd00::/8"],
            "served_by": "vn.hub",
            "mandates": [
                MANDATE
                | {"override": ["vn.*"], "review": ["vn.moh"], "relay": {"issuers": ["th.*"], "tlps": ["green"]}}
            ],
        },
    ],
    "communities": [
        {
            "name": "@asean.disaster",
            "members": ["th.police"],
            "tiers": ["state"],
            "charter": TERMS | {"conditions": ["No use for capital punishment"]},
            "nationality": ["TH", "VN"],
            "moderation": {"moderators": ["vn.hub"], "admitted": ["th.police"]},
        }
    ],
    "agreements": [
        TERMS | {"from": "vn.hub", "to": "th.police", "onward": "ask-originator", "valid_until": "2028-01-01T00:00:00Z"}
    ],
    "delegations": [{"from": "vn.quangninh", "to": "vn.hub", "domains": ["disaster"]}],
    "caveats": {"H1": ["th.police"]},
    "profiles": {
        "crime.wanted": {
            "required": ["by"],
            "approval": True,
            "break_glass": True,
            "erase_within_hours": 1,
            "longest_erasure_days": 365,
        }
    },
}


def test_whole():
    """A directory with every member is accepted, and comes back from its JSON as it was."""
    made = DirectoryDocument.model_validate(DIRECTORY)
    assert DirectoryDocument.model_validate_json(made.model_dump_json()) == made
    assert made.agreements[0].from_ == "vn.hub"
    assert '"from"' in made.model_dump_json()


def test_key_record():
    """A key record is the key with its agency, and says nothing of the officer."""
    made = DirectoryDocument.model_validate(DIRECTORY).agencies[0]
    record = KeyRecord.of(made.id, made.keys[0])
    assert record.model_dump(mode="json") == KEY | {"agency": "vn.hub"}


EC = {"kty": "EC", "crv": "P-256", "x": "A", "y": "B"}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("/version", "1"),
        ("/hub", "vn.other"),
        ("/agencies/1/id", "TH"),
        ("/agencies/1/tier", "army"),
        ("/agencies/1/active", "yes"),
        ("/agencies/1/country", "THA"),
        ("/agencies/1/http_endpoints/0", "http://a.example/path"),
        ("/agencies/1/private_networks/0", "10.0.0.1/8"),
        ("/agencies/1/valid_until", "2025-01-01T00:00:00Z"),
        ("/agencies/1/roles/0", "king"),
        ("/agencies/0/keys/0/jwk", EC),
        ("/agencies/0/keys/0/jwk", KEY["jwk"] | {"d": "secret"}),
        ("/agencies/0/keys/0/jwk/crv", "X25519"),
        ("/agencies/0/keys/0/alg", "HS256"),
        ("/agencies/0/keys/0/use", "everything"),
        ("/agencies/0/keys/0/valid_until", "2025-01-01T00:00:00Z"),
        ("/agencies/0/mandates/0/domains/0", "astrology"),
        ("/agencies/0/mandates/0/areas/0", "everywhere"),
        ("/communities/0/name", "@public"),
        ("/communities/0/name", "asean"),
        ("/communities/0/charter/tlps/0", "white"),
        ("/agreements/0/from", "vn.*"),
        ("/caveats/H1/0", "*"),
        ("/profiles/crime.wanted/approval", "yes"),
        ("/profiles/crime.wanted/break_glass", "yes"),
        ("/profiles/crime.wanted/erase_within_hours", 0),
    ],
)
def test_refused(path, value):
    """What the directory does not allow is refused with its path, and a private key is never told back."""
    document = json.loads(json.dumps(DIRECTORY))  # nothing shared between two places
    place: Any = document
    *steps, last = path[1:].split("/")
    for step in steps:
        place = place[int(step) if isinstance(place, list) else step]
    place[int(last) if isinstance(place, list) else last] = value
    with pytest.raises(ValidationError) as caught:
        DirectoryDocument.model_validate(document)
    assert [where for where, _ in faults(caught.value)] == [path]
    assert "secret" not in str(caught.value)


def test_named_once():
    """Agencies, communities and the keys of an agency have names of their own."""
    for member, item in (("agencies", HUB), ("communities", DIRECTORY["communities"][0])):
        document = DIRECTORY | {member: [*DIRECTORY[member], item]}
        with pytest.raises(ValidationError) as caught:
            DirectoryDocument.model_validate(document)
        assert faults(caught.value)[0][0] == f"/{member}/{len(DIRECTORY[member])}"
    with pytest.raises(ValidationError) as caught:
        DirectoryDocument.model_validate(DIRECTORY | {"agencies": [HUB | {"keys": [KEY, KEY]}]})
    assert faults(caught.value)[0][0] == "/agencies/0/keys/1"


@pytest.mark.parametrize(
    ("alg", "jwk"),
    [
        ("EdDSA", KEY["jwk"]),
        ("ES256", EC),
        ("ML-DSA-65", {"kty": "AKP", "alg": "ML-DSA-65", "pub": "A"}),
    ],
)
def test_algorithms(alg, jwk):
    """Each algorithm has its one form of public key."""
    agencies = [HUB | {"keys": [KEY | {"alg": alg, "jwk": jwk}]}]
    assert DirectoryDocument.model_validate(DIRECTORY | {"agencies": agencies}).agencies[0].keys[0].alg == alg
