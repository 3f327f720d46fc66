"""The one way in which untrusted octets fail."""


class MalformedSegment(Exception):
    """What came in is not a segment (or not a message of them).

    Attributes:
        reason: a name out of a fixed set, for metrics; each codec lists its own.
        detail: one short printable line for people.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        """Return reason and detail as the logs print them."""
        return f"{self.reason}: {self.detail}"
