"""Which clauses go together, and which word to blame where they do not."""

from collections.abc import Mapping
from typing import Any

from tcplab.netem.grammar.words import Word, Words


def check_together(words: Words, first: Mapping[str, Word], fields: Mapping[str, Any]) -> None:
    """Refuse clauses that mean nothing without another, or beside another; ``first`` has the first word of each.

    Raises:
        GrammarError: points at the clause, and names the one that it needs.
    """
    waits = fields.get("delay") or fields.get("jitter") or "delay_trace" in fields
    loses = fields.get("loss") or "loss_model" in fields
    for clause, holds, fault in (
        ("distribution", fields.get("jitter"), "needs a delay clause with a jitter, such as delay 100ms 20ms"),
        ("ecn", loses, "needs a loss clause above 0%: it marks what would be lost"),
        ("reorder", waits or not fields.get("reorder"), "needs a delay clause: what is sent at once overtakes others"),
        ("gap", fields.get("reorder"), "needs a reorder clause above 0%, such as reorder 25%"),
        ("trace rate", "rate" not in first, "stands beside a rate clause; there is one line, with one rate"),
    ):
        if clause in first and not holds:
            raise words.error(first[clause], fault)
