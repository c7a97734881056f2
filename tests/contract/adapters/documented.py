"""The adapter of docs/adding-an-adapter.md, taken from the page as a reader would take it."""

import re
import sys
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from adapters.registry import Transport
from tests.contract.adapters.counterparts import SECRET, Entry
from tests.contract.adapters.http_receiver import http

PAGE = Path(__file__).resolve().parents[3] / "docs" / "adding-an-adapter.md"
_BLOCK = re.compile(r"^`(?P<file>[^`]+)`[^\n]*:\n\n```python\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks() -> dict[str, str]:
    """The page's code, by the file that it belongs in."""
    return {found["file"]: found["code"] for found in _BLOCK.finditer(PAGE.read_text())}


@cache
def documented() -> Entry:
    """What the suite runs: the adapter as a module, its registry line and its entry, put together."""
    code = blocks()
    module = ModuleType("adapters.drop")
    sys.modules[module.__name__] = module
    exec(compile(code["adapters/drop.py"], f"{PAGE}:adapters/drop.py", "exec"), module.__dict__)  # noqa: S102 - our own page
    (transport,) = _evaluated(f"{{{code['adapters/registry.py']}}}", drop=module, Transport=Transport).values()
    scope = {"ADAPTERS": {"drop": transport}, "Entry": Entry, "SECRET": SECRET, "http": http}
    (entry,) = _evaluated(f"[{code['tests/contract/adapters/entries.py']}]", **scope)
    assert isinstance(entry, Entry)
    return entry


def _evaluated(expression: str, **scope: Any) -> Any:
    return eval(compile(expression, str(PAGE), "eval"), scope)  # noqa: S307 - our own page
