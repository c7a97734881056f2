"""The threat model shows what it says: each of its lines names a test, and every test that it names is there."""

import re

import pytest

from tests.deploy.lines import ROOT
from tests.deploy.test_pages import SECURITY, rows

LINES = rows(SECURITY, "who")
NAMED = [name for *_, shown in LINES for name in re.findall(r"`(tests/[^`]+)`", shown)]


def test_each_line_names_its_test() -> None:
    """Who, what they want, what stops them, what does not, and by which test that is shown."""
    assert len(LINES) > 20
    for line in LINES:
        assert len(line) == 5, line
        assert re.search(r"`tests/[\w/.]+::test_\w+`", line[-1]), line


@pytest.mark.parametrize("name", NAMED)
def test_each_named_test_is_there(name: str) -> None:
    """A line whose test was renamed or removed shows nothing any more."""
    path, _, test = name.partition("::")
    assert re.search(rf"^ *(async )?def {test}\(", (ROOT / path).read_text("utf-8"), re.MULTILINE), name
