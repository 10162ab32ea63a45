"""What holds for the whole suite.

Examples have no deadline; with `DD0C_NO_SKIP=1` a test that misses the recordings fails instead of skipping.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# No example has a time of its own: a busy machine is no fault of what is tested.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")

NO_SKIP = os.environ.get("DD0C_NO_SKIP") == "1"


def _insist(report: pytest.TestReport | pytest.CollectReport) -> None:
    reason = str(report.longrepr)
    if NO_SKIP and report.skipped and "DD0C_CORPUS" in reason:
        report.outcome = "failed"
        report.longrepr = f"skipped although DD0C_NO_SKIP=1: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _insist(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _insist(report)
    return report
