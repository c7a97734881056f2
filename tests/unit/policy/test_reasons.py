"""What decisions are told with: each code has its sentence in both languages."""

from string import Formatter

import pytest

from broker.policy.reasons import CHANGES, REASONS, ChangeCode, Language, Reason, Words


def _places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("words", [*REASONS.values(), *CHANGES.values()], ids=lambda words: words.en)
def test_both_languages_speak_of_the_same(words: Words) -> None:
    """A sentence stands in English and in Vietnamese, and has the same places for what it is about."""
    assert words.en
    assert words.vi
    assert words.en != words.vi
    assert _places(words.en) == _places(words.vi)


def test_every_code_has_words() -> None:
    """No code is told without a sentence."""
    assert REASONS.keys() == set(Reason)
    assert CHANGES.keys() == set(ChangeCode)


def test_a_sentence_is_told_in_the_language() -> None:
    """What it is about stands in its place."""
    words = CHANGES[ChangeCode.RELEASE_TO]
    assert words.told(Language.EN, agency="th.police") == "Add th.police to release_to."
    assert words.told(Language.VI, agency="th.police") == "Thêm th.police vào release_to."
