"""The domain vocabulary: what it holds, what it will never hold, and how unknown terms act."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.terms import (
    Certainty,
    Onward,
    Severity,
    Tlp,
    Urgency,
    certainty_rank,
    onward_rank,
    severity_rank,
    tlp_rank,
    urgency_rank,
)
from schemas.vocabulary import known, term, vocabulary, within

IDS = [each.id for each in vocabulary().terms]

MISSION_ROW_S1 = {
    "climate data": "climate.data",
    "disaster forecast and warning": "disaster",
    "water": "water",
    "energy": "energy",
    "food": "food",
    "money laundering": "crime.laundering",
    "drugs": "crime.drugs",
    "trafficking of people": "crime.trafficking.persons",
    "trafficking of arms": "crime.trafficking.arms",
    "high-tech crime": "crime.high-tech",
    "terrorism": "crime.terrorism",
    "epidemics, human": "health.epidemic.human",
    "epidemics, animal": "health.epidemic.animal",
    "epidemics, plant": "health.epidemic.plant",
    "maritime safety": "maritime",
    "fisheries safety": "fisheries",
    "aviation safety": "aviation",
    "marine pollution": "maritime.pollution",
    "cyber": "cyber",
    "migration": "migration",
    "financial security": "financial",
}


@pytest.mark.parametrize("domain", MISSION_ROW_S1.values(), ids=MISSION_ROW_S1)
def test_every_field(domain):
    """Every field that the policy papers name has a term of its own."""
    assert domain in IDS


def test_depth_and_labels():
    """Terms are up to four levels deep, each with its parent, and labelled in English and Vietnamese."""
    assert max(each.count(".") for each in IDS) <= 3
    for each in vocabulary().terms:
        assert {"en", "vi"} <= each.labels.keys()


FORBIDDEN = re.compile(
    r"opinion|belief|dissent|politic|relig|church|mosque|pagoda|sect|ethnic|race\b|racial|minorit|tribe"
    r"|protest|demonstrat|assembl|gather|strike|riot|rally|union|resident|residence|foreigner"
    r"|quan điểm|chính trị|tôn giáo|dân tộc|sắc tộc|biểu tình|tụ tập|đình công|cư trú|người nước ngoài|lưu trú",
    re.IGNORECASE,
)
FORBIDDEN_CODES = {"OET-040", "OET-057"}
"""OASIS has terms for protest and demonstration; none of ours may stand for them."""
HARMLESS = {"Bird strike"}


def test_never():
    """No term is about opinion, religion, ethnicity, protest or the residence of foreigners."""
    for each in vocabulary().terms:
        words = [each.id, *each.labels.values()]
        assert not [word for word in words if FORBIDDEN.search(word) and word not in HARMLESS], each.id
        assert not FORBIDDEN_CODES & set(each.codes.get("oet", ()))


def test_misinformation():
    """Misinformation means impersonated official warnings alone, and the term says so."""
    told = term("cyber.misinformation")
    assert told is not None
    assert told.note is not None
    assert told.note.startswith("Impersonated official warnings only")


@given(st.sampled_from(IDS), st.from_regex(r"[a-z0-9-]{1,8}", fullmatch=True))
def test_unknown_below_known(domain, label):
    """An unknown term below a known one acts as the known one; a known one acts as itself."""
    below = f"{domain}.{label}"
    assert known(domain) == domain
    assert known(below) in {domain, below}
    assert within(below, domain)
    assert not within(domain, below)


def test_unknown_root():
    """A term whose root is unknown acts as nothing."""
    assert known("astrology.flood") is None
    assert known("") is None
    assert term("disasters") is None
    assert not within("disasters", "disaster")


def test_ranks():
    """Ranks follow the standards: unknown lowest in the graded ones, red and none the strictest."""
    assert sorted(Severity, key=severity_rank) == ["unknown", "minor", "moderate", "severe", "extreme"]
    assert sorted(Urgency, key=urgency_rank) == ["unknown", "past", "future", "expected", "immediate"]
    assert sorted(Certainty, key=certainty_rank) == ["unknown", "unlikely", "possible", "likely", "observed"]
    assert sorted(Tlp, key=tlp_rank) == ["clear", "green", "amber", "amber+strict", "red"]
    assert sorted(Onward, key=onward_rank) == ["free", "community", "ask-originator", "none"]
    for rank, terms in ((severity_rank, Severity), (urgency_rank, Urgency), (tlp_rank, Tlp), (onward_rank, Onward)):
        assert sorted(rank(each) for each in terms) == list(range(len(terms)))
