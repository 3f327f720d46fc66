"""``python -m tests.fuzz [SECONDS]``: looks for octets that break the engine, guided by coverage (atheris, libFuzzer).

What it finds worth keeping is in ``out/fuzz``; what breaks the engine is written there too, as ``crash-…``, and played
again by ``python -m tests.fuzz FILE…``.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

CORPUS: Final = Path("out/fuzz")
SECONDS: Final = 180
OCTETS_MOST: Final = 512
HOW_TO_INSTALL: Final = (
    "atheris is not installed: .venv/bin/pip install --editable '.[fuzz]' (it has wheels for some Pythons on Linux)"
)


def main(arguments: Sequence[str]) -> int:
    """Fuzz for so many seconds, or play files again; return the exit code."""
    files = [argument for argument in arguments if not argument.isdigit()]
    if files:
        return _again(files)
    try:
        atheris = import_module("atheris")
    except ImportError:
        print(HOW_TO_INSTALL, file=sys.stderr)
        return 2
    seconds = int(arguments[0]) if arguments else SECONDS
    CORPUS.mkdir(parents=True, exist_ok=True)
    with atheris.instrument_imports(include=["tcplab"]):
        from tests.fuzz.octets import play
    options = [f"-max_total_time={seconds}", f"-max_len={OCTETS_MOST}", f"-artifact_prefix={CORPUS}/", "-timeout=20"]
    atheris.Setup([sys.argv[0], str(CORPUS), *options], play)
    atheris.Fuzz()
    return 0


def _again(files: Sequence[str]) -> int:
    from tests.fuzz.octets import play

    for file in files:
        play(Path(file).read_bytes())
        print(f"{file}: nothing breaks")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
