"""The server: a host that answers them."""
