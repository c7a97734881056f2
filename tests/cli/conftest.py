"""One furnished folder with a running hub, for the tests that only use it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.workplace import Workplace, furnished, serving


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """The hub answers at BROKER_HUB."""
    place = furnished(tmp_path_factory.mktemp("workplace"))
    with serving(place) as told:
        place.variables["BROKER_HUB"] = told["issuer"]
        yield place


@pytest.fixture
def own(tmp_path: Path) -> Workplace:
    """A folder without a hub, that a test may change."""
    return Workplace(tmp_path)
