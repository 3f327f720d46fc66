"""The relation in Markdown: what the engine takes, what it does not, and where each stands."""

from collections.abc import Iterator, Mapping
from typing import Final

from tcplab.check.relation.rfc import ABSENT, BY_DEFAULT_ABSENT, OWN, RFC, Edge
from tcplab.check.relation.search import Found, Way
from tcplab.check.relation.settings import DEFAULT
from tcplab.tcp.states import TRANSITIONS

_TAKEN: Final = """
## What the engine really takes

The table above says what may follow what. This one says what does: it was found by doing everything that can be done
to a host (every call, every kind of segment at and around the edges of both windows, every timer) at every place that
can be reached in that way, as an active and as a passive opener, with sequence numbers that wrap. Beside each
transition stands where RFC 9293 has it, and the shortest way that ends in it: `+1` is beyond what is expected by one,
`-1` before it. What a host must be set to for it stands in brackets; it was searched so with segments that are in order
alone. The RFC's side is written down in `src/tcplab/check/relation/rfc.py` from the RFC alone; a test fails as soon as
either side has a transition that the other has not and that does not stand here.

| from | what happens | to | RFC 9293 | the shortest way |
|---|---|---|---|---|"""

_NOTE: Final = """
Figure 5 omits a transition from FIN_WAIT_1 to TIME_WAIT (its note 2): where a FIN acknowledges ours, the engine takes
the two steps by way of FIN_WAIT_2 at one instant."""

_ABSENT: Final = """
### What the RFC has and the engine does not take

| from | what happens | to | why not |
|---|---|---|---|"""

_BY_DEFAULT: Final = """
### What the RFC has and the engine takes only where it is set to

| from | what happens | to | why |
|---|---|---|---|"""

_OWN: Final = """
### What the engine takes and the RFC does not have

| from | what happens | to | why |
|---|---|---|---|"""

_UNUSED: Final = """
### Rows of the table that the search did not use

A connection of which nobody knows how it came to where it is would be aborted, from whichever state: that is what the
rows for ABORT in LISTEN and TIME_WAIT are for. An OPEN takes the place of a TIME_WAIT only where timestamps tell the
two apart, which the segments of the search do not have; `tests/tcp/test_time_wait_policies.py` does that."""


def page(searches: Mapping[str, Found]) -> str:
    """Return the section on what searches have found, in Markdown."""
    ways = _ways(searches)
    rows = set().union(*(found.rows for found in searches.values()))
    unused = [f"{old.name} on `{cause.value}`" for old, cause in TRANSITIONS if (old, cause) not in rows]
    lines = [_TAKEN]
    lines += [f"{_cells(edge)} | {RFC.get(edge, 'see below')} | {ways[edge]} |" for edge in _sorted(ways)]
    lines += [_NOTE, _ABSENT, *_reasons(ABSENT), _BY_DEFAULT, *_reasons(BY_DEFAULT_ABSENT), _OWN, *_reasons(OWN)]
    return "\n".join([*lines, _UNUSED, "", f"They are {', '.join(unused)}.", ""])


def _ways(searches: Mapping[str, Found]) -> dict[Edge, str]:
    """Return the shortest way to each transition, by the first settings under which it was taken."""
    ways: dict[Edge, str] = {}
    for name, found in searches.items():
        for edge, way in found.edges.items():
            ways.setdefault(edge, _text(way) + ("" if name == DEFAULT else f" ({name})"))
    return ways


def _sorted(edges: Mapping[Edge, str]) -> Iterator[Edge]:
    """Yield the edges in the order in which the RFC's side lists them, then the engine's own."""
    yield from (edge for edge in RFC if edge in edges)
    yield from (edge for edge in edges if edge not in RFC)


def _reasons(edges: Mapping[Edge, str]) -> Iterator[str]:
    yield from (f"{_cells(edge)} | {why} |" for edge, why in edges.items())


def _cells(edge: Edge) -> str:
    return f"| {edge.old.name} | {edge.trigger} | {edge.new.name}"


def _text(way: Way) -> str:
    return ", ".join(step.upper() if isinstance(step, str) else str(step) for step in way)
