"""Observers: what became of the events that came out."""
