"""The driver of virtual time."""
