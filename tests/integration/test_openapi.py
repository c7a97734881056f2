"""The OpenAPI document and the page made of it."""

import re
from html.parser import HTMLParser
from typing import Any, get_args

import pytest
from jsonschema import Draft202012Validator

from broker.errors import Code
from tests.integration.agencies import Json
from tests.integration.processes import Hub


@pytest.fixture
def document(hub: Hub) -> Json:
    """As the hub tells it."""
    told: Json = hub.http.get("/openapi.json").json()
    return told


def _operations(document: Json) -> dict[str, Json]:
    return {
        f"{method.upper()} {path}": operation
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
    }


def test_it_is_a_whole_document(document: Json) -> None:
    """OpenAPI 3.1, each reference leads somewhere, each schema is a schema, each operation has a name of its own."""
    assert document["openapi"].startswith("3.1")
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    for reference in _references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
    names = [operation["operationId"] for operation in _operations(document).values()]
    assert len(set(names)) == len(names)


def _references(value: Any) -> list[str]:
    if isinstance(value, dict):
        own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
        return own + [found for each in value.values() for found in _references(each)]
    return [found for each in value for found in _references(each)] if isinstance(value, list) else []


SIGNED_IN = ("subscriptions", "receipts", "dec", "del", "alerts/", "whatif", "history", "reciprocity")
CALLS = """
POST /v1/alerts                          GET /v1/alerts/{alert}
POST /v1/sets                            GET /v1/receipts/{alert}
GET /v1/decisions                        GET /v1/deliveries
GET /.well-known/interagency-hub         GET /v1/directory/keys/{kid}
GET /v1/directory/keys                   POST /v1/whatif
GET /v1/directory                        GET /v1/reciprocity   GET /v1/history
POST /oauth/token                        GET /.well-known/oauth-authorization-server
POST /v1/subscriptions                   GET /v1/subscriptions
GET /v1/subscriptions/{id_}              PATCH /v1/subscriptions/{id_}
DELETE /v1/subscriptions/{id_}           POST /v1/subscriptions/{id_}/test
GET /v1/subscriptions/{id_}/attempts     POST /v1/subscriptions/{id_}/replay
GET /v1/subscriptions/{id_}/dead         POST /v1/subscriptions/{id_}/dead
GET /v1/subscriptions/{id_}/gaps         GET /v1/subscriptions/{id_}/stream
GET /healthz   GET /readyz   GET /metrics
"""


def test_it_lists_every_call(document: Json) -> None:
    """All calls of protocol §4 and §6 that exist, and none beside them."""
    assert set(_operations(document)) == set(re.findall(r"[A-Z]+ /\S+", CALLS))


def test_every_call_tells_its_refusals(document: Json) -> None:
    """Each has problems, with their schema; each code of protocol §4 is told by some; who needs a token says so."""
    told: set[str] = set()
    for name, operation in _operations(document).items():
        answers = operation["responses"].values()
        problems = [answer for answer in answers if "application/problem+json" in answer.get("content", {})]
        assert problems, name
        for answer in problems:
            assert answer["content"]["application/problem+json"]["schema"]["$ref"].endswith("/Problem")
            told |= set(re.findall(r"`([a-z-]+)`", answer["description"]))
        signed_in = name.partition(" /v1/")[2].startswith(SIGNED_IN) or name in (
            "GET /v1/directory/keys",
            "GET /v1/directory",
        )
        assert bool(operation.get("security")) == signed_in, name
    assert told == set(get_args(Code))


def test_every_call_that_takes_a_body_says_which(document: Json) -> None:
    """POST and PATCH describe what they read, but for a test alert, which has none."""
    for name, operation in _operations(document).items():
        reads = name.startswith(("POST", "PATCH")) and not name.endswith("/test")
        assert bool(operation.get("requestBody", {}).get("content")) == reads, name


class _Loads(HTMLParser):
    """What a browser would fetch or run for a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "link", "img", "iframe", "object", "embed", "base"):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name, _ in attrs if name in ("src", "srcset") or name.startswith("on")]


def test_the_page_needs_no_network(hub: Hub, document: Json) -> None:
    """`/docs` names every call and loads nothing: no script, style, font or picture, from here or from elsewhere."""
    answer = hub.http.get("/docs")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")
    loads = _Loads()
    loads.feed(answer.text)
    assert loads.found == []
    assert "url(" not in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    for name in _operations(document):
        assert f"<code>{name}</code>" in answer.text


def test_a_path_has_one_spelling(hub: Hub) -> None:
    """No redirect for a slash too many: it would name a host that the client chose."""
    answer = hub.http.get("/v1/subscriptions/", headers={"Host": "elsewhere.example"})
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
