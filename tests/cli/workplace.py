"""A folder as an operator and an agency would have it, and the commands as they would type them there."""

import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import yaml

Seen = TypeVar("Seen")
Json = dict[str, Any]
BIN = Path(sys.executable).parent
WITHIN_S = 60
AGENCY = "vn.example"
NETWORK = "https://nts.example/vn"
ALL = {"domains": ["disaster"], "statuses": ["actual", "exercise", "test"], "severity": "extreme"}
FLOOD: Json = {
    "kind": "alert",
    "product": "warning",
    "status": "actual",
    "domain": "disaster.flood",
    "urgency": "immediate",
    "severity": "extreme",
    "certainty": "observed",
    "areas": [{"iso": "VN-13"}],
    "headline": {"vi": "Lũ khẩn cấp trên sông Tiên Yên", "en": "Flood on the Tien Yen river"},
    "handling": {"tlp": "green", "onward": "free", "purpose": ["prevention"], "personal_data": "none"},
    "addressing": {"to": ["vn.example", "vn.partner"], "release_to": [], "not_to": []},
}
CAP = """<?xml version="1.0" encoding="UTF-8"?>
<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">
  <identifier>LU-2026-118</identifier><sender>vn.example</sender><sent>{sent}</sent>
  <status>Actual</status><msgType>Alert</msgType><scope>Restricted</scope><restriction>Chỉ các cơ quan</restriction>
  <info><language>vi</language><category>Met</category><event>Lũ</event>
    <urgency>Immediate</urgency><severity>Extreme</severity><certainty>Observed</certainty>
    <expires>{expires}</expires><headline>Lũ khẩn cấp trên sông Tiên Yên</headline>
    <area><areaDesc>Tiên Yên, Quảng Ninh</areaDesc></area></info>
</alert>
"""


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output, which holds one JSON document."""
        return json.loads(self.out)


@dataclass
class Workplace:
    """`run` is a command there, `shell` a line as it is pasted."""

    folder: Path
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *words: str | Path, ends: int | None = 0, typed: str = "", **variables: str) -> Done:
        """A command; `ends` is the exit code that it must have, None for any."""
        command = [BIN / "broker", *words]
        return self._ended(subprocess.Popen(command, **self._how(variables)), typed, ends, words)

    def shell(self, line: str, *, ends: int | None = 0) -> Done:
        """As it is pasted into a shell whose PATH has `broker`."""
        return self._ended(subprocess.Popen(["/bin/sh", "-euc", line], **self._how({})), "", ends, line)

    def start(self, *words: str | Path, **variables: str) -> "subprocess.Popen[str]":
        """One that goes on."""
        return subprocess.Popen([BIN / "broker", *words], **self._how(variables))

    def at_terminal(self, *words: str, typed: list[str]) -> tuple[int, str]:
        """With a terminal, at which a line is typed whenever the command asks: the exit code, and what was shown."""
        own, its = pty.openpty()
        how = self._how({}) | {"stdin": its, "stdout": its, "stderr": its, "start_new_session": True}
        process = subprocess.Popen([BIN / "broker", *words], **how)
        os.close(its)
        shown = b""
        waiting = list(typed)
        while True:
            try:
                got = os.read(own, 4096)
            except OSError:
                break
            shown += got
            if shown.endswith(b": ") and waiting:  # the blank comes once it reads, and not before
                os.write(own, waiting.pop(0).encode() + b"\n")
        os.close(own)
        return process.wait(WITHIN_S), shown.decode()

    def write(self, name: str, value: Any) -> Path:
        """A file: text, or JSON."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), "utf-8")
        return path

    def _how(self, variables: Mapping[str, str]) -> dict[str, Any]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BROKER_", "REDIS_"))}
        path = f"{BIN}:{os.environ['PATH']}"
        env = kept | {"PATH": path, "COLUMNS": "80", "NO_COLOR": "1"} | self.variables | variables
        pipe = subprocess.PIPE
        return {"cwd": self.folder, "env": env, "stdin": pipe, "stdout": pipe, "stderr": pipe, "text": True}

    def _ended(self, process: "subprocess.Popen[str]", typed: str, ends: int | None, what: object) -> Done:
        out, err = process.communicate(typed, timeout=WITHIN_S)
        done = Done(process.returncode, out, err)
        assert "Traceback" not in err, err
        assert ends is None or done.code == ends, f"{what} ended with {done.code}: {out}{err}"
        return done


