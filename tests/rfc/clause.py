"""What a clause of an RFC is, to the catalogues, the markers and the page."""

from typing import NamedTuple


class Clause(NamedTuple):
    """One numbered demand, in the lab's own words."""

    name: str
    """What a test's marker calls it."""
    section: str
    asks: str
    why_not: str = ""
    """Why no test shows it; empty where one does."""
    beyond: str = ""
    """What of it the tests leave out, though they show the rest."""
