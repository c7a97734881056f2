"""The pages for operators say what the code does: tables are compared, commands are run."""

import json
import re
import shutil
from pathlib import Path

import pytest
import typer

from broker.cli.app import app
from broker.metrics import Metrics
from tests.cli.workplace import Workplace, furnished, serving
from tests.deploy.lines import ROOT, logged

OPERATING = (ROOT / "docs" / "operating.md").read_text()
SECURITY = (ROOT / "docs" / "security.md").read_text()


def rows(page: str, first: str) -> list[list[str]]:
    """The cells of the table whose head begins with that word."""
    table = page.partition(f"\n| {first} |")[2].partition("\n\n")[0]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in table.splitlines()[2:]]


def words(cell: str) -> list[str]:
    """What stands in it as code."""
    return re.findall(r"`([^`]+)`", cell)


def test_the_table_of_settings_is_that_of_serve() -> None:
    """Every option of `broker serve` with its variable and its default stands on the page, and no other."""
    serve = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined] # it is the group of all commands
    known = {each.opts[0]: each for each in serve.params if each.name != "help"}
    told = {
        words(option)[0]: (words(variable), words(default))
        for option, variable, default, *_ in rows(OPERATING, "option")
    }
    assert told.keys() == known.keys()
    for name, (variable, default) in told.items():
        assert variable == [known[name].envvar] * bool(known[name].envvar), name
        if known[name].default not in {None, False}:
            assert default == [str(known[name].default)], name


def test_every_variable_is_on_the_page() -> None:
    """What any command reads from the environment is named there."""
    group = typer.main.get_command(app)
    commands = [each for name, each in group.commands.items() if name != "demo"]  # type: ignore[attr-defined] # as above
    read = {option.envvar for command in commands for option in command.params if option.envvar}
    assert not [name for name in read | {"BROKER_PASSPHRASE"} if f"`{name}`" not in OPERATING]


def test_the_table_of_figures_is_that_of_metrics() -> None:
    """What /metrics exposes stands on the page, and nothing else."""
    exposed = re.findall(r"^# TYPE (\S+) ", Metrics().text().decode(), re.MULTILINE)
    told = {words(name)[0] for name, *_ in rows(OPERATING, "name")}
    assert told == {name for name in exposed if not name.endswith("_created")}


def test_the_table_of_log_lines_is_that_of_the_code() -> None:
    """Each line that the code can write stands there with its fields, and no line that it cannot."""
    told = {
        (words(logger)[0], words(event)[0]): set(words(fields))
        for logger, event, fields, *_ in rows(OPERATING, "logger")
    }
    assert told == logged()


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"`((?:broker|adapters|schemas|deploy)/[\w./-]+)`", SECURITY + OPERATING)))
)
def test_every_file_that_a_page_names_is_there(name: str) -> None:
    """A page never sends anybody to a file that was moved."""
    assert (ROOT / name).exists()


def test_a_backup_is_restored_as_the_page_says(tmp_path: Path) -> None:
    """With the hub stopped the data folder is copied, removed and put back: what was accepted is there, and goes on."""
    place = furnished(tmp_path)
    auth, key = ("--auth-key", "keys/vn.example.auth.pem"), ("--key", "keys/vn.example.pem")
    with serving(place) as told:
        place.variables["BROKER_HUB"] = told["issuer"]
        made = place.run("subscribe", "--own", *auth, "--json").json["id"]
        posted = [place.run("post", "flood.json", *key, "--json").json["id"]]
    block = next(each for each in re.findall(r"```sh\n(.*?)```", OPERATING, re.DOTALL) if "cp -a" in each)
    copy, restore, doctor, serve = (line.partition("#")[0].strip() for line in block.strip().splitlines())
    place.shell(copy)
    place.shell(restore)
    place.shell(doctor)
    assert serve.startswith("broker serve --directory directory --hub-keys hub-keys")
    with serving(place) as told:
        place.variables["BROKER_HUB"] = told["issuer"]
        posted.append(place.run("post", "flood.json", *key, "--json").json["id"])
        shown = place.run("tail", made, *auth, "--count", "2", "--json").out.splitlines()
    assert [json.loads(each)["id"] for each in shown] == posted
    shutil.rmtree(place.folder / "backup")


def test_the_hub_keys_of_the_page_are_all_that_a_hub_uses(tmp_path: Path) -> None:
    """The page's `broker keygen` makes a key for each use that a hub has, so that it makes none itself."""
    from broker.trust.hubkeys import USES

    place = Workplace(tmp_path)
    [command] = re.findall(r"broker keygen --agency vn\.hub(?:[^`]*?)(?=\n   ```)", OPERATING)
    place.shell(command)
    made = {path.name for path in (tmp_path / "hub-keys").iterdir()}
    assert made == {"vn.hub.pem"} | {f"vn.hub.{use}.pem" for use in USES if use != "statement"}