def furnished(folder: Path) -> Workplace:
    """Keys that `broker keygen` made, a directory that lists them, a draft, and a CAP alert that fits it."""
    shutil.copytree(_furniture().name, folder, dirs_exist_ok=True)
    return Workplace(folder)


@cache
def _furniture() -> "tempfile.TemporaryDirectory[str]":
    """Made once in a run; each test has a copy."""
    made = tempfile.TemporaryDirectory(prefix="furniture-")
    place = Workplace(Path(made.name))
    entries = [
        _agency(place, "vn.hub", "hub-keys", ["statement", "receipt", "webhook", "log", "auth"]),
        _agency(place, AGENCY, "keys", ["statement", "auth", "seal"]),
        _agency(place, "vn.partner", "keys", ["statement", "auth", "seal"]),
    ]
    terms = {"tlps": ["clear", "green", "amber"], "personal": ["none"], "purposes": ["prevention"]}
    agreement = {"from": AGENCY, "to": "vn.partner", **ALL, **terms}
    directory = {"network": NETWORK, "version": 1, "hub": "vn.hub", "agencies": entries, "agreements": [agreement]}
    place.write("directory/directory.yaml", yaml.safe_dump(directory, sort_keys=False, allow_unicode=True))
    ends = (datetime.now(UTC) + timedelta(days=2)).isoformat(timespec="seconds")
    sent = datetime.now(UTC).isoformat(timespec="seconds")
    place.write("flood.json", FLOOD | {"expires": ends, "refs": {"ours": "LU-2026-118"}})
    place.write(
        "flood.xml", CAP.format(sent=sent.replace("+00:00", "-00:00"), expires=ends.replace("+00:00", "-00:00"))
    )
    return made


def _agency(place: Workplace, agency: str, out: str, uses: list[str]) -> Json:
    asked = [word for use in uses for word in ("--use", use)]
    made = place.run("keygen", "--agency", agency, "--out", out, *asked, "--json").json
    mandates = [] if agency == "vn.hub" else [ALL | {"areas": ["*"]}]
    records = [key["record"] for key in made["keys"]]
    return {"id": agency, "tier": "state", "active": True, "keys": records, "mandates": mandates}


@contextmanager
def serving(place: Workplace, *more: str, **variables: str) -> Iterator[Json]:
    """A hub with a private server, on any free port: what it told; ended as an operator would."""
    words = ["serve", "--json", "--port", "0", "--hub-keys", "hub-keys", *more]
    with (place.folder / "hub.log").open("w") as log:
        how = place._how(variables) | {"stderr": log}
        process = subprocess.Popen([BIN / "broker", *words], **how)
        try:
            told = json.loads(process.stdout.readline() or "{}")  # type: ignore[union-attr] # it is a pipe
            assert told, (place.folder / "hub.log").read_text()
            yield told | {"pid": process.pid}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(WITHIN_S)


def until(look: Callable[[], Seen]) -> Seen:
    """What `look` sees, once that is true: for what another process does a moment later."""
    give_up = time.monotonic() + WITHIN_S
    while not (seen := look()):
        assert time.monotonic() < give_up, f"not seen within {WITHIN_S} s"
        time.sleep(0.02)
    return seen


@contextmanager
def told_directory(place: Workplace) -> Iterator[Json]:
    """The directory as it is, and then as it was changed."""
    path = place.folder / "directory/directory.yaml"
    directory: Json = yaml.safe_load(path.read_text())
    yield directory
    path.write_text(yaml.safe_dump(directory, sort_keys=False, allow_unicode=True))


def free_port() -> int:
    """One that nobody has now: for what must not answer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
