"""Reads the arguments of one system call, as what the call takes them for."""

from collections.abc import Mapping
from typing import Final

from tcplab.packetdrill.model import (
    Dots,
    Expression,
    Field,
    Invocation,
    Number,
    String,
    Struct,
    SyscallSpec,
    Union,
    Word,
)
from tcplab.packetdrill.source import ScriptError, Unsupported

_PORT_FIELD: Final = "sin_port"


class Arguments:
    """The arguments of a call; each method reads one, or refuses it by its place."""

    def __init__(self, spec: SyscallSpec) -> None:
        self._spec = spec

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._spec.arguments)

    def __getitem__(self, index: int) -> Expression:
        """Return one as it was written."""
        return self._spec.arguments[index]

    def count(self, *admitted: int) -> None:
        """Refuse any other number of arguments.

        Raises:
            ScriptError: there are more or fewer.
        """
        if len(self) not in admitted:
            numbers = " or ".join(map(str, admitted))
            raise ScriptError(self._spec.place, f"{self._spec.name} takes {numbers} arguments, found {len(self)}")

    def number(self, index: int) -> int:
        """Return a number."""
        return self.number_of(self[index])

    def number_of(self, value: Expression) -> int:
        """Return the number that an expression is.

        Raises:
            ScriptError: it is something else.
        """
        if isinstance(value, Number):
            return value.value
        raise ScriptError(value.place, "expected a number")

    def word(self, index: int) -> str:
        """Return a name, or a number as it is written in its place."""
        value = self[index]
        if isinstance(value, Word):
            return value.text
        return str(self.number_of(value))

    def text_of(self, value: Expression) -> str:
        """Return a string.

        Raises:
            ScriptError: it is something else.
        """
        if isinstance(value, String):
            return value.text
        raise ScriptError(value.place, "expected [number], {onoff=…, linger=…} or a string")

    def only(self, index: int, *names: str) -> None:
        """Let nothing but those names pass, and ``...``.

        Raises:
            Unsupported: it is another.
        """
        value = self[index]
        if not isinstance(value, Dots) and self.word(index) not in names:
            raise Unsupported(value.place, self.word(index))

    def flags(self, index: int, known: Mapping[str, int]) -> int:
        """Return the union of flags."""
        return self.flags_of(self[index], known)

    def flags_of(self, value: Expression, known: Mapping[str, int]) -> int:
        """Return the union of flags that an expression is.

        Raises:
            ScriptError: it is no flag.
            Unsupported: a flag that is not among the ``known``.
        """
        total = 0
        for part in value.parts if isinstance(value, Union) else (value,):
            if isinstance(part, Word):
                if part.text not in known:
                    raise Unsupported(part.place, f"the flag {part.text}")
                total |= known[part.text]
            else:
                total |= self.number_of(part)
        return total

    def buffer(self, index: int) -> None:
        """Let ``...`` pass: what is in the buffers is the runner's to say and to compare.

        Raises:
            Unsupported: the script gives contents.
        """
        value = self[index]
        if not isinstance(value, Dots):
            raise Unsupported(value.place, "a buffer with contents")

    def port(self, index: int) -> int | None:
        """Return the port of a ``sockaddr``, ``None`` for ``...``.

        Raises:
            ScriptError: it is neither.
        """
        value = self[index]
        if isinstance(value, Dots):
            return None
        if isinstance(value, Struct):
            match self.fields(value).get(_PORT_FIELD):
                case Invocation("htons", (Number(port),)) if 0 <= port <= 0xFFFF:
                    return port or None
        raise ScriptError(value.place, "expected '...' or {sa_family = AF_INET, sin_port = htons(…), sin_addr = …}")

    def fields(self, value: Struct) -> dict[str, Expression]:
        """Return the fields of a structure by name.

        Raises:
            ScriptError: an item has no name.
        """
        fields = {}
        for item in value.items:
            if not isinstance(item, Field) or not isinstance(item.name, Word):
                raise ScriptError(item.place, "expected name=value")
            fields[item.name.text] = item.value
        return fields
