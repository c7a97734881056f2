"""The systemd unit."""

import configparser
import shlex
import subprocess
from pathlib import Path

import pytest
import typer

from broker.cli.app import app
from broker.cli.serving import GRACE_S
from broker.settings import Settings
from broker.store.server import STOP_S

UNIT = Path(__file__).parents[2] / "deploy" / "interagency-broker.service"


class _Many(dict[str, str]):
    """Keys that stand several times are joined with line breaks, as systemd adds them up."""

    def __setitem__(self, key: str, value: str) -> None:
        before = self.get(key)
        super().__setitem__(key, [*before, *value] if isinstance(before, list) and isinstance(value, list) else value)  # type: ignore[misc] # while it reads, values are lists


@pytest.fixture(scope="module")
def service() -> configparser.SectionProxy:
    """Its section [Service]."""
    unit = configparser.RawConfigParser(strict=False, dict_type=_Many)
    unit.optionxform = str  # type: ignore[assignment,method-assign] # names as they are written
    unit.read(UNIT)
    return unit["Service"]


def test_what_it_runs_is_a_command_of_ours(service: configparser.SectionProxy) -> None:
    """The CLI's own parser takes ExecStart, and each variable is one that `broker serve` reads."""
    program, name, *words = shlex.split(service["ExecStart"])
    assert program.endswith("/broker")
    serve = typer.main.get_command(app).commands[name]  # type: ignore[attr-defined] # it is the group of all commands
    serve.make_context(name, words)
    read = {option.envvar for option in serve.params if option.envvar}
    variables = {each.partition("=")[0] for each in service["Environment"].split()}
    assert variables == {"BROKER_DATA", "BROKER_DIRECTORY"}
    assert variables <= read


def test_nothing_is_killed_while_it_drains(service: configparser.SectionProxy) -> None:
    """It has longer to stop than the drain and the private server's last write take at most."""
    assert int(service["TimeoutStopSec"]) > Settings(Path(), Path()).drain_s + GRACE_S + STOP_S
    assert service["KillSignal"] == "SIGTERM"


def test_only_its_user_sees_its_files(service: configparser.SectionProxy) -> None:
    """The data folder is of mode 700 and everything in it of the user alone."""
    assert service["StateDirectoryMode"] == "0700"
    assert service["UMask"] == "0077"
    assert service["User"] == "broker"


@pytest.mark.needs_systemd
def test_systemd_understands_it(tmp_path: Path) -> None:
    """`systemd-analyze verify` has nothing to say about it, once the program is one that exists."""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/interagency-broker/.venv/bin/broker", "/bin/true"))
    done = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert [line for line in (done.stdout + done.stderr).splitlines() if UNIT.name in line] == []
