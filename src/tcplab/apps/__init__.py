"""Workloads as values: what the hosts do with their connections."""
