"""Where the code of a module decides, and what it becomes when one decision is negated or left out.

Places are found in the source itself, so that a rule which is added tomorrow has its mutants tomorrow. Nothing is
imported and no file is written: a place knows how to change the syntax tree that it was found in.
"""

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

What = Literal["negated", "left-out"]
Level = Literal["rule", "condition"]
Function = ast.FunctionDef | ast.AsyncFunctionDef

TABLES = {"RULES", "_WHO_MAY"}
"""Rules that stand in a table, by number or by kind: each entry is a place."""


@dataclass(frozen=True, slots=True)
class Place:
    """One decision with one change. `text` is the source of what is changed; `apply` changes the tree."""

    function: str
    what: What
    level: Level
    text: str
    line: int
    apply: Callable[[], None]


def places(tree: ast.Module, only: frozenset[str] | None = None) -> list[Place]:
    """All places of a module, in the order of its source; of these functions alone where some are named."""
    found: list[Place] = [*_in_tables(tree)]
    for name, function in _functions(tree):
        if only is None or name in only:
            found += _whole(name, function, tree)
            found += _inside(name, function)
    if only is None:
        found += _in_lambdas(tree)
    return sorted(found, key=lambda place: (place.line, place.function, place.level != "rule", place.what))


def _functions(holder: ast.AST, within: str = "") -> Iterator[tuple[str, Function]]:
    """Every function with its dotted name."""
    for node in ast.iter_child_nodes(holder):
        if isinstance(node, Function):
            yield within + node.name, node
            yield from _functions(node, f"{within}{node.name}.")
        elif isinstance(node, ast.ClassDef):
            yield from _functions(node, f"{within}{node.name}.")
        elif not isinstance(node, ast.expr):
            yield from _functions(node, within)


# a whole rule ---------------------------------------------------------------------------------------------------------

_NEGATED = {
    "None": """
def {name}(*args, **kwargs):
    from broker.errors import Refused
    try:
        _original_{name}(*args, **kwargs)
    except Refused:
        return
    raise Refused("malformed", "negated")
""",
    "Iterator[Fault]": """
def {name}(*args, **kwargs):
    from broker.errors import Fault
    if not list(_original_{name}(*args, **kwargs)):
        yield Fault("/negated", "negated")
""",
}
_LEFT_OUT = {"None": "return None", "Iterator[Fault]": "yield from ()"}


def _whole(name: str, function: Function, tree: ast.Module) -> Iterator[Place]:
    """A function that refuses or tells faults: it says the opposite, or nothing."""
    returns = ast.unparse(function.returns) if function.returns else ""
    if returns not in _NEGATED or function not in tree.body:
        return
    first = ast.unparse(function).partition("\n")[0]

    def negate() -> None:
        index = tree.body.index(function)
        wrapper = ast.parse(_NEGATED[returns].format(name=function.name)).body
        function.name = f"_original_{function.name}"
        tree.body[index + 1 : index + 1] = wrapper

    yield Place(name, "negated", "rule", first, function.lineno, negate)
    if returns in _LEFT_OUT:
        said = ast.parse(f"def f():\n    {_LEFT_OUT[returns]}").body[0]
        assert isinstance(said, ast.FunctionDef)

        def leave_out() -> None:
            function.body = said.body

        yield Place(name, "left-out", "rule", first, function.lineno, leave_out)


def _in_tables(tree: ast.Module) -> Iterator[Place]:
    """Entries of a table of checks: without this one, whatever it is for is not asked."""
    for statement in tree.body:
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.value, ast.Dict)):
            continue
        table = statement.target.id if isinstance(statement.target, ast.Name) else ""
        if table in TABLES:
            for index, key in enumerate(statement.value.keys):
                assert key is not None
                yield from _entry(table, statement.value, index, ast.unparse(key))


def _entry(table: str, entries: ast.Dict, index: int, key: str) -> Iterator[Place]:
    name, text, line = f"{table}[{key}]", ast.unparse(entries.values[index]), entries.values[index].lineno
    changes: dict[What, str] = {"left-out": "lambda *_: (True, {}, '')"}
    if table == "RULES":
        changes["negated"] = f"lambda case: (lambda said: (not said[0], *said[1:]))({text}(case))"
    for what, change in changes.items():

        def apply(change: str = change) -> None:
            entries.values[index] = ast.parse(change, mode="eval").body

        yield Place(name, what, "rule", text, line, apply)


