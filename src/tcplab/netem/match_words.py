"""Reads which segments a fault is about; docs/faults.md has the grammar."""

import re
from dataclasses import replace
from json import JSONDecodeError, loads
from typing import Final

from tcplab.netem.flows import STATES
from tcplab.netem.grammar.units import read_share
from tcplab.netem.grammar.words import Word
from tcplab.netem.match import EVERY, FLAGS, Age, Occurrence, Place, What, ordinal
from tcplab.netem.patterns import parse_who
from tcplab.netem.sentence import Sentence

_NOISE: Final = ("segment", "segments")
_KINDS: Final = ("segment", "data", "retransmission", *FLAGS)
_ORDINAL: Final = re.compile(r"([1-9][0-9]{0,8})(st|nd|rd|th)")
_RANGE: Final = re.compile(r"([0-9]{0,6})(\.\.)?([0-9]{0,6})")
_PORT_LIMIT: Final = 65_535
_CONTENT_LIMIT: Final = 1_024  # octets of a pattern


def read_what(words: Sentence, *, counted: bool = True) -> What:
    """Take ``[SHARE of] [OCCURRENCE] [AGE] SEGMENT CONDITION...``; ``of each connection`` stands among the conditions.

    ``counted`` says whether a share, an occurrence and ``of each connection`` may stand there.

    Raises:
        GrammarError: points at the word.
    """
    chance = _read_chance(words) if counted else 1.0
    occurrence = _read_occurrence(words) if counted else EVERY
    words.skip("the", "a")
    age: Age = "retransmitted" if words.skip("retransmitted") else "new" if words.skip("new") else ""
    first = words.peek()
    segment = _read_segment(words)
    if segment == "retransmission":
        segment, age = "segment", "retransmitted"
    if occurrence.kind == "last" and (segment != "data" or age):
        assert first is not None, "a segment was read"
        raise words.error(first, "only of data can be told which is the last: by the FIN that follows it")
    return _read_conditions(words, What(segment, chance, occurrence, age=age), counted=counted)


def _read_chance(words: Sentence) -> float:
    word = words.peek()
    if word is None or not word.text.endswith("%"):
        return 1.0
    chance = words.read(read_share, "the share")
    if chance == 0:
        raise words.error(word, "a share of 0% is none")
    words.expect("of", "'of' and a segment")
    return chance


def _read_occurrence(words: Sentence) -> Occurrence:
    """Take an occurrence; ``the`` alone is the first, as there is no other."""
    if words.skip("every", "each"):
        return EVERY
    only = words.skip("the")
    if words.skip("last"):
        return Occurrence("last")
    if words.skip("first"):
        number = words.count("how many") if words.next.isdecimal() else 0
        return Occurrence("first", number) if number else Occurrence("nth", 1)
    found = _ORDINAL.fullmatch(words.next)
    if found is None:
        return Occurrence("nth", 1) if only else EVERY
    word = words.take("an ordinal")
    number = int(found[1])
    if ordinal(number) != word.text.lower():
        raise words.error(word, f"it must be {ordinal(number)!r}")
    return Occurrence("nth", number)


def _read_segment(words: Sentence) -> str:
    word = words.take("a segment, such as data or syn+ack,")
    name = word.text.lower()
    if name == "ack" and words.next == "of" and words.after_next in ("fin", "the"):
        words.skip("of")
        words.skip("the")
        words.expect("fin", "'fin'")
        name = "ack of fin"
    elif name in ("retransmission", "retransmissions"):
        return "retransmission"
    elif name in _NOISE:
        return "segment"
    elif name != "data" and not all(flag in FLAGS for flag in name.split("+")):
        raise words.error(
            word, f"no segment is called so; there are {', '.join(_KINDS)}, also joined as in syn+ack", _KINDS
        )
    words.skip(*_NOISE)
    return name


def _read_conditions(words: Sentence, what: What, *, counted: bool) -> What:
    """Take conditions until something else comes."""
    while True:
        if words.next == "from" and what.source is None:
            words.skip("from")
            what = replace(what, source=_read_place(words))
        elif words.next == "to" and what.target is None:
            words.skip("to")
            what = replace(what, target=_read_place(words))
        elif words.next in ("with", "without", "exactly"):
            what = _read_contents(words, what)
        elif counted and not what.each and words.skip("of"):
            words.expect("each", "'of each connection'")
            words.expect("connection", "'of each connection'")
            what = replace(what, each=True)
        elif words.skip("while", "when"):
            what = replace(what, states=(*what.states, _read_states(words)))
        else:
            return what


def _read_place(words: Sentence) -> Place:
    words.skip("the")
    word = words.take("a role, an address or *")
    who, colon, port = word.text.partition(":")
    if colon and not (port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= _PORT_LIMIT):
        raise words.error(word, f"{port!r} is no port: a whole number, 1 to {_PORT_LIMIT}")
    return Place(parse_who(words, word, who), int(port) if colon else None)


def _read_contents(words: Sentence, what: What) -> What:
    kind = words.take("a condition").text.lower()
    word = words.peek()
    name = words.next
    if kind == "with" and name in ("text", "hex"):
        return replace(what, content=_read_octets(words))
    if kind == "with" and (found := _RANGE.fullmatch(name)) is not None and name.strip("."):
        words.take("a length")
        words.expect("octets", "'octets'")
        least = int(found[1] or 0)
        most = int(found[3]) if found[3] else None if found[2] else least
        if word is not None and most is not None and most < least:
            raise words.error(word, "the greatest length is below the least")
        return replace(what, octets=(least, most))
    word = words.take("flags, such as psh+ack,")
    flags = word.text.lower()
    if not all(flag in FLAGS for flag in flags.split("+")):
        known = ("text", "hex", *FLAGS) if kind == "with" else FLAGS
        raise words.error(word, f"these are no flags; there are {', '.join(FLAGS)}, joined as in psh+ack", known)
    return replace(what, flags=(*what.flags, (kind, flags)))


def _read_octets(words: Sentence) -> bytes:
    is_text = words.skip("text")
    if not is_text:
        words.skip("hex")
    word = words.take('what is looked for, such as "GET"')
    try:
        octets = loads(word.text).encode() if is_text else bytes.fromhex(word.text)
    except (JSONDecodeError, AttributeError, UnicodeEncodeError, ValueError):
        wanted = 'text in double quotes, such as "GET"' if is_text else "pairs of hexadecimal digits, such as 474554"
        raise words.error(word, f"it must be {wanted}") from None
    if not 0 < len(octets) <= _CONTENT_LIMIT:
        raise words.error(word, f"it must have 1 to {_CONTENT_LIMIT} octets")
    return octets


def _read_states(words: Sentence) -> tuple[str, tuple[str, ...]]:
    who = read_who(words)
    words.expect("in", "'in' and a state")
    word = words.take("a state")
    states = tuple(parse_state(words, word, name) for name in word.text.split(","))
    return who, states


def read_who(words: Sentence) -> str:
    """Take a role, an address or ``*``."""
    words.skip("the")
    word = words.take("a role, an address or *")
    return parse_who(words, word, word.text)


def parse_state(words: Sentence, word: Word, name: str) -> str:
    """Return the state of that name; raise a :class:`GrammarError` for a word that names none."""
    state = name.upper().replace("-", "_")
    if state not in STATES:
        known = [each.lower() for each in STATES]
        raise words.error(word, f"{name!r} is no state that segments show; there are {', '.join(STATES)}", known)
    return state
