"""Builds what a row of the truth table describes: label, situation, ask, and the two directories."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from broker.label import Label
from broker.policy.asking import Ask, Situation, Source
from broker.policy.ways import Way
from broker.trust.directory import Snapshot
from schemas.base import instant
from schemas.directory import DirectoryDocument
from schemas.handling import Addressing, Handling, PartHandling
from schemas.statement import Part
from schemas.terms import Purpose, Status

TABLE: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "truth_table.yaml").read_text("utf-8"))
WORLD: dict[str, Any] = TABLE["world"]
NOW = instant(WORLD["now"])
DIGEST = "sha256:" + "0" * 64
UUID = "019aa8f0-5d2e-7c3a-9a51-{:012x}"


def merged(base: Any, change: Any) -> Any:
    """The world with a variant laid over it; null takes away."""
    if not isinstance(change, dict) or not isinstance(base, dict):
        return change
    result = {name: merged(base.get(name), value) for name, value in change.items()}
    return {name: value for name, value in (base | result).items() if value is not None}


@lru_cache(maxsize=64)
def directory(variant: str | None) -> Snapshot:
    """The world's directory, or one of its variants."""
    world = merged(WORLD, TABLE["variants"][variant]) if variant else WORLD
    document = {
        "network": "https://nts.example/vn",
        "version": 1,
        "hub": world["hub"],
        "agencies": [{"id": id_, "active": True} | entry for id_, entry in world["agencies"].items()],
        "communities": [{"name": name} | entry for name, entry in world["communities"].items()],
        "agreements": list(world["agreements"].values()),
        "caveats": world["caveats"],
    }
    if "expires" in world:
        document["expires"] = world["expires"]
    return Snapshot(DirectoryDocument.model_validate(document), f"{DIGEST[:-4]}{abs(hash(variant)) % 9999:04d}")


def handling(row: dict[str, Any]) -> Handling:
    """The handling of a row, or of a source."""
    members = {
        "tlp": row["tlp"],
        "onward": row["onward"],
        "purpose": row.get("purpose", ["prevention"]) or ["prevention"],
        "personal_data": row.get("personal", "none"),
        "legal_basis": {"instrument": "Decree 13", "article": "17"} if row.get("basis") else None,
        "erase_after": row.get("erase"),
        "caveats": row.get("caveats", []),
        "derived_from": [source_id(name) for name in row.get("derived_from", [])],
    }
    made = Handling.model_validate({name: value for name, value in members.items() if value is not None})
    return made if row.get("purpose", True) else made.model_copy(update={"purpose": ()})


def source_id(name: str) -> str:
    """The id of the source of that name, `unknown` among them."""
    names = list(TABLE["sources"])
    return f"vn.source/{UUID.format(names.index(name) + 1 if name in names else 0xFFF)}"


def part(stated: dict[str, Any]) -> Part:
    """A part with terms of its own where the row states some."""
    members = {
        "tlp": stated.get("tlp"),
        "onward": stated.get("onward"),
        "purpose": stated.get("purpose"),
        "personal_data": stated.get("personal"),
        "legal_basis": {"instrument": "Decree 13", "article": "17"} if stated.get("basis") else None,
        "erase_after": stated.get("erase"),
        "caveats": stated.get("caveats"),
        "derived_from": [source_id(name) for name in stated.get("derived_from", [])] or None,
    }
    own = {name: value for name, value in members.items() if value is not None}
    return Part(
        id=stated["id"],
        type="text/plain",
        size=1,
        digest=DIGEST,
        sealed=stated.get("sealed", False),
        handling=PartHandling.model_validate(own) if own else None,
    )


def label(row: dict[str, Any], id_: str = f"vn.any/{UUID.format(0)}") -> Label:
    """The label of a row's alert, or of a source."""
    addressing = {name: row.get(name, []) for name in ("to", "release_to", "not_to")}
    members = {
        "id": id_,
        "digest": DIGEST,
        "iss": row.get("iss", row["issuer"]),
        "issuer": row["issuer"],
        "kid": "k",
        "kind": row.get("kind", "alert"),
        "notice": row.get("notice"),
        "status": row.get("status", "actual"),
        "domain": row.get("domain", "disaster.flood"),
        "severity": row.get("severity", "severe"),
        "handling": {},
        "addressing": {},
        "addressed": row.get("addressed", True),
        "wants": row.get("wants", []),
        "iat": 1,
        "expires": row.get("expires"),
        "accepted_at": WORLD["accepted_at"],
        "directory": DIGEST,
    }
    members |= {"handling": handling(row), "addressing": Addressing.model_validate(addressing)}
    return Label.model_validate(members | {"parts": tuple(part(each) for each in row.get("parts", []))}, strict=False)


def situation(row: dict[str, Any]) -> Situation:
    """What is known beside the alert."""
    standing = set(row.get("is", []))
    named = {*row.get("derived_from", []), *(each for p in row.get("parts", []) for each in p.get("derived_from", []))}
    return Situation(
        **{
            name: name in standing
            for name in ("recalled", "suspended", "compromised", "awaiting", "cancelled", "superseded")
        },
        consents=frozenset(row.get("consents", [])),
        direct_to=frozenset(row.get("direct_to", [])),
        derived={source_id(name): _source(name) for name in named},
    )


def _source(name: str) -> Source | None:
    if name not in TABLE["sources"]:
        return None
    row = TABLE["sources"][name]
    return Source(label(row, source_id(name)), frozenset(row.get("consents", [])), directory(None))


def ask(row: dict[str, Any]) -> Ask:
    """Who asks, and how."""
    return Ask(
        agency=row["for"],
        subscription="sub_x",
        statuses=tuple(Status(each) for each in row["statuses"]),
        purposes=tuple(Purpose(each) for each in row["purposes"]),
        way=Way(row["way"]),
        delivering=not row.get("reading", False),
        hub=row.get("hub"),
    )


def directories(row: dict[str, Any]) -> tuple[Snapshot | None, Snapshot]:
    """D0 and D1."""
    before = row.get("before")
    return None if before == "unknown" else directory(before), directory(row.get("then"))


def rows() -> list[dict[str, Any]]:
    """Every row with the defaults filled in."""
    return [TABLE["defaults"] | row for row in TABLE["rows"]]


def now() -> datetime:
    """The table's present."""
    return NOW
