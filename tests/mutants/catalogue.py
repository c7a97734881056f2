"""Every mutant there is: which modules hold the rules of each stage, and what is excused with its reason."""

import ast
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from tests.mutants.excused import EXCUSED
from tests.mutants.places import Level, Place, What, places

ROOT = Path(__file__).parents[2]
Stage = Literal["authorise", "release", "verify"]

MODULES: Mapping[str, Stage] = {
    "broker.policy.authorise": "authorise",
    "broker.policy.mandate": "authorise",
    "broker.policy.posting_terms": "authorise",
    "broker.policy.approval": "authorise",
    "broker.policy.release": "release",
    "broker.policy.case": "release",
    "broker.policy.rules": "release",
    "broker.policy.sources": "release",
    "broker.policy.lifecycle": "release",
    "broker.policy.paths": "release",
    "broker.policy.ways": "release",
    "broker.policy.terms": "release",
    "broker.trust.verify": "verify",
    "broker.trust.jws": "verify",
    "broker.trust.strict_json": "verify",
    "broker.trust.keys": "verify",
    "broker.trust.advancing": "verify",
    "schemas.directory": "authorise",
}
PARTLY: Mapping[str, frozenset[str]] = {
    "broker.policy.lifecycle": frozenset({"goes_by_release"}),
    "broker.trust.keys": frozenset(
        {"enrol", "load_public", "_only_text", "_read_public", "_of_algorithm", "verify_signature"}
    ),
    "schemas.directory": frozenset({"_Dated.in_force", "Agency.acts"}),
}
"""Modules of which only some functions are steps or rules: the others read files, or say what is well-formed."""
TESTS: Mapping[Stage, tuple[str, ...]] = {
    "authorise": ("tests/unit/policy", "tests/unit/trust"),
    "release": ("tests/unit/policy", "tests/unit/routing"),
    "verify": ("tests/unit/trust", "tests/unit/policy", "tests/vectors"),
}
"""The unit tests that must notice."""
_POLICY, _TRUST = "tests/unit/policy/", "tests/unit/trust/"
LIKELY: Mapping[str, tuple[str, ...]] = {
    "broker.policy.authorise": (_POLICY + "test_posting_terms.py", _POLICY + "test_mandate.py"),
    "broker.policy.mandate": (_POLICY + "test_mandate.py", _POLICY + "test_posting_terms.py"),
    "broker.policy.posting_terms": (_POLICY + "test_posting_terms.py",),
    "broker.policy.approval": (_POLICY + "test_approval.py",),
    "broker.policy.release": (_POLICY + "test_truth_table.py", _POLICY + "test_release.py"),
    "broker.policy.case": (_POLICY + "test_truth_table.py", _POLICY + "test_release.py"),
    "broker.policy.rules": (_POLICY + "test_truth_table.py", _POLICY + "test_release.py"),
    "broker.policy.sources": (_POLICY + "test_truth_table.py",),
    "broker.policy.lifecycle": (_POLICY + "test_lifecycle.py",),
    "broker.policy.paths": (_POLICY + "test_truth_table.py",),
    "broker.policy.ways": (_POLICY + "test_truth_table.py",),
    "broker.policy.terms": (_POLICY + "test_truth_table.py",),
    "broker.trust.verify": (_TRUST + "test_verify.py", _TRUST + "test_parts.py"),
    "broker.trust.jws": (_TRUST + "test_framing.py", _TRUST + "test_verify.py"),
    "broker.trust.strict_json": (_TRUST + "test_strict_json.py",),
    "broker.trust.keys": (_TRUST + "test_keys.py",),
    "broker.trust.advancing": (_TRUST + "test_advancing.py", _TRUST + "test_taking.py"),
    "schemas.directory": (_POLICY + "test_mandate.py", _POLICY + "test_release.py"),
}
"""What is asked first, since it most often notices; all the others are asked when it does not."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change to one module; `excuse` says why nothing can notice it, where that is so."""

    id: str
    stage: Stage
    module: str
    function: str
    what: What
    level: Level
    text: str
    line: int
    excuse: str | None

    @property
    def told(self) -> str:
        """Where it is and what it changes, for a report."""
        text = " ".join(self.text.split())
        return f"{self.module}:{self.line} {text if len(text) <= 100 else text[:99] + '…'}"


def path_of(module: str) -> Path:
    """The module's source."""
    return ROOT / (module.replace(".", "/") + ".py")


@cache
def mutants() -> tuple[Mutant, ...]:
    """All of them, in the order of modules and lines."""
    found: list[Mutant] = []
    for module in MODULES:
        tree = ast.parse(path_of(module).read_text("utf-8"))
        found += (mutant for mutant, _ in _with_places(module, tree))
    return tuple(found)


def mutated(module: str, source: str, id_: str) -> ast.Module:
    """The module's tree with that mutant applied. KeyError when there is none."""
    tree = ast.parse(source)
    for mutant, place in _with_places(module, tree):
        if mutant.id == id_:
            place.apply()
            return ast.fix_missing_locations(tree)
    raise KeyError(id_)


def _with_places(module: str, tree: ast.Module) -> list[tuple[Mutant, Place]]:
    numbers: Counter[tuple[str, str]] = Counter()
    pairs = []
    for place in places(tree, PARTLY.get(module)):
        numbers[place.function, place.what] += 1
        number = numbers[place.function, place.what]
        id_ = f"{MODULES[module]}.{module.rpartition('.')[2]}.{place.function}.{place.what}.{number}"
        excuse = EXCUSED.get((place.function, place.what, " ".join(place.text.split())))
        mutant = Mutant(
            id_,
            MODULES[module],
            module,
            place.function,
            place.what,
            place.level,
            place.text,
            place.line,
            excuse,
        )
        pairs.append((mutant, place))
    return pairs
