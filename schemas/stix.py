"""Whether bytes are a STIX 2.1 bundle, by structure alone (STIX 2.1 §8). What its objects say is not judged here."""

import json
import re
from typing import Any, Final

STIX_TYPE: Final = "application/stix+json"
"""The media type; a `version` parameter may follow."""

_ID: Final = re.compile(r"([a-z][a-z0-9-]{2,249})--[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def is_bundle(data: bytes) -> bool:
    """True for a JSON object of type `bundle` with an id of its own and objects that each have type and id."""
    try:
        bundle = json.loads(data)
    except (ValueError, RecursionError):
        return False
    return _identified(bundle) and bundle["type"] == "bundle" and _objects(bundle.get("objects", []))


def _objects(objects: Any) -> bool:
    return isinstance(objects, list) and all(_identified(each) for each in objects)


def _identified(value: Any) -> bool:
    """An object whose id begins with its type."""
    if not (isinstance(value, dict) and isinstance(value.get("type"), str) and isinstance(value.get("id"), str)):
        return False
    match = _ID.fullmatch(value["id"])
    return match is not None and match[1] == value["type"]
