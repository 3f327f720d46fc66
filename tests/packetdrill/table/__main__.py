"""``python -m tests.packetdrill.table [--check]``: writes the table's scripts, or says whether they are up to date."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from tests.packetdrill.table.scripts import scripts

FOLDER: Final = Path(__file__).resolve().parents[1] / "scripts" / "table"
_COMMAND: Final = "python -m tests.packetdrill.table"


def main(arguments: Sequence[str]) -> int:
    """Write or check the scripts; return the exit code."""
    parser = argparse.ArgumentParser(prog=_COMMAND, description=__doc__)
    parser.add_argument("--check", action="store_true", help="say whether the files are up to date, and write nothing")
    options = parser.parse_args(arguments)
    wanted = {FOLDER / name: text for name, text in scripts()}
    there = {path: path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.pkt")}
    if options.check:
        stale = sorted(path for path in wanted.keys() | there.keys() if wanted.get(path) != there.get(path))
        for path in stale:
            sys.stderr.write(f"{path} is out of date; make it anew with: {_COMMAND}\n")
        return 1 if stale else 0
    for path in there.keys() - wanted.keys():
        path.unlink()
    for path, text in wanted.items():
        if there.get(path) != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
