"""`broker directory publish`, killed: the folder holds the version before or the new one, never a part of one."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from broker.trust.published import sign_apart
from broker.trust.versions import name_of, read_version, versions_in
from tests.integration.registrars import SignedWorld

CHILD = '''
import os, signal, sys

point, when, number = sys.argv.pop(1), sys.argv.pop(1), int(sys.argv.pop(1))
calls = 0


def end():
    os.kill(os.getpid(), signal.SIGKILL)


def wrapped(real):
    def call(*words, **named):
        global calls
        calls += 1
        if calls == number and when == "before":
            end()
        done = real(*words, **named)
        if calls == number and when == "after":
            end()
        return done

    return call


class Half:
    """A file that is written by half, and then no more."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *why):
        return None

    def write(self, data):
        self.file.write(data[: len(data) // 2])
        self.file.flush()
        end()


from broker.trust import versions

if point == "write":
    real = os.fdopen
    versions.os = type("Os", (), {**{name: getattr(os, name) for name in dir(os) if not name.startswith("__")}})
    versions.os.fdopen = staticmethod(lambda *words, **named: Half(real(*words, **named)))
elif point != "never":
    setattr(os, point, wrapped(getattr(os, point)))

from broker.cli.app import app

app()
'''

POINTS = [
    ("write", "before", 1, False),
    ("fsync", "before", 1, False),
    ("fsync", "after", 1, False),
    ("link", "before", 1, False),
    ("link", "after", 1, True),
    ("unlink", "before", 1, True),
    ("unlink", "after", 1, True),
    ("fsync", "before", 2, True),
    ("fsync", "after", 2, True),
]
"""Of the system calls that matter: which, the how manieth, and whether the new version is there afterwards."""


@pytest.fixture
def world(tmp_path: Path) -> SignedWorld:
    """Version 1 is published, version 2 proposed and signed."""
    made = SignedWorld.begin(tmp_path)
    before = read_version(made.directory / name_of(1))
    made.redraft(lambda document: document.update(version=2))
    second = made.next(before)
    proposal = second.framed.token.rpartition(".")[0]
    (tmp_path / "two.proposal").write_text(proposal)
    for number in (0, 1):
        (tmp_path / f"{number}.signature").write_text(sign_apart(made.registrars[number], proposal))
    return made


def _publish(world: SignedWorld, point: str, when: str, number: int) -> int:
    words = ["directory", "publish", "two.proposal", "0.signature", "1.signature", "--to", "published"]
    command = [sys.executable, "-c", CHILD, point, when, str(number), *words]
    run = subprocess.run(command, cwd=world.folder, capture_output=True, text=True, check=False, env=dict(os.environ))
    assert "Traceback" not in run.stderr, run.stderr
    return run.returncode


@pytest.mark.parametrize(("point", "when", "number", "there"), POINTS)
def test_a_kill_leaves_one_version_or_the_other(
    world: SignedWorld, point: str, when: str, number: int, *, there: bool
) -> None:
    """Wherever it dies, each file of a version is whole, and publishing again ends with the new version there."""
    assert _publish(world, point, when, number) == -signal.SIGKILL
    found = versions_in(world.directory)
    assert list(found) == ([1, 2] if there else [1])
    assert [read_version(path).version for path in found.values()] == list(found)
    assert _publish(world, "never", "", 0) == 0
    assert list(versions_in(world.directory)) == [1, 2]