# conditions ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Slot:
    """Where an expression or a statement stands in its parent."""

    holder: Any
    key: str | int

    @property
    def node(self) -> Any:
        return self.holder[self.key] if isinstance(self.key, int) else getattr(self.holder, self.key)

    def put(self, node: ast.AST) -> None:
        if isinstance(self.key, int):
            self.holder[self.key] = node
        else:
            setattr(self.holder, self.key, node)

    def put_constant(self, value: bool) -> None:
        """The constant in place of the expression; what the expression assigns it still does."""
        constant: ast.expr = ast.Constant(value)
        if any(isinstance(inner, ast.NamedExpr) for inner in ast.walk(self.node)):
            pair = ast.Tuple([self.node, constant], ast.Load())
            constant = ast.Subscript(pair, ast.Constant(1), ast.Load())
        self.put(constant)


def _inside(name: str, function: Function) -> Iterator[Place]:
    """The conditions of a function, each negated, and each of several that are joined left out."""
    returns = ast.unparse(function.returns) if function.returns else ""
    for node in _own(function):
        if isinstance(node, ast.If):
            yield _constant(name, _Slot(node, "test"), value=False)
        elif isinstance(node, ast.comprehension):
            for index in range(len(node.ifs)):
                yield _constant(name, _Slot(node.ifs, index), value=True)
        for slot in _conditions(node, returns):
            yield from _condition(name, slot)
    yield from _statements(name, function)


def _conditions(node: ast.AST, returns: str) -> Iterator[_Slot]:
    """Where this node decides something: tests, filters, elements of any and all, what a check keeps or returns."""
    match node:
        case ast.If() | ast.IfExp():
            yield _Slot(node, "test")
        case ast.Assign(value=ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not())):
            yield _Slot(node, "value")
        case ast.comprehension():
            yield from (_Slot(node.ifs, index) for index in range(len(node.ifs)))
        case ast.Call(func=ast.Name(id="any" | "all"), args=[ast.GeneratorExp() as each]):
            yield _Slot(each, "elt")
        case ast.Return(value=ast.expr()) if returns == "bool":
            yield _Slot(node, "value")
        case ast.Return(value=ast.Tuple(elts=elements)) if returns == "Said":
            yield _Slot(elements, 0)


def _in_lambdas(tree: ast.Module) -> Iterator[Place]:
    for statement in tree.body:
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            for node in ast.walk(statement):
                if isinstance(node, ast.Lambda):
                    yield from _condition(statement.target.id, _Slot(node, "body"))


def _condition(name: str, slot: _Slot) -> Iterator[Place]:
    def negate() -> None:
        node = slot.node
        flipped = ast.Constant(not node.value) if isinstance(node, ast.Constant) else ast.UnaryOp(ast.Not(), node)
        slot.put(flipped)

    yield Place(name, "negated", "condition", ast.unparse(slot.node), slot.node.lineno, negate)
    yield from _operands(name, slot.node)


def _operands(name: str, node: ast.expr) -> Iterator[Place]:
    """Of what is joined by `and` and `or`, each alone left out."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield from _operands(name, node.operand)
    elif isinstance(node, ast.BoolOp):
        for index, value in enumerate(node.values):
            if isinstance(value, ast.BoolOp):
                yield from _operands(name, value)
            else:
                yield _constant(name, _Slot(node.values, index), value=isinstance(node.op, ast.And))
                yield from _operands(name, value)


def _constant(name: str, slot: _Slot, *, value: bool) -> Place:
    def leave_out() -> None:
        slot.put_constant(value)

    return Place(name, "left-out", "condition", ast.unparse(slot.node), slot.node.lineno, leave_out)


def _statements(name: str, function: Function) -> Iterator[Place]:
    """Calls that stand alone, and refusals without a condition or of what failed: what they do is not done."""
    for holder in (function, *_own(function)):
        for field in ("body", "orelse"):
            body = getattr(holder, field, None)
            if not isinstance(body, list):
                continue
            for index, statement in enumerate(body):
                called = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call)
                refuses = isinstance(statement, ast.Raise) and (
                    holder is function or isinstance(holder, ast.ExceptHandler)
                )
                if called or refuses:
                    yield _left_out(name, _Slot(body, index))


def _left_out(name: str, slot: _Slot) -> Place:
    def leave_out() -> None:
        slot.put(ast.Pass())

    return Place(name, "left-out", "condition", ast.unparse(slot.node), slot.node.lineno, leave_out)


def _own(function: Function) -> Iterator[ast.AST]:
    """What stands in the function, but not in functions within it, and not in its signature."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop(0)
        if not isinstance(node, Function):
            yield node
            waiting += ast.iter_child_nodes(node)
