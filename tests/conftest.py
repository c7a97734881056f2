"""Profiles, and what happens to a test whose counterpart is missing on this machine."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("dev", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("ci" if os.environ.get("CI") else "dev")

MISSING = {
    "needs_redis_server": (lambda: shutil.which("redis-server"), "redis-server (scripts/system-packages installs it)"),
    "needs_samples": (lambda: os.environ.get("ALERT_SAMPLES"), "sample documents (ALERT_SAMPLES names their folder)"),
}
MAY_SKIP_IN_CI = {"needs_samples"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A test skips by name where its counterpart is missing; in CI that is a failure, but for the samples."""
    for item in items:
        for name, (found, what) in MISSING.items():
            if item.get_closest_marker(name) is None or found():
                continue
            if os.environ.get("CI") and name not in MAY_SKIP_IN_CI:
                raise pytest.UsageError(f"{item.name} needs {what}")
            item.add_marker(pytest.mark.skip(reason=f"needs {what}"))
