"""What all tests share."""

from hypothesis import settings

pytest_plugins = ["tests.support.broker", "tests.support.figures", "tests.support.tshark"]

# The same inputs in every run, and no bound on an input's time: a machine that is busy is no failure.
settings.register_profile("tcplab", derandomize=True, deadline=None)
settings.register_profile("fresh", deadline=None, print_blob=True)  # pytest --hypothesis-profile=fresh
settings.register_profile("fuzz", deadline=None, print_blob=True, max_examples=3_000)  # make fuzz
settings.load_profile("tcplab")
