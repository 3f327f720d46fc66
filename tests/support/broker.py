"""Pytest's side of the broker: one a run, started by the first test that wants it, named in the summary, always ended.

With pytest-xdist the workers share it; each test has a virtual host of its own.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import keeper
from tests.support.labs import Lab, lab
from tests.support.ways import Found, NoWay

FOLDER = "PYTEST_RUN_FOLDER"  # in the environment, so that the workers of pytest-xdist inherit it
RUNNER = "PYTEST_RUNNER"


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        os.environ[FOLDER] = tempfile.mkdtemp(prefix="tcplab-")
        os.environ[RUNNER] = str(os.getpid())


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        folder = os.environ.pop(FOLDER, None)
        if folder is not None:
            keeper.release(Path(folder))
            shutil.rmtree(folder, ignore_errors=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found = keeper.look(Path(os.environ[FOLDER]))
    if found is not None:
        terminalreporter.write_line(f"broker: RabbitMQ {found.version}, {found.how}")
    else:
        terminalreporter.write_line("broker: none was used")


@pytest.fixture(scope="session")
def rabbitmq() -> Found:
    """The run's broker."""
    try:
        return keeper.ask(Path(os.environ[FOLDER]), int(os.environ[RUNNER]))
    except NoWay as error:
        reason = str(error)
    pytest.fail(reason, pytrace=False)


@pytest.fixture
def amqp_lab(rabbitmq: Found) -> Iterator[Lab]:
    """A lab on it for one test alone."""
    with lab(rabbitmq, Path(os.environ[FOLDER]).name) as made:
        yield made
