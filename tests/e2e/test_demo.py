"""The demo as a person runs it: a process, its table and its exit code."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import broker.demo

_BROKER = Path(sys.executable).parent / "broker"
_EXPECTED = Path(broker.demo.__file__).with_name("expected.yaml")
_WITHIN_S = 110


@pytest.mark.slow
@pytest.mark.timeout(_WITHIN_S + 10)
def test_every_cell_of_the_demo_is_as_it_was_written_down_and_one_that_is_not_is_noticed(tmp_path: Path) -> None:
    """With one cell of the expectation changed the demo fails, naming that cell and no other: so all others hold."""
    changed = yaml.safe_load(_EXPECTED.read_text("utf-8"))
    changed["alerts"]["flood-warning"]["partners"]["police"] = "delivered"
    other = tmp_path / "expected.yaml"
    other.write_text(yaml.safe_dump(changed, allow_unicode=True), "utf-8")
    right, wrong = _started(), _started("--expected", str(other))
    told, failed = _ended(right, 0), _ended(wrong, 1)
    assert told["as_expected"]
    assert told["mismatches"] == told["findings"] == failed["findings"] == []
    assert failed["mismatches"] == ["flood-warning: police: expected delivered, and it was -"]


def test_the_expectation_covers_every_partner_and_at_least_fourteen_alerts() -> None:
    """No partner and no alert of the demo is left out of what is compared."""
    from broker.demo.expect import Expected
    from broker.demo.texts import load
    from broker.demo.world import World

    expected = Expected.read(_EXPECTED)
    posted = {name for name, text in load().items() if text.group != "live"}
    assert {partner.short for partner in World(Path()).partners} == set(expected.partners)
    assert posted == expected.cells.keys()
    assert len(posted) >= 14
    assert all(row.keys() == set(expected.partners) for row in expected.cells.values())


def test_what_compares_imports_nothing_of_the_broker() -> None:
    """The checker of the demo judges words alone, so that no error of the broker can make it agree."""
    source = (_EXPECTED.parent / "expect.py").read_text("utf-8")
    imported = [line for line in source.splitlines() if line.startswith(("import ", "from "))]
    assert not [line for line in imported if line.split()[1].partition(".")[0] in {"broker", "adapters", "schemas"}]


def _started(*more: str) -> "subprocess.Popen[str]":
    command = [str(_BROKER), "demo", "--once", "--json", *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _ended(demo: "subprocess.Popen[str]", code: int) -> dict[str, Any]:
    """What it printed, if it ended with this exit code."""
    try:
        out, errors = demo.communicate(timeout=_WITHIN_S)
    except subprocess.TimeoutExpired:
        demo.terminate()  # it ends what it started
        out, errors = demo.communicate()
    assert demo.returncode == code, f"{out}\n{errors}"
    told: dict[str, Any] = json.loads(out)
    return told
