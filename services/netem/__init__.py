"""The network between the hosts."""
