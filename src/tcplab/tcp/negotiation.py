"""What a SYN offers, what a SYN and ACK answers, and what the two sides have agreed on then.

Window scale and timestamps: RFC 7323, sections 2 and 3. SACK permitted: RFC 2018, section 2. Explicit congestion
notification: RFC 3168, section 6.1.1. Maximum segment size: RFC 9293, section 3.7.1, and RFC 6691.

The rules are the same for either side of a handshake and for a simultaneous open, where both sides send a SYN:
an option is used where both SYNs carried it.
"""

from functools import lru_cache
from typing import Final, Protocol

from tcplab.tcp.config import MSS_UNTOLD
from tcplab.value import value
from tcplab.wire.octets import WSCALE_LIMIT
from tcplab.wire.segment import ACK, CWR, ECE, SYN, Flags, Options

TIMESTAMPS_OCTETS: Final = 10  # of the option, before it is filled up to whole words

WINDOW_LARGEST: Final = 0xFFFF
"""What the header's 16 bits of window can tell, unscaled."""

_ECN_BITS: Final = ECE | CWR


class Settings(Protocol):
    """What is read of a host's settings; :class:`tcplab.tcp.config.TcpConfig` tells what they mean."""

    @property
    def mss(self) -> int:
        """Octets of data that we take in one segment without options."""

    @property
    def receive_buffer(self) -> int:
        """Octets that the largest window to be told is to hold."""

    @property
    def window_scaling(self) -> bool:
        """Whether to scale windows, if the peer does."""

    @property
    def timestamps(self) -> bool:
        """Whether to put timestamps on every segment, if the peer does."""

    @property
    def sack(self) -> bool:
        """Whether to take and to give selective acknowledgements, if the peer does."""

    @property
    def ecn(self) -> bool:
        """Whether to take part in explicit congestion notification, if the peer does."""


@value
class Agreed:
    """What both sides of a connection do."""

    mss: int
    """Octets of data that a segment without options may carry to the peer; see :func:`payload_limit`."""
    window_scaling: bool
    """Whether windows are scaled, be it by 0."""
    snd_wscale: int
    """Snd.Wind.Shift: how far to shift the windows that the peer tells."""
    rcv_wscale: int
    """Rcv.Wind.Shift: how far the windows that we tell are shifted."""
    timestamps: bool
    sack: bool
    ecn: bool


@lru_cache(maxsize=64)
def window_shift(receive_buffer: int) -> int:
    """Return the least shift by which a window of that many octets fits the header's 16 bits, 14 at most."""
    return min((receive_buffer // (WINDOW_LARGEST + 1)).bit_length(), WSCALE_LIMIT)


def offer(settings: Settings, tsval: int) -> Options:
    """Return the options of our SYN. What TSecr says is not valid in it, and 0 (RFC 7323, section 3.2)."""
    return Options(
        settings.mss,
        window_shift(settings.receive_buffer) if settings.window_scaling else None,
        settings.sack,
        (tsval, 0) if settings.timestamps else None,
    )


def agree(settings: Settings, syn: Options, *, ecn: bool) -> Agreed:
    """Return what is agreed by our settings and the options of the peer's SYN, or SYN and ACK.

    A SYN that is sent again changes nothing of it. An option that we did not offer counts for nothing.

    Args:
        settings: what we offered, or would.
        syn: the peer's options.
        ecn: whether all SYNs of either side have asked for it; see :func:`asks_for_ecn`.
    """
    mss, wscale = syn.mss or MSS_UNTOLD, syn.wscale if settings.window_scaling else None
    return Agreed(
        mss if mss < settings.mss else settings.mss,
        wscale is not None,
        0 if wscale is None else wscale if wscale < WSCALE_LIMIT else WSCALE_LIMIT,
        0 if wscale is None else window_shift(settings.receive_buffer),
        settings.timestamps and syn.timestamps is not None,
        settings.sack and syn.sack_ok,
        settings.ecn and ecn,
    )


def answer(settings: Settings, agreed: Agreed, timestamps: tuple[int, int]) -> Options:
    """Return the options of our SYN and ACK: none that the peer's SYN did not carry, but for the MSS.

    Args:
        settings: our settings.
        agreed: what :func:`agree` made of them and the peer's SYN.
        timestamps: TSval, and the TSval of the peer's SYN as TSecr.
    """
    return Options(
        settings.mss,
        agreed.rcv_wscale if agreed.window_scaling else None,
        agreed.sack,
        timestamps if agreed.timestamps else None,
    )


@lru_cache(maxsize=64)
def payload_limit(mss: int, options_octets: int) -> int:
    """Return the octets of data that fit a segment with options: Eff.snd.MSS (RFC 9293, 3.7.1).

    The MSS counts no options: whoever sends some sends so much less data (RFC 6691, section 2). A peer whose MSS
    leaves no room at all is sent single octets, since it could not be sent anything else.

    Args:
        mss: the smaller one of the peer's MSS and ours.
        options_octets: octets that the options of the segment take, before they are filled up to whole words.
    """
    return max(mss - -(-options_octets // 4) * 4, 1)


def syn_window(settings: Settings) -> int:
    """Return the window that a SYN of ours tells, octets: it is never scaled (RFC 7323, section 2.2)."""
    window = settings.receive_buffer
    return window if window < WINDOW_LARGEST else WINDOW_LARGEST


def window_field(window: int, shift: int) -> int:
    """Return how the header tells a window of that many octets, rounded down; in a SYN the shift is 0.

    The edge told so moves left by less than ``2**shift`` octets while RCV.NXT comes nearer to it. What lies before the
    greatest edge that was ever told must still be taken (RFC 7323, section 2.4): a new edge is one that the field told
    exactly, and stands until another one lies beyond it.
    """
    return min(window >> shift, WINDOW_LARGEST)


# --- explicit congestion notification ----------------------------------------------------------------------------


def syn_flags(settings: Settings, *, again: bool) -> Flags:
    """Return the flags of our SYN: an ECN-setup SYN, where we want that, has ECE and CWR.

    One that is sent again is a plain one, lest the connection fail where something on the way drops the other kind
    (RFC 3168, section 6.1.1.1); from then on :func:`agree` must be told that ``ecn`` is off.
    """
    return SYN | _ECN_BITS if settings.ecn and not again else SYN


def syn_ack_flags(*, ecn: bool) -> Flags:
    """Return the flags of our SYN and ACK: an ECN-setup SYN and ACK, where it is agreed on, has ECE alone."""
    return SYN | ACK | ECE if ecn else SYN | ACK


def asks_for_ecn(flags: Flags) -> bool:
    """Return whether these are the flags of an ECN-setup SYN (ECE and CWR), or of such a SYN and ACK (ECE alone).

    Both bits in a SYN and ACK are a reflection of ours by a host that knows nothing of them.
    """
    return flags & _ECN_BITS == (ECE if flags & ACK else _ECN_BITS)
