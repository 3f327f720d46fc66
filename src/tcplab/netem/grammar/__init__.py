"""The text form of what a network does: tc netem's grammar, and more; see docs/netem.md.

Words are found by :mod:`.words`, numbers and their suffixes read by :mod:`.units`, clauses by :mod:`.clauses`;
:mod:`.printer` writes them back. What is wrong is a :class:`GrammarError`, which points at the word at fault.
"""

from tcplab.netem.grammar.errors import GrammarError

__all__ = ["GrammarError"]
