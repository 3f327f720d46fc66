"""Scenarios: a run as a value, for either driver."""
