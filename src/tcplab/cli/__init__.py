"""The tcplab command."""
