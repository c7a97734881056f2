"""`/docs`: the OpenAPI document as a plain page. Nothing is loaded from elsewhere: a hub may have no other network."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h2 { border-bottom: 1px solid #888; margin-top: 2.5rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 0.2rem; }
code { font-family: ui-monospace, monospace; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; }
td { border-top: 1px solid #ccc; padding: 0.2rem 0.5rem; vertical-align: top; }
td:first-child { width: 16rem; }
:root { color-scheme: light dark; }
"""
HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}


def page(document: Mapping[str, Any]) -> str:
    """HTML without scripts: each call with its parameters, bodies and answers, grouped as the document groups them."""
    info = document["info"]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(info["title"])}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body>'
        f"<h1>{_text(info['title'])}</h1><p>{_text(info.get('summary', ''))}</p>"
        '<p>The same for programs, with every schema: <a href="/openapi.json">openapi.json</a>.</p>'
        f"{''.join(_groups(document))}</body></html>"
    )


def _groups(document: Mapping[str, Any]) -> Iterator[str]:
    groups: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            for tag in operation.get("tags", ("other",)):
                groups.setdefault(tag, []).append(_operation(method, path, operation))
    for tag, told in groups.items():
        yield f"<h2>{_text(tag.capitalize())}</h2>{''.join(told)}"


def _operation(method: str, path: str, operation: Mapping[str, Any]) -> str:
    rows = [*_parameters(operation), *_bodies(operation), *_answers(operation)]
    cells = "".join(f"<tr><td>{name}</td><td>{what}</td></tr>" for name, what in rows)
    title = f"<h3><code>{_text(method.upper())} {_text(path)}</code></h3>"
    return f"{title}<p>{_text(operation.get('summary', ''))}</p><table>{cells}</table>"


def _parameters(operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in operation.get("parameters", ()):
        needed = "" if each.get("required") else ", optional"
        yield f"<code>{_text(each['name'])}</code>", f"in the {_text(each['in'])}{needed}"


def _bodies(operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for type_, content in operation.get("requestBody", {}).get("content", {}).items():
        schema = content.get("schema", {})
        what = schema.get("$ref", "").rpartition("/")[2] or schema.get("description", "")
        yield f"body: <code>{_text(type_)}</code>", _text(what)


def _answers(operation: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for status, answer in operation.get("responses", {}).items():
        yield _text(status), _text(answer.get("description", ""))


def _text(value: object) -> str:
    return escape(str(value))
