"""Settings that hosts are fuzzed with: buffers of a few octets, so that every edge is near."""

from dataclasses import replace
from typing import Final

from tcplab.tcp.config import TcpConfig
from tcplab.units import MINUTE, Duration
from tests.fuzz.bench import SMALL

CONFIGS: Final[dict[str, TcpConfig]] = {
    "small": SMALL,
    "patient": replace(SMALL, r2=None, r2_syn=5 * MINUTE),
    "tiny": replace(SMALL, mss=1, receive_buffer=1, send_buffer=2),
    "usual": TcpConfig(first_port=SMALL.first_port, last_port=SMALL.last_port),
    "bare": replace(SMALL, window_scaling=False, timestamps=False, sack=False, nagle=False, delayed_ack=Duration(0)),
    "marked": replace(SMALL, ecn=True, congestion="newreno", initial_window=1),
    "cookies": replace(SMALL, syn_cookies="always", time_wait_policy="linux", time_wait_reuse=True),
    "reuse": replace(SMALL, syn_cookies="off", time_wait_reuse=True, user_timeout=MINUTE),
    "no TIME_WAIT": replace(SMALL, time_wait_policy="none", challenge_acks_per_second=1),
}
