"""Lets a test put figures into the summary, from whichever worker: what was explored, and how far."""

from collections.abc import Callable

import pytest

_NAME = "figure"


@pytest.fixture
def note_figure(record_property: Callable[[str, object], None]) -> Callable[[str], None]:
    """Takes a line for the summary."""
    return lambda line: record_property(_NAME, line)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for report in terminalreporter.getreports("passed"):
        if report.when == "call":
            for name, line in report.user_properties:
                if name == _NAME:
                    terminalreporter.write_line(str(line))
