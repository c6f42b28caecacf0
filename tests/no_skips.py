"""A skipped test is a failed one: what was not run proves nothing.

Loaded by `make test` (`-p tests.no_skips`). A test that cannot run everywhere carries a
marker, and is left out by name instead. An expected failure is still one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[
    None, pytest.TestReport, pytest.TestReport
]:
    """Fail a test, or a fixture, that skips."""
    return _without_skip((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[
    None, pytest.CollectReport, pytest.CollectReport
]:
    """Fail a file that skips as a whole."""
    return _without_skip((yield))


def _without_skip(report: Report) -> Report:
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr
        said = reason[2] if isinstance(reason, tuple) else reason
        report.outcome = "failed"
        report.longrepr = f"{said}\n  a skipped test counts as a failed one here"
    return report
