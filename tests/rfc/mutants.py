"""The mutants: for each clause about how connections live and die, a mistake that breaks it."""

from typing import Final

from tests.rfc.mutant import Mutant

MUTANTS: Final = (
    Mutant(
        "the ISN's clock stands still",
        ("MUST-8",),
        "tcp/isn.py",
        "return SeqNumber((now // _TICK + offset) % MODULUS)",
        "return SeqNumber(offset % MODULUS)",
    ),
    Mutant(
        "the ISN's offset needs no key",
        ("MUST-9",),
        "tcp/isn.py",
        "blake2b(name, digest_size=4, key=key)",
        "blake2b(name, digest_size=4)",
    ),
)
