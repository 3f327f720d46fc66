"""Who is meant: one host by its address, all hosts of a role, or everybody."""

import re
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Final, NamedTuple

from tcplab.netem.events import LinkName
from tcplab.netem.grammar.words import Word
from tcplab.netem.roles import ELSEWHERE, Roles
from tcplab.netem.sentence import Sentence
from tcplab.node import Address

ANYBODY: Final = "*"


class Road(NamedTuple):
    """Where a packet comes from and goes to."""

    source: Address
    source_role: str | None
    target: Address
    target_role: str | None


_ROLE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_WEIGHTS: Final = {"address": 3, "role": 1, "anybody": 0}  # an address and "*" say more than two roles


def _kind(who: str) -> str:
    return "anybody" if who == ANYBODY else "role" if _ROLE.fullmatch(who) else "address"


def parse_who(words: Sentence, word: Word, text: str) -> str:
    """Return an address, the name of a role, or ``*``; ``text`` is the part of the word that tells.

    Raises:
        GrammarError: it is none of these.
    """
    if text == ANYBODY or (_ROLE.fullmatch(text) and text != ELSEWHERE):
        return text
    try:
        return str(IPv4Address(text))
    except ValueError:
        raise words.error(word, f"{text!r} is no role, no IPv4 address and not {ANYBODY}") from None


def means(who: str, address: Address, role: str | None) -> bool:
    """Return whether a host of this address and role is meant."""
    return who in (ANYBODY, address, role)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A direction between two sides, such as ``client>server``, ``10.0.1.1>*`` or ``*>*``."""

    source: str
    target: str

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Return the pattern that a text names.

        Raises:
            GrammarError: a side is no role, address or ``*``, or there are not two.
        """
        words = Sentence(text)
        pattern = cls.read(words)
        words.end()
        return pattern

    @classmethod
    def read(cls, words: Sentence) -> "Pattern":
        """Take the pattern that is the next word.

        Raises:
            GrammarError: it is none.
        """
        word = words.take("a direction such as client>server")
        sides = word.text.split(">")
        if len(sides) != 2:
            raise words.error(word, "a direction has two sides, as in client>server, 10.0.1.1>* or *>*")
        return cls(*(parse_who(words, word, side) for side in sides))

    def __str__(self) -> str:
        """Return the text that :meth:`parse` takes."""
        return f"{self.source}>{self.target}"

    @property
    def rank(self) -> tuple[int, int]:
        """How much it says: of two patterns that fit, the one with the higher rank goes.

        An address says more than a role, a role more than ``*``; an address beside ``*`` more than two roles. Where
        both say as much, the source decides.
        """
        source, target = _WEIGHTS[_kind(self.source)], _WEIGHTS[_kind(self.target)]
        return source + target, source

    def fits(self, source: Address, source_role: str | None, target: Address, target_role: str | None) -> bool:
        """Return whether packets from this host to that one are meant."""
        return means(self.source, source, source_role) and means(self.target, target, target_role)

    def joins(self, source_role: str | None, target_role: str | None) -> bool:
        """Return whether there is a road between hosts of these roles where the pattern fits.

        Between two roles there always is one. Within a role there is where both sides are named: ``*`` opens none.
        """
        if source_role is None or target_role is None:
            return False
        return source_role != target_role or ANYBODY not in (self.source, self.target)

    def link(self, source_role: str, target_role: str) -> LinkName:
        """Return the name of the link for packets between hosts of these roles: what is ``*`` is the role there."""
        source = source_role if self.source == ANYBODY else self.source
        return LinkName(f"{source}>{target_role if self.target == ANYBODY else self.target}")

    def check(self, roles: Roles) -> None:
        """Refuse what no host of the lab could be.

        Raises:
            ValueError: names the side, and what there is.
        """
        for who in (self.source, self.target):
            check_who(who, roles)


def check_who(who: str, roles: Roles) -> None:
    """Refuse a role or an address that the lab does not have.

    Raises:
        ValueError: names it, and what there is.
    """
    kind = _kind(who)
    if kind == "role" and who not in roles.names:
        raise ValueError(f"{who!r} is no role; there are {', '.join(roles.names)}")
    if kind == "address" and roles.of(Address(who)) is None:
        raise ValueError(f"{who!r} is in no role's prefix")
