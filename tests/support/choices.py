"""Settings of a host, as far as the SYNs of two hosts tell them to each other."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    mss: int = 1_460
    receive_buffer: int = 1 << 20
    window_scaling: bool = True
    timestamps: bool = True
    sack: bool = True
    ecn: bool = True


ALL = Choices()
NONE = Choices(window_scaling=False, timestamps=False, sack=False, ecn=False)
