"""The client: a host that opens connections."""
