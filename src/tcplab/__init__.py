"""tcplab: a distributed laboratory for TCP's life and death (RFC 9293)."""

__version__ = "0.1.0"
