"""Ways into each state, for tests that are about what happens there."""

from collections.abc import Callable
from typing import Final

from tcplab.tcp.config import TcpConfig
from tcplab.tcp.states import State
from tests.support.tcp import Wire, ack, fin, syn, syn_ack

Isns = tuple[int, int]

ISNS: Final[dict[str, Isns]] = {
    "plain": (1_000, 5_000),
    "wraps": (2**32 - 1, 2**32 - 2),
    "wraps-at-2": (2**32 - 2, 2**32 - 4),
    "wraps-at-3": (2**32 - 3, 2**32 - 3),
    "wraps-at-4": (2**32 - 4, 2**32 - 1),
    "sign": (2**31 - 2, 2**31 - 1),
}
"""Our ISN and the peer's: far from the wrap, right at it, and at the change of sign of 32-bit integers."""


class Wires:
    """Makes wires with the ISNs that the test is run with."""

    def __init__(self, isns: Isns) -> None:
        self.isns = isns

    def __call__(self, config: TcpConfig | None = None) -> Wire:
        """Return a host without connections."""
        return Wire(*self.isns, config)

    def client(self, config: TcpConfig | None = None, *, window: int = 65_535, mss: int | None = 1_460) -> Wire:
        """Return a connection that we opened, ESTABLISHED at once; SND.NXT and RCV.NXT are 1."""
        wire = self(config)
        wire.open()
        assert wire.arrives(syn_ack(window=window, mss=mss)) == [ack(1, 1)]
        wire.heard()
        return wire

    def server(self, config: TcpConfig | None = None, *, window: int = 65_535) -> Wire:
        """Return a connection that the peer opened, ESTABLISHED at once; SND.NXT and RCV.NXT are 1."""
        wire = self(config)
        wire.listen()
        assert wire.arrives(syn(window=window)) == [syn_ack()]
        wire.arrives(ack(1, 1, window=window))
        wire.heard()
        return wire

    def reach(self, state: State, config: TcpConfig | None = None) -> Wire:
        """Return a wire whose connection (or listener) is in the state, with nothing queued anywhere."""
        wire = _WAYS[state](self, config)
        assert wire.state is (State.CLOSED if state is State.LISTEN else state)
        wire.heard()
        wire.sent()
        return wire


def _listen(wires: Wires, config: TcpConfig | None) -> Wire:
    wire = wires(config)
    wire.listen()
    return wire


def _syn_sent(wires: Wires, config: TcpConfig | None) -> Wire:
    wire = wires(config)
    wire.open()
    return wire


def _syn_received(wires: Wires, config: TcpConfig | None) -> Wire:
    wire = _listen(wires, config)
    wire.arrives(syn())
    return wire


def _fin_wait_1(wires: Wires, config: TcpConfig | None) -> Wire:
    wire = wires.client(config)
    assert wire.close() == [fin(1, 1)]
    return wire


def _fin_wait_2(wires: Wires, config: TcpConfig | None) -> Wire:
    wire = _fin_wait_1(wires, config)
    wire.arrives(ack(1, 2))
    return wire


def _closing(wires: Wires, config: TcpConfig | None) -> Wire:
    wire = _fin_wait_1(wires, config)
    assert wire.arrives(fin(1, 1)) == [ack(2, 2)]
    return wire


def _time_wait(wires: Wires, config: TcpConfig | None) -> Wire:
    wire = _fin_wait_2(wires, config)
    assert wire.arrives(fin(1, 2)) == [ack(2, 2)]
    return wire


def _close_wait(wires: Wires, config: TcpConfig | None) -> Wire:
    wire = wires.client(config)
    assert wire.arrives(fin(1, 1)) == [ack(1, 2)]
    return wire


def _last_ack(wires: Wires, config: TcpConfig | None) -> Wire:
    wire = _close_wait(wires, config)
    assert wire.close() == [fin(1, 2)]
    return wire


_WAYS: Final[dict[State, Callable[[Wires, TcpConfig | None], Wire]]] = {
    State.LISTEN: _listen,
    State.SYN_SENT: _syn_sent,
    State.SYN_RECEIVED: _syn_received,
    State.ESTABLISHED: Wires.client,
    State.FIN_WAIT_1: _fin_wait_1,
    State.FIN_WAIT_2: _fin_wait_2,
    State.CLOSE_WAIT: _close_wait,
    State.CLOSING: _closing,
    State.LAST_ACK: _last_ack,
    State.TIME_WAIT: _time_wait,
}
