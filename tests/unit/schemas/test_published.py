"""The published JSON Schemas."""

import json

from jsonschema import Draft202012Validator

from schemas.generate import FOLDER, documents


def test_in_step():
    """The schemas in the folder are those that the models make: `python -m schemas.generate` after a change."""
    written = {path.name: path.read_text("utf-8") for path in FOLDER.glob("*.schema.json")}
    assert written == documents()


def test_each_stands_alone():
    """Each schema names its dialect and itself, and refers to nothing outside."""
    for name, text in documents().items():
        schema = json.loads(text)
        assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert schema["$id"].endswith(name)
        assert '"$ref": "#/$defs/' in text or "$ref" not in text


def test_signed_has_no_null():
    """In what is signed, null never stands for a member that is left out."""
    for name in ("claims", "alert", "cancel", "handling", "addressing-part"):
        assert '"null"' not in documents()[f"{name}.schema.json"]


def test_says_the_same(claims, kinds, full):
    """What the models accept, the published schema of claims accepts, and it refuses unknown members too."""
    schema = json.loads(documents()["claims.schema.json"])
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for stated in (*(claims(kind) for kind in kinds), claims(**full)):
        assert validator.is_valid(stated)
        assert not validator.is_valid(stated | {"colour": "red"})
    assert not validator.is_valid(claims(colour="red"))
    assert not validator.is_valid(claims(headline=None))
