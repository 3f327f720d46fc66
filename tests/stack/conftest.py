"""Labs in containers, one for each module that shares it."""

from collections.abc import Iterator

import pytest

from tests.stack.lab import WITHOUT_GRAFANA, Lab, services

MSL = 5.0  # seconds


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the stack was, and what it lacked."""
    line = f"stack: {', '.join(services())}"
    if services() == WITHOUT_GRAFANA:
        line += "; no Grafana: its image is not on this machine, and GRAFANA_IMAGE names none"
    terminalreporter.write_line(line)


@pytest.fixture(scope="session", autouse=True)
def images() -> None:
    """Build the images once; what the tests measure begins after that."""
    with Lab() as lab:
        lab.compose("build", "--quiet")


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    """A whole lab under the default load, but with a short MSL; not up yet."""
    with Lab(TCPLAB_MSL=f"{MSL:g}") as made:
        yield made


@pytest.fixture
def own_lab() -> Iterator[Lab]:
    """A lab for one test alone; not up yet."""
    with Lab(TCPLAB_MSL=f"{MSL:g}") as made:
        yield made
