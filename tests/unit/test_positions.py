"""Sets of positions as readers write them (protocol §6)."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.errors import Refused
from broker.positions import MOST_RANGES, Positions, read_ranges


@given(st.sets(st.integers(1, 200), max_size=60))
def test_there_and_back(positions: set[int]) -> None:
    """What is written is read as the same set, and as the shortest text."""
    written = Positions()
    for position in sorted(positions):
        written.add(position)
    text = str(written)
    read = read_ranges(text)
    assert {position for position in range(203) if position in read} == positions
    for position in range(203):
        assert position == 0 or (position in read.others()) != (position in read)
        assert read.through(position) == next(n for n in range(position, 300) if n not in positions) - 1
    spans = [tuple(map(int, item.split("-"))) for item in text.split(",") if item]
    assert all(later[0] > earlier[-1] + 1 for earlier, later in pairwise(spans))


@pytest.mark.parametrize(
    ("text", "held", "others"),
    [
        ("", (), (0, 1)),
        ("1-40,42", (1, 40, 42), (0, 41, 43)),
        ("9,3-5", (3, 4, 5, 9), (2, 6, 10)),
        ("5-5", (5,), (4, 6)),
        ("1-9007199254740991", (1, 10**15), (0,)),
    ],
)
def test_read(text: str, held: tuple[int, ...], others: tuple[int, ...]) -> None:
    """Numbers and ranges, in any order and however wide; nothing is none."""
    read = read_ranges(text)
    assert all(position in read for position in held)
    assert not any(position in read for position in others)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0-3",
        "5-3",
        "a",
        "-3",
        "3-",
        "3-4-5",
        "1,,2",
        ",",
        "1,",
        " 1",
        "1 ",
        "+1",
        "1.0",
        "١",
        "²",
        "1_0",
        "1-٢",
        "--",
    ],
)
def test_refused(text: str) -> None:
    """Zero, ranges that run backwards, other digits and anything else is no list of positions."""
    with pytest.raises(Refused) as refused:
        read_ranges(text)
    assert (refused.value.code, refused.value.faults[0].path) == ("invalid-request", "/positions")


def test_bounds() -> None:
    """At most a thousand items, and no text without end."""
    assert 1 in read_ranges(",".join(["1"] * MOST_RANGES))
    for text in (",".join(["1"] * (MOST_RANGES + 1)), "1" * 16_385):
        with pytest.raises(Refused):
            read_ranges(text)
