"""Segments as values, and the two forms in which they travel. No state, no time."""
