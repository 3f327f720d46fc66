"""The driver of real time, and its ports."""
