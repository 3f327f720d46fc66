"""The clauses of a profile: each a function that reads what follows its first word into fields of the profile."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from tcplab.netem.grammar.units import (
    read_count,
    read_places,
    read_rate,
    read_share,
    read_time,
    read_timed_places,
)
from tcplab.netem.grammar.words import Word, Words

Fields = dict[str, Any]
"""What the clauses say, by the names of the profile's fields."""


def read_fields(text: str) -> Fields:
    """Return what the clauses of a text say; those that it has not are left out.

    Raises:
        GrammarError: a word is unknown, missing or wrong, or a clause stands there twice.
    """
    words, fields, first = Words(text), Fields(), dict[str, Word]()
    while (word := words.peek()) is not None:
        words.take("a clause")
        name = ALIASES.get(word.text.lower(), word.text.lower())
        if name not in CLAUSES:
            raise words.error(word, "there is no such clause", (*CLAUSES, *ALIASES))
        if name == "loss" and _is_list(words):
            name = "droplist"
        if name in first:
            raise words.error(word, f"a profile has one clause of this kind, and has {first[name].text!r} already")
        first[name] = word
        CLAUSES[name](words, fields)
    return fields


def _is_list(words: Words) -> bool:
    """Return whether a list of packets comes next: ``drop 1,3,15``, where ``drop 1`` is a percentage, as in tc."""
    word = words.peek()
    return word is not None and "," in word.text


def _delay(words: Words, fields: Fields) -> None:
    fields["delay"] = words.read(read_time, "TIME")
    fields.update(zip(("jitter",), words.read_more(read_time, "JITTER"), strict=False))


def _loss(words: Words, fields: Fields) -> None:
    words.next_is("random")
    fields["loss"] = words.read(read_share, "PERCENT")


def _duplicate(words: Words, fields: Fields) -> None:
    fields["duplicate"] = words.read(read_share, "PERCENT")


def _rate(words: Words, fields: Fields) -> None:
    fields["rate"] = words.read(read_rate, "RATE")


def _limit(words: Words, fields: Fields) -> None:
    fields["limit"] = words.read(_read_limit, "PACKETS")


def _read_limit(text: str) -> int:
    if (limit := read_count(text)) == 0:
        raise ValueError("must be 1 or more")
    return limit


def _drop_list(words: Words, fields: Fields) -> None:
    fields["drop_list"] = words.read(read_places, "LIST")


def _delay_list(words: Words, fields: Fields) -> None:
    fields["delay_list"] = words.read(read_timed_places, "LIST")


def _copy_list(words: Words, fields: Fields) -> None:
    fields["copy_list"] = words.read(read_timed_places, "LIST")


CLAUSES: Final[Mapping[str, Callable[[Words, Fields], None]]] = {
    "delay": _delay,
    "loss": _loss,
    "duplicate": _duplicate,
    "rate": _rate,
    "limit": _limit,
    "droplist": _drop_list,
    "delaylist": _delay_list,
    "copylist": _copy_list,
}
ALIASES: Final[Mapping[str, str]] = {"latency": "delay", "drop": "loss"}
