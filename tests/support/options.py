"""Peers with options: a connection that has agreed on them, and what is told in them, in relative numbers."""

from dataclasses import replace
from typing import Final

from tcplab.tcp.config import TcpConfig
from tcplab.tcp.states import State
from tcplab.wire.segment import Options
from tcplab.wire.seq import SeqNumber, seq_add, seq_diff
from tests.support.states import Wires
from tests.support.tcp import Seg, Wire, syn_ack

EVERYTHING: Final = Options(mss=1_460, wscale=7, sack_ok=True, timestamps=(1_000, 0))
SACK: Final = Options(mss=1_460, sack_ok=True)


def client(wires: Wires, peers: Options = EVERYTHING, config: TcpConfig | None = None, *, window: int = 65_535) -> Wire:
    """Return a connection that we opened at 0 to a peer that offers these options; it was opened at 0.1."""
    wire = wires(config)
    wire.open(0.0)
    if peers.timestamps is not None:
        peers = replace(peers, timestamps=(peers.timestamps[0], clock(wire)))
    wire.arrives(replace(syn_ack(window=window), options=peers), 0.1)
    assert wire.state is State.ESTABLISHED
    wire.heard()
    return wire


def clock(wire: Wire) -> int:
    """Return the TSval that the host sent last."""
    stamps = wire.last.options.timestamps
    assert stamps is not None
    return stamps[0]


def echo(wire: Wire) -> int:
    """Return the TSecr that the host sent last."""
    stamps = wire.last.options.timestamps
    assert stamps is not None
    return stamps[1]


def stamped(seg: Seg, tsval: int, tsecr: int = 0, sack: tuple[tuple[SeqNumber, SeqNumber], ...] = ()) -> Seg:
    return replace(seg, options=Options(timestamps=(tsval, tsecr), sack=sack))


def selective(wire: Wire, seg: Seg, *blocks: tuple[int, int]) -> Seg:
    """Return an acknowledgement with SACK blocks of what we sent."""
    return replace(seg, options=Options(sack=reported(wire, *blocks)))


def blocks(wire: Wire) -> list[tuple[int, int]]:
    """Return the SACK blocks of what was sent last, relative to the peer's ISN."""
    return [(seq_diff(left, wire.irs), seq_diff(right, wire.irs)) for left, right in wire.last.options.sack]


def reported(wire: Wire, *blocks: tuple[int, int]) -> tuple[tuple[SeqNumber, SeqNumber], ...]:
    """Return SACK blocks of what we sent."""
    return tuple((seq_add(wire.iss, left), seq_add(wire.iss, right)) for left, right in blocks)
