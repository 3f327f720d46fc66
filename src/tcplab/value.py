"""Values: what is made once and never changed, and read far more often than made."""

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def value(cls: type[T]) -> type[T]:
    """Make a slotted dataclass of a class, with equality, a hash, and fields that a type checker lets nobody set.

    At run time nothing guards them: the constructor of a frozen dataclass, which has to pass its own guard, takes six
    times as long, and some dozens of values are made for each segment. A named tuple is guarded, but its constructor
    takes three times as long, and so do its fields in Python 3.11, which has no fast way to read them.

    Source: PEP 681, whose ``frozen_default`` tells the type checker.
    """
    return dataclass(slots=True, unsafe_hash=True)(cls)
