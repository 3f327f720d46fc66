"""A port that is listened on: its two queues, and SYN cookies for what finds no room (RFC 4987)."""

from collections import deque

from tcplab.tcp.app import Listen
from tcplab.tcp.config import TcpConfig
from tcplab.tcp.connection import Connection
from tcplab.tcp.events import ConnectionId
from tcplab.tcp.negotiation import agree, answer, syn_ack_flags
from tcplab.tcp.syn_cookies import SynCookies, keep, stamp
from tcplab.tcp.timestamps import tsval
from tcplab.units import Instant
from tcplab.wire.segment import Segment
from tcplab.wire.seq import seq_add

_UNSCALED_LIMIT = 0xFFFF


class Listener:
    """Holds who is half open (the SYN queue), and who is open and waits to be accepted (the accept queue).

    Attributes:
        connection: stands for the listener itself, in LISTEN.
        config: settings of the connections that it makes.
        manual: whether they wait to be accepted.
        half_open: those in SYN_RECEIVED.
        waiting: those that are open and not accepted.
    """

    __slots__ = ("_backlog", "config", "connection", "half_open", "manual", "waiting")

    def __init__(self, connection: Connection, call: Listen, config: TcpConfig) -> None:
        self.connection = connection
        self.config = config
        self.manual = call.manual
        self.half_open: set[ConnectionId] = set()
        self.waiting: deque[Connection] = deque()
        self._backlog = call.backlog

    @property
    def syn_queue_full(self) -> bool:
        """Whether no other SYN may be kept."""
        return len(self.half_open) >= self._backlog

    @property
    def accept_queue_full(self) -> bool:
        """Whether no other connection may wait to be accepted."""
        return len(self.waiting) >= self._backlog

    @property
    def answers_by_cookie(self) -> bool:
        """Whether the next SYN is answered without being kept."""
        mode = self.config.syn_cookies
        return mode == "always" or (mode == "when_full" and self.syn_queue_full)

    @property
    def forks(self) -> bool:
        """Whether the next SYN is kept, and becomes a connection."""
        return not (self.accept_queue_full or self.answers_by_cookie or self.syn_queue_full)


def cookie_answer(
    cookies: SynCookies, config: TcpConfig, name: ConnectionId, syn: Segment, clock_offset: int, now: Instant
) -> Segment:
    """Return the SYN and ACK that holds everything worth keeping of a SYN.

    Args:
        cookies: of the host.
        config: of the listener.
        name: the 4-tuple.
        syn: what came.
        clock_offset: where the timestamp clock of the 4-tuple starts.
        now: when it came.
    """
    kept = keep(config, syn)
    agreed = agree(config, kept.options, ecn=kept.ecn)
    stamps = (stamp(tsval(clock_offset, now), kept), 0 if syn.options.timestamps is None else syn.options.timestamps[0])
    return Segment(
        name.local_port,
        name.remote_port,
        cookies.make(name, syn.seq, kept, now),
        seq_add(syn.seq, 1),
        syn_ack_flags(ecn=agreed.ecn),
        min(config.receive_buffer, _UNSCALED_LIMIT),
        answer(config, agreed, stamps),
    )
