"""The lab's speed, beside what bounds it."""
