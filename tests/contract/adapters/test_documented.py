"""docs/adding-an-adapter.md says only what works; that its adapter passes the suite, test_push.py shows."""

import re
import subprocess
import sys
from pathlib import Path

from tests.contract.adapters.documented import PAGE, blocks

ROOT = PAGE.parents[1]


def test_the_page_keeps_the_law(tmp_path: Path) -> None:
    """The adapter on the page passes the checks that the code in the house passes."""
    file = tmp_path / "drop.py"
    file.write_text(blocks()["adapters/drop.py"])
    for check in (
        ["ruff", "check", "--config", "pyproject.toml", "--ignore", "INP001"],  # alone in its folder here
        ["ruff", "format", "--check", "--config", "pyproject.toml"],
        ["mypy"],
    ):
        command = [sys.executable, "-m", *check, str(file)]
        found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert found.returncode == 0, found.stdout + found.stderr


def test_the_page_names_files_that_are_there() -> None:
    """Every file that the page speaks of exists, but for the one that it adds."""
    named = set(re.findall(r"`([\w/]+\.py)`", PAGE.read_text())) - {"adapters/drop.py"}
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []
