"""Loads one module mutated, as `BROKER_MUTANT` names it: `module=id`. Every other module is loaded as it is.

It reaches child processes by the environment: PYTHONPATH begins with `hook/`, whose `sitecustomize` calls `install`.
"""

import importlib.abc
import os
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import CodeType, ModuleType
from typing import Any

VARIABLE = "BROKER_MUTANT"


class Mutating(SourceFileLoader):
    """Compiles the mutated tree, past the cache of compiled modules."""

    id: str

    def get_code(self, fullname: str) -> CodeType:
        from tests.mutants.catalogue import mutated

        path = self.get_filename(fullname)
        source = self.get_data(path).decode("utf-8")
        return compile(mutated(fullname, source, self.id), path, "exec", dont_inherit=True)


class Finder(importlib.abc.MetaPathFinder):
    """Stands before all others, and answers for one module alone."""

    def __init__(self, module: str, id_: str) -> None:
        self._module = module
        self._id = id_

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._module:
            return None
        spec: Any = PathFinder.find_spec(fullname, path)
        spec.loader = Mutating(fullname, spec.origin)
        spec.loader.id = self._id
        return spec


def install() -> None:
    """Does nothing without the variable."""
    module, _, id_ = os.environ.get(VARIABLE, "").partition("=")
    if module:
        sys.meta_path.insert(0, Finder(module, id_))
