"""The page about the directory, run as it stands: ten agencies, three registrars, two versions."""

import re
from pathlib import Path
from typing import get_args

from broker.trust.published import Reason
from broker.trust.versions import read_version, versions_in
from tests.deploy.following import follow

PAGE = Path(__file__).parents[2] / "docs" / "directory.md"


def test_the_page_works_as_it_stands(tmp_path: Path) -> None:
    """Written, checked, signed, published, served, compared, changed: the hub ends with the second version."""
    told = follow(PAGE, tmp_path, blocks=7, timeout_s=240)
    published = [read_version(path) for path in versions_in(tmp_path / "ten-agencies" / "published").values()]
    assert [len(each.snapshot.document.agencies) for each in published] == [10, 10]
    assert "directory: version 1, 10 agencies" in told
    assert "signed by 2 of 3 registrars (2 are needed)" in told
    assert "newly allowed: vn.example.dyke → th.example.flood: domains disaster;" in told
    assert "newly forbidden: vn.example.dyke → vn.example.coast: domains disaster;" in told
    assert re.search(r"vn\.example\.dyke/\S+ → vn\.example\.coast: newly withheld \(rule 5\)", told)
    assert "error" not in re.sub(r"^\{.*\}$", "", told, flags=re.MULTILINE)


def test_the_table_of_reasons_is_that_of_the_code() -> None:
    """Each reason for which a version is refused stands on the page, and no other."""
    table = PAGE.read_text("utf-8").partition("| reason |")[2].partition("\n\n")[0]
    told = re.findall(r"`([a-z-]+)`", "\n".join(line.split("|")[1] for line in table.splitlines() if "|" in line[1:]))
    assert sorted(told) == sorted(get_args(Reason))


def test_every_test_that_the_threat_model_names_is_there() -> None:
    """Each attack's line names tests that exist."""
    root = PAGE.parents[1]
    table = (root / "docs" / "security.md").read_text("utf-8").partition("| attack |")[2].partition("\n\n")[0]
    sources = {path.name: path.read_text("utf-8") for path in (root / "tests").rglob("test_*.py")}
    named = [name for line in table.splitlines()[2:] for name in re.findall(r"`((?:test_|Test)\w+(?:\.py)?)`", line)]
    assert len(named) > 20
    whole = "\n".join(sources.values())
    for name in named:
        assert name in sources or f"def {name}(" in whole or f"class {name}:" in whole, name
