"""The structural check on STIX 2.1 bundles."""

import json
from uuid import UUID

import pytest

from schemas.stix import is_bundle

INDICATOR = {"type": "indicator", "id": f"indicator--{UUID(int=1)}", "spec_version": "2.1"}
BUNDLE = {"type": "bundle", "id": f"bundle--{UUID(int=2)}", "objects": [INDICATOR]}


@pytest.mark.parametrize("bundle", [BUNDLE, BUNDLE | {"objects": []}, {k: BUNDLE[k] for k in ("type", "id")}])
def test_bundle(bundle):
    """A bundle with identified objects, or with none, is one."""
    assert is_bundle(json.dumps(bundle).encode())


@pytest.mark.parametrize(
    "document",
    [
        INDICATOR,
        [BUNDLE],
        BUNDLE | {"id": INDICATOR["id"]},
        BUNDLE | {"id": "bundle--1"},
        BUNDLE | {"objects": [{"type": "indicator"}]},
        BUNDLE | {"objects": [INDICATOR | {"type": "malware"}]},
        BUNDLE | {"objects": {"indicator": INDICATOR}},
        BUNDLE | {"objects": ["x"]},
    ],
)
def test_no_bundle(document):
    """Another object, ids that do not fit their type, and objects that are none, are no bundle."""
    assert not is_bundle(json.dumps(document).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000])
def test_no_json(data):
    """What is no JSON is no bundle, however it is broken."""
    assert not is_bundle(data)
