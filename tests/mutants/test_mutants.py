"""The list of mutants is complete, each can be applied, and some at random are noticed."""

import ast
import secrets
import subprocess
import sys
from pathlib import Path

import pytest

from broker.policy.mandate import _WHO_MAY
from broker.policy.rules import RULES
from schemas.terms import Kind
from tests.mutants.catalogue import MODULES, PARTLY, ROOT, mutants, mutated, path_of
from tests.mutants.excused import EXCUSED
from tests.mutants.places import places

SAMPLE = 3


def ids_of(function: str) -> set[str]:
    """The changes that a function or an entry has mutants for."""
    return {mutant.what for mutant in mutants() if mutant.function == function}


@pytest.mark.parametrize("rule", sorted(RULES))
def test_every_rule_of_release(rule: int) -> None:
    """Each rule in release's own table is negated and left out."""
    assert ids_of(f"RULES[{rule}]") == {"negated", "left-out"}


def test_the_fifteenth_rule() -> None:
    """Rule 15 stands in no table: its function has mutants, and with it there are fifteen rules."""
    assert ids_of("_rule_15") == {"negated", "left-out"}
    assert sorted(RULES) == list(range(1, 15))


@pytest.mark.parametrize("kind", sorted(_WHO_MAY))
def test_every_kind_of_authorise(kind: Kind) -> None:
    """Who may send this kind is left out, for each kind that has a check of its own; the others have the default's."""
    assert ids_of(f"_WHO_MAY[Kind.{kind.name}]") == {"left-out"}
    assert ids_of("_who_may_state") >= {"negated", "left-out"}


@pytest.mark.parametrize("module", MODULES)
def test_every_refusal(module: str) -> None:
    """Wherever a step refuses, or tells a fault, under a condition, that condition has a mutant that leaves it out."""
    tree = ast.parse(path_of(module).read_text("utf-8"))
    known = {mutant.line for mutant in mutants() if mutant.module == module and mutant.what == "left-out"}
    everywhere = {place.line for place in places(tree) if place.what == "left-out"}
    refusing = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and any(_refuses(statement) for statement in node.body)
    }
    assert refusing <= everywhere
    assert refusing <= known or module in PARTLY


def _refuses(statement: ast.stmt) -> bool:
    told = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Yield)
    return told or isinstance(statement, ast.Raise)


STEPS = ("verify", "usable_key", "still_valid", "fresh", "addressed", "read_addressing", "check_parts", "_content")


@pytest.mark.parametrize("step", STEPS)
def test_every_step_of_verify(step: str) -> None:
    """Each step of verification is negated, or the conditions in it are, and left out."""
    assert ids_of(step) == {"negated", "left-out"}


def test_the_schema_of_verify() -> None:
    """Step 9 refuses what the schema refuses: that is left out."""
    assert ids_of("read") == {"left-out"}


def test_every_function_is_looked_at() -> None:
    """Every function of the modules that has a condition has a mutant: none is forgotten by its name."""
    for module in MODULES:
        if module in PARTLY:
            continue  # the catalogue names those functions that are steps or rules
        tree = ast.parse(path_of(module).read_text("utf-8"))
        deciding = {
            function.name
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef) and any(isinstance(node, ast.If) for node in ast.walk(function))
        }
        named = {part for mutant in mutants() if mutant.module == module for part in mutant.function.split(".")}
        assert deciding <= named


def test_ids_are_unique() -> None:
    """Each mutant has an id of its own."""
    ids = [mutant.id for mutant in mutants()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("module", MODULES)
def test_each_changes_something(module: str) -> None:
    """Every mutant can be applied, compiles, and is another program than the module."""
    source = path_of(module).read_text("utf-8")
    plain = ast.dump(ast.parse(source))
    for mutant in mutants():
        if mutant.module == module:
            changed = mutated(module, source, mutant.id)
            compile(changed, module, "exec")
            assert ast.dump(changed) != plain, mutant.id


def test_excuses_are_of_mutants_that_exist() -> None:
    """What is excused is still in the code; when the code changes the excuse goes."""
    there = {(mutant.function, mutant.what, " ".join(mutant.text.split())) for mutant in mutants()}
    assert EXCUSED.keys() <= there


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """The run of mutants, as `make mutants` starts it."""
    command = [sys.executable, "-m", "tests.mutants", *arguments]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.timeout(320)
def test_some_at_random_are_noticed() -> None:
    """A few whole rules at random, by a seed that is printed, are noticed by the unit tests."""
    seed = secrets.randbelow(10**6)
    print(f"seed {seed}")
    done = run("--level", "rule", "--sample", str(SAMPLE), "--seed", str(seed), "--jobs", "2", "--trust-tests")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{SAMPLE} of {SAMPLE} mutants noticed" in done.stdout


def test_a_mutant_reaches_child_processes(tmp_path: Path) -> None:
    """What the environment names is in place in a process that a process started, and nowhere else."""
    from tests.mutants.running import _environment

    mutant = next(each for each in mutants() if each.function == "fresh" and each.level == "rule")
    inner = "import inspect, broker.trust.verify as v; print(v.fresh.__code__.co_varnames)"
    outer = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {inner!r}], check=True)"
    told = [
        subprocess.run(
            [sys.executable, "-c", outer],
            env=_environment(each, str(tmp_path)),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for each in (None, mutant)
    ]
    assert told[0] != told[1]
