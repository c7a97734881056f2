"""Deliveries a second to ten live endpoints with five hundred dead ones beside them, against the same without."""

import contextlib
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.fanning import Fanning, endpoints
from benchmarks.report import Row, row
from benchmarks.setting import free_port

REFUSING, SILENT = 400, 100
ALERTS = 200
ROUNDS = 5


def measure(rounds: int = ROUNDS, alerts: int = ALERTS) -> Row:
    """Two hubs side by side, one of which has the dead; one courier runs at a time."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        receiver, silent = stack.enter_context(endpoints(folder)), stack.enter_context(_silent())
        refusing = free_port()
        dead = [f"http://127.0.0.1:{refusing}/{number}" for number in range(REFUSING)]
        dead += [f"http://127.0.0.1:{silent}/{number}" for number in range(SILENT)]
        beside = stack.enter_context(Fanning.started(folder / "beside", receiver, dead))
        alone = stack.enter_context(Fanning.started(folder / "alone", receiver))
        rates = [(beside.round(alerts), alone.round(alerts)) for _ in range(rounds + 1)][1:]
    return row("dead_neighbours", "deliveries/s", [each[0] for each in rates], [each[1] for each in rates])


@contextlib.contextmanager
def _silent() -> Iterator[int]:
    """A port that takes connections and never says a word."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(4_096)
        yield int(listening.getsockname()[1])
