"""Runs the unit tests, or the demo, with one mutant in place, in processes of their own."""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from tests.mutants.catalogue import LIKELY, ROOT, TESTS, Mutant
from tests.mutants.importing import VARIABLE, install

TESTS_DEADLINE_S = 240
DEMO_DEADLINE_S = 600
EVERY_TEST = tuple(sorted({path for paths in TESTS.values() for path in paths}))
_OPTIONS = ("-x", "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider", "--timeout=60")
_NOTICED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Run:
    """What came of it. `by` is the test that noticed, None when nothing did."""

    mutant: Mutant | None
    by: str | None
    seconds: float
    output: str


def unit(chosen: Iterable[Mutant | None], jobs: int) -> Iterator[Run]:
    """The unit tests of each mutant's stage, up to the first that fails, in the order of the mutants."""
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_warm) as pool:
        yield from pool.map(_unit, chosen)


def demo(mutant: Mutant | None) -> Run:
    """`broker demo --once`: its table notices, or it does not."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
        try:
            done = subprocess.run(
                [sys.executable, "-m", "broker", "demo", "--once"],
                cwd=ROOT,
                env=os.environ | _environment(mutant, scratch),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=DEMO_DEADLINE_S,
                check=False,
            )
            code, output = done.returncode, done.stdout.decode("utf-8", "replace")
        except subprocess.TimeoutExpired as late:
            code, output = 124, (late.stdout or b"").decode("utf-8", "replace")
    return Run(mutant, None if code == 0 else f"the demo, exit {code}", time.monotonic() - started, output)


def _environment(mutant: Mutant | None, scratch: str) -> dict[str, str]:
    """What reaches a process and all its children: the mutant, and the folder whose sitecustomize puts it in place."""
    before = os.environ.get("PYTHONPATH")
    paths = [str(ROOT / "tests" / "mutants" / "hook"), str(ROOT), *([before] if before else [])]
    return {
        "PYTHONPATH": os.pathsep.join(paths),
        "HYPOTHESIS_STORAGE_DIRECTORY": scratch,
        VARIABLE: f"{mutant.module}={mutant.id}" if mutant else "",
    }


def _warm() -> None:
    """What every run needs and no mutant touches is imported once; a run is a fork of this process."""
    import hypothesis.strategies  # noqa: F401 - imported ahead of the forks
    import lxml.etree  # noqa: F401 - as above
    import pytest  # noqa: F401 - as above
    import pytest_asyncio  # noqa: F401 - as above
    import structlog  # noqa: F401 - as above
    import yaml  # noqa: F401 - as above

    import schemas.statement  # noqa: F401 - as above


def _unit(mutant: Mutant | None) -> Run:
    started = time.monotonic()
    rounds = [LIKELY[mutant.module], TESTS[mutant.stage]] if mutant else [EVERY_TEST]
    by, output = None, ""
    for tests in rounds:
        code, output = _forked(mutant, [path for path in tests if (ROOT / path).exists()])
        if code != 0:
            failed = _NOTICED.search(output)
            by = failed[1] if failed else f"exit {code}"
            break
    return Run(mutant, by, time.monotonic() - started, output)


def _forked(mutant: Mutant | None, tests: Sequence[str]) -> tuple[int, str]:
    """Exit code and output of pytest in a fork that the mutant has to itself."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as scratch:
        told = Path(scratch) / "output"
        child = os.fork()
        if child == 0:
            _in_child(mutant, tests, scratch, told)
        code = _wait(child, time.monotonic() + TESTS_DEADLINE_S)
        return code, told.read_text("utf-8", "replace") if told.exists() else ""


def _in_child(mutant: Mutant | None, tests: Sequence[str], scratch: str, told: Path) -> None:
    code = 1
    try:
        assert not any(name.partition(".")[0] == "broker" for name in sys.modules), "the broker was imported too early"
        os.chdir(ROOT)
        os.environ.update(_environment(mutant, scratch))
        with told.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        install()
        import pytest

        code = int(pytest.main([*_OPTIONS, *tests]))
        sys.stdout.flush()
    finally:
        os._exit(code)


def _wait(child: int, deadline: float) -> int:
    """The exit code; 124 when it was late, or when who started this run is gone."""
    starter = os.getppid()
    while time.monotonic() < deadline and os.getppid() == starter:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return 124
