"""Several labs on one machine, and a lab that was told something wrong."""

import pytest

from tests.stack.lab import Lab, eventually

pytestmark = pytest.mark.stack

NODES = ("rabbitmq", "netem", "server", "client")


def test_two_labs_live_side_by_side(own_lab: Lab) -> None:
    with Lab(TCPLAB_MSL="1") as other:
        own_lab.up(*NODES)
        other.up(*NODES)

        for lab in (own_lab, other):
            eventually(lambda lab=lab: completed(lab) > 5, 30, "transfers complete")  # type: ignore[misc]
            assert "client-10.0.1.1" in lab.logs("client")
        other.compose("kill", *NODES)
        before = completed(own_lab)
        eventually(lambda: completed(own_lab) > before + 5, 30, "the one goes on without the other")


def test_a_wrong_setting_is_said_by_the_container(own_lab: Lab) -> None:
    with pytest.raises(AssertionError) as caught:
        own_lab.compose("run", "--rm", "--no-deps", "--env", "TCPLAB_LOSS=much", "netem")

    assert "netem: TCPLAB_LOSS=much: must be a number (packets lost, percent)" in str(caught.value)


def completed(lab: Lab) -> float:
    return lab.scrape("client").get('tcplab_transfers_total{outcome="completed"}', 0)
