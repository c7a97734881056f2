"""The domain vocabulary: what alerts can be about, for all fields together (protocol §2)."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Final

import yaml
from pydantic import AfterValidator, Field

from schemas.base import Form, Many, Strict, Text, Words, expected

TermId = Annotated[
    str, Form(r"[a-z0-9-]+(?:\.[a-z0-9-]+){0,7}", "a term of the domain vocabulary, such as disaster.flood", 128)
]


class Code(Strict):
    """The same thing in a list that a field keeps for itself."""

    system: Text
    code: Text


class DomainTerm(Strict):
    """One term. What lies below it by its dots is a kind of it."""

    id: TermId
    labels: Words
    codes: Many[Code] = ()
    note: str | None = None


class Vocabulary(Strict):
    """All terms, under one version."""

    version: str
    terms: Many[DomainTerm]


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary that this package carries."""
    return Vocabulary.model_validate(yaml.safe_load(files("schemas").joinpath("domains.yaml").read_text("utf-8")))


@cache
def _terms() -> dict[str, DomainTerm]:
    return {term.id: term for term in vocabulary().terms}


def term(domain: str) -> DomainTerm | None:
    """The term that `domain` acts as."""
    acting = known(domain)
    return None if acting is None else _terms()[acting]


def known(domain: str) -> str | None:
    """The longest known prefix: an unknown term below a known one acts as the known one. None if its root is unknown."""
    terms = _terms()
    while domain not in terms:
        domain, dot, _ = domain.rpartition(".")
        if not dot:
            return None
    return domain


def within(domain: str, wider: str) -> bool:
    """Whether `domain` is `wider` or lies below it."""
    return domain == wider or domain.startswith(wider + ".")


def _has_root(domain: str) -> str:
    if known(domain) is None:
        raise expected(DOMAIN_WORDS)
    return domain


DOMAIN_WORDS: Final = "a term of the domain vocabulary, such as disaster.flood"
Domain = Annotated[TermId, AfterValidator(_has_root)]
"""A term of the vocabulary, or one below it."""
