"""Profiles, and what happens to a test whose counterpart is missing on this machine."""

import os
import shutil
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")

MISSING = {
    "needs_redis_server": (lambda: shutil.which("redis-server"), "redis-server (scripts/system-packages installs it)"),
    "needs_systemd": (lambda: shutil.which("systemd-analyze"), "systemd-analyze (scripts/system-packages installs it)"),
    "needs_samples": (lambda: os.environ.get("ALERT_SAMPLES"), "sample documents (ALERT_SAMPLES names their folder)"),
}
MAY_SKIP_IN_CI = {"needs_samples"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test skips by name where its counterpart is missing; in CI the run does not even begin, but for the samples."""
    for item in items:
        for name, (found, what) in MISSING.items():
            if item.get_closest_marker(name) is None or found():
                continue
            if os.environ.get("CI") and name not in MAY_SKIP_IN_CI:
                raise pytest.UsageError(f"{item.name} needs {what}")
            item.add_marker(pytest.mark.skip(reason=f"needs {what}"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What skips in CI for any other reason fails there, so that nothing is missing from it unseen."""
    report = yield
    may_skip = any(item.get_closest_marker(name) for name in MAY_SKIP_IN_CI)
    if os.environ.get("CI") and report.skipped and not may_skip and not hasattr(report, "wasxfail"):
        report.outcome, report.longrepr = "failed", f"skipped, which in CI is a failure: {report.longrepr}"
    return report
