"""What others wrote, on a terminal."""

import pytest

from broker.cli.output import plain


@pytest.mark.parametrize("text", ["Lũ khẩn cấp: sông Ba Chẽ", "ໄພນ້ຳຖ້ວມ", "ទឹក\u200bជំនន់", "👨\u200d🚒", "a\u00a0b", ""])
def test_words_stay(text: str) -> None:
    """All scripts, and the joiners and separators that some of them need."""
    assert plain(text) == text


def test_what_a_terminal_would_obey_is_shown() -> None:
    """No colour, no title, no further line, no turned order."""
    assert plain("ok\x1b]0;title\x07\x1b[2K\rx\n  9  vn.hub") == (
        r"ok\u001b]0;title\u0007\u001b[2K\u000dx\u000a  9  vn.hub"
    )
    assert plain("a\x9b31m\u2028b\u202ec\u2066") == r"a\u009b31m\u2028b\u202ec\u2066"
