"""What the hub's own code can log: read from its source."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
LEVELS = {"info": "info", "warning": "warning", "error": "error", "exception": "error"}
OMITTED = {"exc_info"}


def logged() -> dict[tuple[str, str], set[str]]:
    """Logger and event of each line that the code writes, with its fields."""
    found: dict[tuple[str, str], set[str]] = {}
    for path in sorted((*(ROOT / "broker").rglob("*.py"), *(ROOT / "adapters").rglob("*.py"))):
        if "demo" not in path.parts:
            for logger, event, fields in _in(ast.parse(path.read_text())):
                found.setdefault((logger, event), set()).update(fields)
    return found


def _in(module: ast.Module) -> Iterator[tuple[str, str, set[str]]]:
    names = [each for each in ast.walk(module) if _calls(each, "structlog", {"get_logger"})]
    logger = names[0].args[0].value if names else ""  # type: ignore[attr-defined] # a call with a string
    for each in ast.walk(module):
        if _calls(each, "log_line", set(LEVELS)):
            fields = {keyword.arg for keyword in each.keywords if keyword.arg} - OMITTED  # type: ignore[attr-defined] # a call
            for event in _texts(each.args[0], module):  # type: ignore[attr-defined] # the same
                yield logger, event, fields


def _texts(argument: ast.expr, module: ast.Module) -> list[str]:
    """The event's name; where a variable holds it, each name that it may have."""
    values: list[ast.expr] = [argument]
    if isinstance(argument, ast.Name):
        given = [each for each in ast.walk(module) if isinstance(each, ast.Assign)]
        values = [each.value for each in given if ast.unparse(each.targets[0]) == argument.id]
    constants = [each for value in values for each in ast.walk(value) if isinstance(each, ast.Constant)]
    return [each.value for each in constants if isinstance(each.value, str)]


def _calls(node: ast.AST, of: str, names: set[str]) -> bool:
    function = getattr(node, "func", None)
    on = getattr(function, "value", None)
    return isinstance(node, ast.Call) and getattr(on, "id", "") == of and getattr(function, "attr", "") in names
