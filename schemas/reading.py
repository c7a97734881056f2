"""How readers read: what they do not know they ignore, where a hub would refuse it (protocol §2)."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, TypeVar

from pydantic import ValidationError

from schemas.base import TAG_MARK, Strict

Model = TypeVar("Model", bound=Strict)


def read(model: type[Model], value: Any) -> Model:
    """`value` without the members that `model` does not know. ValidationError for anything else that is wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        unknown = [detail["loc"] for detail in error.errors() if detail["type"] == "extra_forbidden"]
        if not unknown:
            raise
    pruned = deepcopy(value)
    for loc in unknown:
        _remove(pruned, [step for step in loc if not (isinstance(step, str) and step.startswith(TAG_MARK))])
    return read(model, pruned)


def _remove(value: Any, path: Sequence[str | int]) -> None:
    for step in path[:-1]:
        value = value[step]
    del value[path[-1]]
