"""One hub that most tests of this folder ask, as a real process with a server of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.agencies import World
from tests.integration.processes import Engine, Hub, engine, serving


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    """The directory of the shared hub: not to be changed."""
    return World.make(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="session")
def hub(world: World) -> Iterator[Hub]:
    """The shared hub, all roles in one process."""
    with serving(world) as one:
        yield one


@pytest.fixture
def own_world(tmp_path: Path) -> World:
    """A directory that a test may change."""
    return World.make(tmp_path)


@pytest.fixture
def own_engine(tmp_path: Path) -> Iterator[Engine]:
    """A Redis-compatible server that a test may stop."""
    with engine(tmp_path / "engine") as one:
        yield one
