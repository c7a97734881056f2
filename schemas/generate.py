"""Writes the published JSON Schemas (2020-12): `python -m schemas.generate`.

They say as much as JSON Schema can; the rules across members stand in the models alone.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter

from schemas import (
    answers,
    directory,
    discovery,
    envelope,
    handling,
    published,
    receipt,
    statement,
    subscription,
    vocabulary,
)

FOLDER: Final = Path(__file__).parent / "json"
BASE: Final = "https://interagency-broker.example/schemas/1/"

_SIGNED: Final[dict[str, Any]] = {
    "claims": statement.Claims,
    **{kind.value: model for kind, model in statement.KINDS.items()},
    "handling": handling.Handling,
    "addressing-part": handling.AddressingPart,
    "notice": statement.Notice,
}
"""What is signed: here null never stands for a member that is left out."""

_OTHERS: Final[dict[str, Any]] = {
    "envelope": envelope.Envelope,
    "delivered-envelope": envelope.DeliveredEnvelope,
    "filter": subscription.Filter,
    "new-subscription": subscription.NewSubscription,
    "subscription": subscription.Subscription,
    "accepted": answers.Accepted,
    "problem": answers.Problem,
    "decisions": answers.DecisionsAnswer,
    "deliveries": answers.DeliveriesAnswer,
    "attempts": answers.AttemptsAnswer,
    "gaps": answers.Gaps,
    "receipt": receipt.ReceiptClaims,
    "discovery": discovery.Discovery,
    "key-record": directory.KeyRecord,
    "directory": directory.DirectoryDocument,
    "directory-answer": answers.DirectoryAnswer,
    "directory-claims": published.DirectoryClaims,
    "published-directory": published.PublishedDirectory,
    "vocabulary": vocabulary.Vocabulary,
}


def documents() -> dict[str, str]:
    """File name and text of every published schema."""
    return {
        f"{name}.schema.json": json.dumps(_document(name, model), ensure_ascii=False, indent=2) + "\n"
        for name, model in {**_SIGNED, **_OTHERS}.items()
    }


def main() -> int:
    """Writes what has changed, and removes what is no longer made."""
    FOLDER.mkdir(exist_ok=True)
    made = documents()
    for stale in FOLDER.glob("*.schema.json"):
        if stale.name not in made:
            stale.unlink()
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


def _document(name: str, model: Any) -> dict[str, Any]:
    schema = TypeAdapter(model).json_schema(by_alias=True)
    if name in _SIGNED:
        schema = _without_null(schema)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{BASE}{name}.schema.json",
        **schema,
    }


def _without_null(schema: Any) -> Any:
    """The same schema with null taken out of every choice."""
    if isinstance(schema, list):
        return [_without_null(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _without_null(value) for key, value in schema.items() if not (key == "default" and value is None)}
    choices = kept.get("anyOf")
    if isinstance(choices, list) and {"type": "null"} in choices:
        rest = [choice for choice in choices if choice != {"type": "null"}]
        kept = {key: value for key, value in kept.items() if key != "anyOf"}
        kept |= rest[0] if len(rest) == 1 else {"anyOf": rest}
    return kept


if __name__ == "__main__":
    sys.exit(main())
