"""Alerts accepted a second by `broker serve --role ingress`, against the bare floor on the same settings: one a request
(form B), and in batches (form E).
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.report import Row, row
from benchmarks.setting import Setting, broker, free_port, running

CONNECTIONS = 64
BATCH, BATCHES_AT_ONCE = 250, 4
"""Lines of one batch, and connections that post such."""
ROUNDS = 5
ALERTS = 5_000


def measure(rounds: int = ROUNDS, alerts: int = ALERTS) -> Row:
    """One alert a request, on both sides."""
    return _measure("ingress", rate, rounds, alerts)


def measure_batch(rounds: int = ROUNDS, alerts: int = ALERTS) -> Row:
    """The floor takes one alert a request."""
    return _measure("ingress_batch", batch_rate, rounds, alerts)


def _measure(name: str, ours_by: Callable[[int, Path], float], rounds: int, alerts: int) -> Row:
    """Both servers stand side by side; one is loaded at a time."""
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        setting, ours, floor = Setting(folder, "http://127.0.0.1:9"), free_port(), free_port()
        serve = broker("--role", "ingress", "--port", str(ours), "--data", str(folder / "data"))
        serve += ["--directory", str(folder / "directory"), "--hub-keys", str(folder / "hub-keys")]
        bare = [sys.executable, "-m", "benchmarks.floor", str(floor), str(folder / "floor"), setting.key.jwk["x"]]
        with running(serve, ours, folder / "ours.log"), running(bare, floor, folder / "floor.log"):
            files = (setting.statements(alerts) for _ in range(rounds + 1))
            rates = [(ours_by(ours, file), rate(floor, file)) for file in files][1:]  # the first warms up
    return row(name, "alerts/s", [each[0] for each in rates], [each[1] for each in rates])


def rate(port: int, file: Path) -> float:
    """Alerts a second, all of which must be accepted."""
    told = _load(port, file, CONNECTIONS)
    if told["statuses"] != {"202": told["posted"]}:
        raise RuntimeError(f"not all were accepted: {told}")
    return float(told["posted"]) / float(told["seconds"])


def batch_rate(port: int, file: Path) -> float:
    """The same by form E; each line of each answer is looked at."""
    told = _load(port, file, BATCHES_AT_ONCE, BATCH)
    if told["statuses"] != {"200": told["posted"]} or told["accepted"] != len(file.read_text().splitlines()):
        raise RuntimeError(f"not all were accepted: {told}")
    return float(told["accepted"]) / float(told["seconds"])


def _load(port: int, file: Path, connections: int, *batch: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.load", *map(str, (port, file, connections, *batch))]
    answer = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout
    told: dict[str, Any] = json.loads(answer)
    return told
