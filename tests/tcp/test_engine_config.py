"""Values that no TCP could run with are refused, with their name and bound."""

from typing import Any

import pytest

from tcplab.tcp.config import TcpConfig
from tcplab.units import MILLISECOND, SECOND

POSITIVE = [
    "msl",
    "rto_initial",
    "rto_min",
    "rto_max",
    "fin_wait_2_timeout",
    "mss",
    "send_buffer",
    "initial_window",
    "keep_alive_idle",
    "keep_alive_interval",
    "keep_alive_probes",
    "challenge_acks_per_second",
]


@pytest.mark.parametrize("name", POSITIVE)
@pytest.mark.parametrize("value", [0, -1])
def test_nothing_and_less_are_refused(name: str, value: int) -> None:
    settings: dict[str, Any] = {name: value}

    with pytest.raises(ValueError, match=f"^{name} must be above 0$"):
        TcpConfig(**settings)


@pytest.mark.parametrize("name", ["r2", "r2_syn", "user_timeout"])
def test_a_limit_is_above_nothing_or_there_is_none(name: str) -> None:
    none: dict[str, Any] = {name: None}
    zero: dict[str, Any] = {name: 0}

    TcpConfig(**none)
    with pytest.raises(ValueError, match=f"^{name} must be above 0, or never$"):
        TcpConfig(**zero)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"mss": 65_456}, "mss must be at most 65455: an IPv4 datagram holds no more"),
        ({"delayed_ack": -1}, "delayed_ack must be 0 or more, and less than half a second"),
        ({"delayed_ack": 500 * MILLISECOND}, "delayed_ack must be 0 or more, and less than half a second"),
        ({"receive_buffer": 0}, r"receive_buffer must be 1\.\.1073725440, the window at the largest scale"),
        ({"receive_buffer": (65_535 << 14) + 1}, r"receive_buffer must be 1\.\.1073725440"),
        ({"receive_buffer": 65_536, "window_scaling": False}, r"receive_buffer must be 1\.\.65535: without"),
        ({"congestion": "vegas"}, "congestion must be one of newreno, cubic; it is 'vegas'"),
        ({"syn_cookies": "sometimes"}, "syn_cookies must be one of off, when_full, always; it is 'sometimes'"),
        ({"time_wait_policy": "bsd"}, "time_wait_policy must be one of rfc9293, linux, freebsd, none; it is 'bsd'"),
        ({"rto_min": 2 * SECOND, "rto_max": 2 * SECOND - 1}, "rto_min must not exceed rto_max"),
        ({"first_port": 0}, "ports must satisfy 1 <= first_port <= last_port <= 65535"),
        ({"first_port": 50_001, "last_port": 50_000}, "ports must satisfy"),
        ({"last_port": 65_536}, "ports must satisfy"),
    ],
)
def test_what_is_out_of_range_is_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        TcpConfig(**settings)


def test_the_bounds_themselves_are_taken() -> None:
    TcpConfig(
        mss=65_455,
        delayed_ack=500 * MILLISECOND - 1,
        receive_buffer=65_535 << 14,
        rto_min=SECOND,
        rto_max=SECOND,
        first_port=1,
        last_port=65_535,
    )


def test_time_wait_lasts_two_msl() -> None:
    """MUST-13."""
    assert TcpConfig(msl=30 * SECOND).time_wait == 60 * SECOND
    assert TcpConfig().time_wait == 240 * SECOND
