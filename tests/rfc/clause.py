"""What a clause of an RFC is, to the catalogues, the markers and the page."""

from typing import NamedTuple


class Clause(NamedTuple):
    """One numbered demand, in the lab's own words."""

    name: str
    """What a test's marker calls it."""
    section: str
    asks: str
    not_here: str = ""
    """Why it does not apply: there is nothing in the lab that it could be about."""
    not_done: str = ""
    """Why it is not kept, though it applies."""
    beyond: str = ""
    """What of it the tests leave out, though they show the rest."""
