"""The scaled-out shape as docker-compose.yml has it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from broker.cli.app import app
from broker.cli.serving import GRACE_S
from broker.settings import Settings
from broker.store.in_redis import DURABLE

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
ROLES = ("ingress", "router", "courier")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """Each service, its anchors resolved."""
    services: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return services


def seconds(text: str) -> int:
    """Of a duration such as 30s."""
    assert text.endswith("s")
    return int(text[:-1])


def test_it_is_a_compose_file() -> None:
    """It keeps to the Compose Specification's published schema."""
    checker = Path(sys.executable).parent / "check-jsonschema"
    command = [checker, "--builtin-schema", "vendor.compose-spec", COMPOSE]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("role", ROLES)
def test_what_it_runs_is_a_command_of_ours(services: dict[str, Any], role: str) -> None:
    """The CLI's own parser takes the words of each role, and reads that role from them."""
    words = services[role]["command"]
    command = typer.main.get_command(app)
    serve = command.commands[words[0]]  # type: ignore[attr-defined] # it is the group of all commands
    parsed = serve.make_context("serve", list(words[1:]))
    assert parsed.params["role"] == role
    assert parsed.params["port"] == 8080


@pytest.mark.parametrize("role", ROLES)
def test_its_variables_are_options_of_serve(services: dict[str, Any], role: str) -> None:
    """Each variable that the file sets is one that `broker serve` reads."""
    serve = typer.main.get_command(app).commands["serve"]  # type: ignore[attr-defined] # as above
    read = {name for option in serve.params if option.envvar for name in [option.envvar]}
    assert services[role]["environment"].keys() <= read


def test_every_role_runs(services: dict[str, Any]) -> None:
    """Together they are a whole hub: each role has a service, and they share one store and one set of hub keys."""
    assert services.keys() == {"redis", *ROLES}
    assert len({str(services[role]["environment"]) for role in ROLES}) == 1
    assert len({str(services[role]["volumes"]) for role in ROLES}) == 1
    assert all(services[role]["depends_on"]["redis"]["condition"] == "service_healthy" for role in ROLES)


def test_its_redis_keeps_what_it_acknowledges(services: dict[str, Any]) -> None:
    """Every setting that durability rests on is stated, and its files are on a volume."""
    words = services["redis"]["command"]
    stated = {name.removeprefix("--"): value for name, value in zip(words[1::2], words[2::2], strict=True)}
    assert DURABLE.items() <= stated.items()
    assert stated["appendonly"] == "yes"
    assert stated["appendfsync"] == "always"
    assert "redis:/data" in services["redis"]["volumes"]


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_killed_while_it_drains(services: dict[str, Any], role: str) -> None:
    """A service is given longer to stop than `broker serve` takes at most."""
    assert seconds(services[role]["stop_grace_period"]) > Settings(Path(), Path()).drain_s + GRACE_S


@pytest.mark.parametrize("role", ROLES)
def test_a_container_can_do_little(services: dict[str, Any], role: str) -> None:
    """Read-only, without capabilities, and no port open to other machines but through a proxy."""
    service = services[role]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", []))
