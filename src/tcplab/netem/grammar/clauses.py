"""The clauses of a profile: each a function that reads what follows its first word into fields of the profile."""

from collections.abc import Callable, Mapping
from typing import Any, Final, get_args

from tcplab.netem.grammar.losses import read_loss
from tcplab.netem.grammar.together import check_together
from tcplab.netem.grammar.units import (
    read_count,
    read_places,
    read_positive,
    read_rate,
    read_share,
    read_signed,
    read_size,
    read_time,
    read_timed_places,
)
from tcplab.netem.grammar.words import Word, Words
from tcplab.netem.traces import DelayTrace, RateTrace, TraceReader
from tcplab.netem.values import CorrelationMode, Distribution, Slot

Fields = dict[str, Any]
"""What the clauses say, by the names of the profile's fields."""


def no_traces(name: str) -> str:
    """Refuse every trace: whoever reads profiles here has no files."""
    raise ValueError(f"{name!r} cannot be read here: there are no trace files")


def read_fields(text: str, traces: TraceReader = no_traces) -> Fields:
    """Return what the clauses of a text say; those that it has not are left out.

    Raises:
        GrammarError: a word is unknown, missing or wrong, or clauses do not go together.
    """
    words, fields, first = Words(text), Fields(), dict[str, Word]()
    while (word := words.peek()) is not None:
        words.take("a clause")
        name = _clause_of(word, words)
        if name in first:
            raise words.error(word, f"a profile has one clause of this kind, and has {first[name].text!r} already")
        first[name] = word
        if name in ("trace delay", "trace rate"):
            _trace(name.removeprefix("trace "), words, fields, traces)
        else:
            _CLAUSES[name](words, fields)
    check_together(words, first, fields)
    return fields


def _clause_of(word: Word, words: Words) -> str:
    """Return the name of the clause that a word begins; of a trace, both words, and the second is taken."""
    name = ALIASES.get(word.text.lower(), word.text.lower())
    if name == "trace":
        return words.choose({"delay": "trace delay", "rate": "trace rate"}, "what is traced")
    if name not in _CLAUSES:
        raise words.error(word, "there is no such clause", (*_CLAUSES, *ALIASES, "trace"))
    following = words.peek()
    if name == "loss" and following is not None and "," in following.text:
        return "droplist"  # drop 1,3,15: a list has a comma, where drop 1 is a percentage, as in tc
    return name


def _delay(words: Words, fields: Fields) -> None:
    fields["delay"] = words.read(read_time, "TIME")
    jitter = words.read_more(read_time, "JITTER")
    if jitter:
        fields["jitter"] = jitter[0]
        _correlation("delay", words, fields)


def _distribution(words: Words, fields: Fields) -> None:
    fields["distribution"] = words.choose({name: name for name in get_args(Distribution)}, "DISTRIBUTION")


def _correlation(name: str, words: Words, fields: Fields) -> None:
    for correlation in words.read_more(read_share, "CORRELATION"):
        fields[f"{name}_correlation"] = correlation


def _share(name: str) -> Callable[[Words, Fields], None]:
    def read(words: Words, fields: Fields) -> None:
        fields[name] = words.read(read_share, "PERCENT")
        _correlation(name, words, fields)

    return read


def _ecn(_words: Words, fields: Fields) -> None:
    fields["ecn"] = True


def _rate(words: Words, fields: Fields) -> None:
    fields["rate"] = words.read(read_rate, "RATE")
    for name, read in (
        ("packet_overhead", read_signed),
        ("cell_size", read_count),
        ("cell_overhead", read_signed),
    ):
        at = words.taken
        for octets in words.read_more(read, name.replace("_", "").upper()):
            fields[name] = octets
            if name == "cell_overhead" and octets and not fields["cell_size"]:
                raise words.error(words.word(at), "CELLOVERHEAD needs cells: CELLSIZE is 0")


def _slot(words: Words, fields: Fields) -> None:
    least = words.read(read_time, "MIN")
    word = words.peek()
    most = next(iter(words.read_more(read_time, "MAX")), least)
    if most < least and word is not None:
        raise words.error(word, "MAX must be no less than MIN")
    bounds: dict[str, int] = {}
    while (word := words.peek()) is not None and word.text.lower() in ("packets", "bytes"):
        words.take("a bound")
        name = word.text.lower()
        if name in bounds:
            raise words.error(word, "a slot has one bound of this kind")
        bounds[name] = words.read(read_positive if name == "packets" else read_size, name.upper())
    fields["slot"] = Slot(least, most, bounds.get("packets"), bounds.get("bytes"))


def _trace(what: str, words: Words, fields: Fields, traces: TraceReader) -> None:
    parse: Callable[[str, str], DelayTrace | RateTrace] = DelayTrace.parse if what == "delay" else RateTrace.parse
    word = words.take("FILE")
    try:
        fields[f"{what}_trace"] = parse(word.text, traces(word.text))
    except (OSError, ValueError) as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise words.error(word, f"no {what} trace: {said}") from None


def _reads(field: str, read: Callable[[str], object], what: str) -> Callable[[Words, Fields], None]:
    def clause(words: Words, fields: Fields) -> None:
        fields[field] = words.read(read, what)

    return clause


def _corr_mode(words: Words, fields: Fields) -> None:
    fields["corr_mode"] = words.choose({name: name for name in get_args(CorrelationMode)}, "MODE")


_CLAUSES: Final[Mapping[str, Callable[[Words, Fields], None]]] = {
    "delay": _delay,
    "distribution": _distribution,
    "loss": read_loss,
    "ecn": _ecn,
    "duplicate": _share("duplicate"),
    "corrupt": _share("corrupt"),
    "reorder": _share("reorder"),
    "gap": _reads("gap", read_positive, "PACKETS"),
    "rate": _rate,
    "slot": _slot,
    "limit": _reads("limit", read_positive, "PACKETS"),
    "seed": _reads("seed", read_count, "SEED"),
    "corr_mode": _corr_mode,
    "droplist": _reads("drop_list", read_places, "LIST"),
    "delaylist": _reads("delay_list", read_timed_places, "LIST"),
    "copylist": _reads("copy_list", read_timed_places, "LIST"),
}
ALIASES: Final[Mapping[str, str]] = {"latency": "delay", "drop": "loss"}
