"""Alerts accepted a second by `broker serve --role ingress`, against the bare floor on the same settings."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Row, row
from benchmarks.setting import Setting, broker, free_port, running

CONNECTIONS = 64
ROUNDS = 5
ALERTS = 5_000


def measure(rounds: int = ROUNDS, alerts: int = ALERTS) -> Row:
    """Both servers stand side by side; one is loaded at a time."""
    with tempfile.TemporaryDirectory(prefix="bench-") as made:
        folder = Path(made)
        setting, ours, floor = Setting(folder, "http://127.0.0.1:9"), free_port(), free_port()
        serve = broker("--role", "ingress", "--port", str(ours), "--data", str(folder / "data"))
        serve += ["--directory", str(folder / "directory"), "--hub-keys", str(folder / "hub-keys")]
        bare = [sys.executable, "-m", "benchmarks.floor", str(floor), str(folder / "floor"), setting.key.jwk["x"]]
        with running(serve, ours, folder / "ours.log"), running(bare, floor, folder / "floor.log"):
            rates = [_round(setting, alerts, ours, floor) for _ in range(rounds + 1)][1:]  # the first warms up
    return row("ingress", "alerts/s", [each[0] for each in rates], [each[1] for each in rates])


def _round(setting: Setting, alerts: int, ours: int, floor: int) -> tuple[float, float]:
    file = setting.statements(alerts)
    return rate(ours, file), rate(floor, file)


def rate(port: int, file: Path) -> float:
    """Alerts a second, all of which must be accepted."""
    command = [sys.executable, "-m", "benchmarks.load", str(port), str(file), str(CONNECTIONS)]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout)
    if told["statuses"] != {"202": told["posted"]}:
        raise RuntimeError(f"not all were accepted: {told}")
    return float(told["posted"]) / float(told["seconds"])
