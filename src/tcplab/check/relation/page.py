"""The relation in Markdown: what the engine takes, what it does not, and where each stands."""

from collections.abc import Iterator
from typing import Final

from tcplab.check.relation.rfc import ABSENT, OWN, RFC, Edge
from tcplab.check.relation.search import Found, Way
from tcplab.tcp.states import TRANSITIONS

_TAKEN: Final = """
## What the engine really takes

The table above says what may follow what. This one says what does: it was found by doing everything that can be done
to a host (every call, every kind of segment at and around the edges of both windows, every timer) at every place that
can be reached in that way, as an active and as a passive opener, with sequence numbers that wrap. Beside each
transition stands where RFC 9293 has it, and the shortest way that ends in it: `+1` is beyond what is expected by one,
`-1` before it. The RFC's side is written down in `src/tcplab/check/relation/rfc.py` from the RFC alone; a test fails as
soon as either side has a transition that the other has not and that does not stand here.

| from | what happens | to | RFC 9293 | the shortest way |
|---|---|---|---|---|"""

_NOTE: Final = """
Figure 5 omits a transition from FIN_WAIT_1 to TIME_WAIT (its note 2): where a FIN acknowledges ours, the engine takes
the two steps by way of FIN_WAIT_2 at one instant."""

_ABSENT: Final = """
### What the RFC has and the engine does not take

| from | what happens | to | why not |
|---|---|---|---|"""

_OWN: Final = """
### What the engine takes and the RFC does not have

| from | what happens | to | why |
|---|---|---|---|"""

_UNUSED: Final = """
### Rows of the table that nothing uses

They are there for the case that the host has a mistake: a connection of which nobody knows how it came there is
aborted, from whichever state."""


def page(found: Found) -> str:
    """Return the section on what a search has found, in Markdown."""
    lines = [_TAKEN]
    lines += [f"{_cells(edge)} | {_source(edge)} | {_way(found.edges[edge])} |" for edge in _sorted(found.edges)]
    lines += [_NOTE, _ABSENT]
    lines += [f"{_cells(edge)} | {why} |" for edge, why in ABSENT.items()]
    if OWN:
        lines += [_OWN, *(f"{_cells(edge)} | {why} |" for edge, why in OWN.items())]
    unused = [f"{old.name} on `{cause.value}`" for old, cause in TRANSITIONS if (old, cause) not in found.rows]
    if unused:
        lines += [_UNUSED, f"Here: {', '.join(unused)}."]
    return "\n".join([*lines, ""])


def _sorted(edges: dict[Edge, Way]) -> Iterator[Edge]:
    """Yield the edges in the order in which the RFC's side lists them, then the engine's own."""
    yield from (edge for edge in RFC if edge in edges)
    yield from (edge for edge in edges if edge not in RFC)


def _cells(edge: Edge) -> str:
    return f"| {edge.old.name} | {edge.trigger} | {edge.new.name}"


def _source(edge: Edge) -> str:
    return RFC.get(edge, "not there: see below")


def _way(way: Way) -> str:
    return ", ".join(f"{step}" if not isinstance(step, str) else step.upper() for step in way)
