"""The domain vocabulary: what alerts can be about, for all fields together (protocol §2)."""

from functools import cache
from importlib.resources import files
from typing import Annotated, Final, Self

import yaml
from pydantic import AfterValidator, Field, model_validator

from schemas.base import Form, Many, Strict, Text, Uri, Words, expected, unique

_WORDS: Final = "a term of the domain vocabulary, such as disaster.flood"
TermId = Annotated[str, Form(r"[a-z0-9-]+(?:\.[a-z0-9-]+){0,7}", _WORDS, 128)]


class CodeSystem(Strict):
    """A list of codes that a field keeps for itself."""

    name: Text
    uri: Uri


class DomainTerm(Strict):
    """One term; what lies below it by its dots is a kind of it. `codes` are by system."""

    id: TermId
    labels: Words
    codes: dict[Text, Many[Text]] = Field(default_factory=dict)
    note: str | None = None


class Vocabulary(Strict):
    """All terms, under one version."""

    version: Text
    systems: dict[Text, CodeSystem]
    terms: Many[DomainTerm]

    @model_validator(mode="after")
    def _is_a_tree(self) -> Self:
        unique(self.terms, lambda term: term.id, "another id for each term", "terms")
        ids = {term.id for term in self.terms}
        for index, term in enumerate(self.terms):
            parent, dot, _ = term.id.rpartition(".")
            if dot and parent not in ids:
                raise expected("a term whose parent is there too", "terms", index, "id")
            for system in term.codes.keys() - self.systems.keys():
                raise expected("a system of codes that is listed", "terms", index, "codes", system)
        return self


@cache
def vocabulary() -> Vocabulary:
    """The vocabulary that this package carries."""
    text = files("schemas").joinpath("domains.yaml").read_text("utf-8")
    return Vocabulary.model_validate(yaml.safe_load(text))


@cache
def _terms() -> dict[str, DomainTerm]:
    return {term.id: term for term in vocabulary().terms}


def known(domain: str) -> str | None:
    """The term that `domain` acts as: the longest prefix that is known; None where not even the root is."""
    terms = _terms()
    while domain not in terms:
        domain, dot, _ = domain.rpartition(".")
        if not dot:
            return None
    return domain


def term(domain: str) -> DomainTerm | None:
    """What the vocabulary says of the term that `domain` acts as."""
    acting = known(domain)
    return None if acting is None else _terms()[acting]


def within(domain: str, wider: str) -> bool:
    """Whether `domain` is `wider` or lies below it."""
    return domain == wider or domain.startswith(wider + ".")


def _is_known(domain: str) -> str:
    if known(domain) is None:
        raise expected(_WORDS)
    return domain


Domain = Annotated[TermId, AfterValidator(_is_known)]
"""A term of the vocabulary, or one below it."""
