"""Ladder diagrams, drawn from the journal alone: two lifelines, and what went between them.

:func:`ladder` turns records into rows, :mod:`tcplab.observe.ladder.text` draws them for terminals,
:mod:`tcplab.observe.ladder.svg` for pages.
"""

from tcplab.observe.ladder.builder import GAP_DEFAULT, Ladder, ladder
from tcplab.observe.ladder.rows import Label, Pair, Row, RowKind, Side

__all__ = ["GAP_DEFAULT", "Label", "Ladder", "Pair", "Row", "RowKind", "Side", "ladder"]
