import pytest

from tests.support.states import ISNS, Wires


@pytest.fixture(params=list(ISNS.values()), ids=list(ISNS))
def wires(request: pytest.FixtureRequest) -> Wires:
    """Every test that asks for it runs with ISNs far from the wrap, at it, and at the change of sign."""
    return Wires(request.param)
