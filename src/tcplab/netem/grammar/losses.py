"""The loss clause: by chance, by one of the two chains of tc, or in bursts."""

from typing import Any, Final

from tcplab.netem.grammar.units import read_number, read_share
from tcplab.netem.grammar.words import Words
from tcplab.netem.loss_models import ROUNDING, Bursts, FourStates, GilbertElliott

_KINDS: Final = ("random", "state", "gemodel", "burst")


def read_loss(words: Words, fields: dict[str, Any]) -> None:
    """Read what follows ``loss`` or ``drop``.

    Raises:
        GrammarError: a word is unknown, missing or wrong.
    """
    word = words.peek()
    kind = "" if word is None else word.text.lower()
    if word is not None and kind in _KINDS:
        words.take("PERCENT")
    elif word is not None and not words.next_is_number():
        raise words.error(word, f"PERCENT must be a percentage such as 1%, or one of {', '.join(_KINDS)}", _KINDS)
    match kind:
        case "state":
            fields["loss_model"] = _state(words)
        case "gemodel":
            fields["loss_model"] = _gemodel(words)
        case "burst":
            fields["loss_model"] = _burst(words)
        case _:
            fields["loss"] = words.read(read_share, "PERCENT")
            for correlation in words.read_more(read_share, "CORRELATION"):
                fields["loss_correlation"] = correlation


def _state(words: Words) -> FourStates:
    first = words.taken
    p13 = words.read(read_share, "P13")
    more = words.read_more(read_share, "P31", "P32", "P23", "P14")
    p31, p32, p23, p14 = (*more, *(1 - p13, 0.0, 1.0, 0.0)[len(more) :])
    for together, at, fault in (
        (p31 + p32, first + 2, "P32 and P31 lead away from one state: they are 100% at most together"),
        (p13 + p14, first + 4, "P14 and P13 lead away from one state: they are 100% at most together"),
    ):
        if together > 1 + ROUNDING:
            raise words.error(words.word(at), fault)
    return FourStates(p13, p31, p32, p23, p14)


def _gemodel(words: Words) -> GilbertElliott:
    p = words.read(read_share, "P")
    more = words.read_more(read_share, "R", "1-H", "1-K")
    r, bad, good = (*more, *(1 - p, 1.0, 0.0)[len(more) :])
    return GilbertElliott(p, r, bad, good)


def _burst(words: Words) -> Bursts:
    average = words.read(read_share, "AVERAGE")
    at = words.taken
    length = words.read(read_number, "LENGTH")
    try:
        return Bursts(average, length)
    except ValueError as error:
        raise words.error(words.word(at), str(error).replace("length of Bursts", "LENGTH")) from None
