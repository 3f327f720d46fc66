"""How much a sender may have in the network: NewReno and CUBIC behind one small interface."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal

from tcplab.tcp.congestion.control import CongestionControl
from tcplab.tcp.congestion.cubic import Cubic
from tcplab.tcp.congestion.newreno import NewReno

Algorithm = Literal["newreno", "cubic"]

_ALGORITHMS: Final[Mapping[Algorithm, type[NewReno | Cubic]]] = {"newreno": NewReno, "cubic": Cubic}


def congestion_control(name: Algorithm, mss: int, initial_window: int) -> CongestionControl:
    """Return a congestion control in slow start.

    Args:
        name: the algorithm.
        mss: octets of a full segment.
        initial_window: octets, of :func:`initial_window`.
    """
    return _ALGORITHMS[name](mss, initial_window)


@lru_cache(maxsize=64)
def initial_window(mss: int, segments: int = 10) -> int:
    """Return the initial window in octets: ``segments``, within 14,600 octets or else two segments (RFC 6928, 2).

    That bound is the RFC's for ten segments, and in proportion for other numbers.
    """
    return min(segments * mss, max(2 * mss, segments * 1_460))
