"""Settings that hosts are fuzzed with: buffers of a few octets, so that every edge is near."""

from dataclasses import replace
from typing import Final

from tcplab.tcp.config import TcpConfig
from tcplab.units import MINUTE, Duration
from tests.fuzz.bench import SMALL

CONFIGS: Final[dict[str, TcpConfig]] = {
    "small": SMALL,
    "patient": replace(SMALL, r2=None, r2_syn=Duration(5 * MINUTE)),
    "tiny": replace(SMALL, mss=1, receive_buffer=1, send_buffer=2),
    "usual": TcpConfig(first_port=SMALL.first_port, last_port=SMALL.last_port),
}
