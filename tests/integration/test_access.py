"""docs/access.md, cell by cell: who asks × what × whose, against a running hub."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from broker.api.app import create_app
from tests.integration.access import AHA, ROLES, STRANGERS, Cell, Place, cells
from tests.integration.agencies import World
from tests.integration.processes import serving
from tests.unit.stages import Stages

CELLS = list(cells())
UNLIKE = frozenset({"date"})
"""Headers that differ from one answer to the next, whatever was asked."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One hub for all cells; ASEAN's AHA Centre is an inspector there."""
    world = World.make(tmp_path_factory.mktemp("access"))

    def inspecting(document: dict[str, list[dict[str, object]]]) -> None:
        for entry in document["agencies"]:
            if entry["id"] == AHA:
                entry["roles"] = ["inspector"]

    world.edit(inspecting)
    with serving(world) as hub:
        yield Place.furnish(hub, world)


def test_every_route_is_on_the_page(tmp_path: Path) -> None:
    """What the hub answers to is on the page, for each role, and nothing that it does not."""
    there = set(_calls(create_app(Stages(tmp_path).services).routes))
    assert {cell.call for cell in CELLS} == there
    assert {(cell.call, cell.role) for cell in CELLS} == {(call, role) for call in there for role in ROLES}


def _calls(routes: Iterable[Any]) -> Iterator[str]:
    """Of the application and of what it includes."""
    for route in routes:
        if included := getattr(route, "original_router", None):
            yield from _calls(included.routes)
        else:
            yield from (f"{method} {route.path.replace(':path}', '}')}" for method in route.methods - {"HEAD"})


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_each_cell_is_what_the_hub_answers(cell: Cell, place: Place) -> None:
    """The status is the page's; of others' things the whole answer is that of things that never were."""
    answer = place.sent(cell)
    status, _, none = cell.answer.partition(" ")
    assert answer.status_code == int(status), answer.text
    if none:
        assert not any(answer.json().values())
    if cell.owner in STRANGERS and answer.status_code >= 400:
        never = Cell(cell.call, "unknown", cell.role, cell.answer)
        assert _told(answer) == _told(place.sent(never))


def _told(answer: httpx2.Response) -> object:
    """All of it but the instance, which is another each time."""
    body = answer.json()
    body.pop("instance", None)
    headers = sorted((name, value) for name, value in answer.headers.multi_items() if name not in UNLIKE)
    return answer.status_code, headers, body


@pytest.mark.parametrize("role", ["unbound", "API token", "reader", "subscriber", "inspector"])
def test_no_answer_names_what_is_not_yours(role: str, place: Place) -> None:
    """No list, page or answer that a role gets holds another's subscription or alert."""
    theirs = {place.subscriptions[owner] for owner in ("community", "other")}
    theirs |= {place.alerts[owner] for owner in ("community", "other", "recalled, not given")}
    for cell in CELLS:
        if cell.role == role and cell.call.startswith("GET") and not cell.call.endswith("/stream"):
            if cell.call in ("GET /v1/decisions", "GET /v1/history") and (role == "inspector" or cell.owner == "own"):
                continue  # inspectors read those of all; an originator is told for whom its alert was decided
            text = place.sent(cell).text
            assert not [each for each in theirs if each in text], cell
